/**
 * Reads one event each of as many streams as there are permits, drops them, and asks once more. Prints what came, and
 * ends by itself. Run with --expose-gc.
 */
import { LLMInterface } from "@wiseflow/llm"

const permits = 5
const messages = [{ role: "user" as const, content: "Hello." }]
const llm = new LLMInterface({ provider: "openai", model: "stalls", apiKey: "sk-1", maxConcurrentRequests: permits })

const readOne = async () => {
  const first = await llm.stream({ messages }).next()
  return first.done
}

const begun = await Promise.all(Array.from({ length: permits }, readOne))
const next = llm.generate({ messages, model: "answers" })
const collecting = setInterval(() => globalThis.gc?.(), 10)
const response = await next
clearInterval(collecting)
console.log(JSON.stringify({ begun, text: response.text }))
await llm.dispose()
