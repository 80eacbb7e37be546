/** A program without effect: asks once whole, once in pieces, and once by a tool of a fake, and ends by itself. */
import { isLlmError, LLMInterface, type LlmError, tool, unwrap } from "@wiseflow/llm/promise"
import { Scripted } from "@wiseflow/llm/promise/testing"

const [apiBase] = process.argv.slice(2)

const llm = new LLMInterface({
  provider: "openai",
  model: "gpt-5-mini",
  apiKey: "sk-1",
  apiBase,
  timeout: "20 seconds",
})
const messages = [{ role: "user", content: "Say hello." }] as const
const whole = await llm.generate({ messages, maxRetries: 0 })
const pieces: Array<string> = []
for await (const event of llm.stream({ messages })) if (event.type === "text-delta") pieces.push(event.delta)
await llm.dispose()

const failed = await Scripted.llm([{ error: { _tag: "RateLimitError" } }]).generate({ messages })
const thrown = (): LlmError | undefined => {
  try {
    unwrap(failed)
  } catch (error) {
    return isLlmError(error) ? error : undefined
  }
  return undefined
}

const sizes: Array<number> = []
const measure = tool({
  name: "measure",
  parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
  execute: ({ text }) => {
    sizes.push(text.length)
    return text.length
  },
})
const script = Scripted.llm([{ toolCalls: [{ name: "measure", arguments: { text: "four" } }] }, "4"])
const run = await script.runTools({ messages, tools: [measure] })

const described = await Scripted.llm(['{"city":"Paris"}']).generateObject({
  messages,
  schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
})
const city: string = unwrap(described).object.city

const library = import.meta.resolve("@wiseflow/llm/promise")
const reason = thrown()?.reason._tag
console.log(JSON.stringify({ version: process.version, library, whole, pieces, reason, sizes, run: run.text, city }))
