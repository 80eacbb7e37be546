/**
 * Holds a stream of which it has read one event and reads no more, and asks once more: there is one permit. Nothing but the
 * held stream's own clock is left to wait for. Prints what came, and ends by itself.
 */
import { LLMInterface, OpenAi, withConcurrency, withTimeout } from "@wiseflow/llm"
import * as Redacted from "effect/Redacted"

const messages = [{ role: "user" as const, content: "Hello." }]
const apiBase = process.env["OPENAI_API_BASE"]
const layer = OpenAi.layer({ apiKey: Redacted.make("sk-1"), model: "stalls", apiBase }).pipe(
  withConcurrency(1),
  withTimeout({ reader: "1 second" }),
)
const llm = LLMInterface.fromLayer(layer)
const held = llm.stream({ messages })
const first = await held.next()
const { text } = await llm.generate({ messages, model: "answers" })
const response = await held.response
console.log(JSON.stringify({ done: first.done, text, held: "error" in response ? response.errorType : response.text }))
await llm.dispose()
