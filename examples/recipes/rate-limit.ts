import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({ rateLimit: { rpm: 500, tpm: 200_000, maxWait: "20 seconds" } })

const response = await llm.generate({ prompt: "Hello, world!", maxTokens: 200 })
if ("error" in response) console.error(response.error, response.retryAfterMs)
else console.log(response.text, response.metadata.attempts[0]?.queuedMs, "ms in the line")
