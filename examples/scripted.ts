import assert from "node:assert/strict"
import { LlmProvider, RateLimitError, withRetry } from "@wiseflow/llm"
import { Scripted } from "@wiseflow/llm/testing"
import * as Effect from "effect/Effect"

// What is to be tested asks for LlmProvider, and never learns who answers.
const headline = Effect.fn(function* (article: string) {
  const llm = yield* LlmProvider
  const { text } = yield* llm.generate({ messages: [{ role: "user", content: `A headline for: ${article}` }] })
  return text.trim()
})

const script = Scripted.layer([
  { error: new RateLimitError({ message: "slow down", retryAfterMs: 1 }) },
  "Cat found in tree\n",
])
const title = await headline("…").pipe(Effect.provide(script.pipe(withRetry({ times: 1 }))), Effect.runPromise)

assert.equal(title, "Cat found in tree")
assert.equal(script.requests.length, 2)
