/**
 * Reads many streams to their end, collecting young objects again and again, and prints how many bytes of each have become
 * old. Run with --expose-gc.
 */
import { getHeapSpaceStatistics } from "node:v8"
import { LLMInterface } from "@wiseflow/llm"

const streams = 600
const messages = [{ role: "user" as const, content: "Hello." }]
const llm = new LLMInterface({ provider: "openai", model: "answers", apiKey: "sk-1" })

const read = async (count: number) => {
  for (let index = 0; index < count; index++) {
    for await (const event of llm.stream({ messages })) if (event.type === "response-finish") break
    if (index % 20 === 0) globalThis.gc?.({ type: "minor" })
  }
}

const oldBytes = () =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space")?.space_used_size ?? Number.NaN

await read(streams)
globalThis.gc?.()
const before = oldBytes()
await read(streams)
console.log(JSON.stringify({ bytes: Math.round((oldBytes() - before) / streams) }))
await llm.dispose()
