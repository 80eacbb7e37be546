/** A program on Node: imports every entry it is told, asks once whole and once in pieces, and ends by itself. */
import { LLMInterface } from "@wiseflow/llm"

const [apiBase, ...entries] = process.argv.slice(2)
for (const entry of entries) await import(entry)

const llm = new LLMInterface({ provider: "openai", model: "gpt-5-mini", apiKey: "sk-1", apiBase, maxRetries: 0 })
const messages = [{ role: "user", content: "Say hello." }] as const
const whole = await llm.generate({ messages })
const pieces = []
for await (const event of llm.stream({ messages })) if (event.type === "text-delta") pieces.push(event.delta)

const library = import.meta.resolve("@wiseflow/llm")
console.log(JSON.stringify({ version: process.version, library, whole, pieces }))
