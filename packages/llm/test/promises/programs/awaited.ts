/** Holds no stream, only what it was asked for: the next event, and the response. Run with --expose-gc. */
import { LLMInterface } from "@wiseflow/llm"

const messages = [{ role: "user" as const, content: "Hello." }]
const llm = new LLMInterface({ provider: "openai", model: "slow", apiKey: "sk-1" })

const next = llm.stream({ messages }).next()
const { response } = llm.stream({ messages })
const collecting = setInterval(() => globalThis.gc?.(), 5)
const [first, whole] = await Promise.all([next, response])
clearInterval(collecting)
console.log(JSON.stringify({ done: first.done === true, text: whole.text }))
await llm.dispose()
