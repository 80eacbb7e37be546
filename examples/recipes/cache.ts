import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({ cache: { ttl: "1 hour", maxEntries: 500 } })

const ask = (prompt: string) => llm.generate({ prompt })

// Equal calls at once make one request, and so does the same question later.
await Promise.all([ask("What is the capital of Peru?"), ask("What is the capital of Peru?")])
const { metadata, text } = await ask("What is the capital of Peru?")
console.log(text, metadata.attempts.length, "requests")
