import { generate, isLlmError, unwrap } from "@wiseflow/llm"

const messages = [{ role: "user", content: "Hello, world!" }] as const

// As data:
const response = await generate({ messages })
if (!("error" in response)) console.log(response.text)
else if (response.errorType === "RateLimitError") console.error(`Again in ${response.retryAfterMs ?? "some"} ms.`)
else if (response.errorType === "QuotaExceededError") console.error("The account is empty.")
else console.error(response.error, `(${response.metadata.attempts.length} requests)`)

// As an exception:
try {
  console.log(unwrap(await generate({ messages })).text)
} catch (error) {
  if (!isLlmError(error)) throw error
  console.error(error.reason._tag, error.message)
}
