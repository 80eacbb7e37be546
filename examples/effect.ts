import { Anthropic, LlmProvider, OpenAi, withConcurrency, withFallback, withRetry, withTimeout } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const llm = OpenAi.layerConfig().pipe(
  withConcurrency(10),
  withRetry({ times: 3 }),
  withFallback(Anthropic.layerConfig(), { model: "claude-sonnet-5" }),
  withTimeout("60 seconds"),
)

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const response = yield* llm.generate({ messages: [{ role: "user", content: "Say hello." }], maxTokens: 100 })
  yield* Console.log(response.text)
}).pipe(
  Effect.catchReason("LlmError", "QuotaExceededError", ({ message }) => Console.error(`Out of money: ${message}`)),
)

await Effect.runPromise(Effect.provide(program, llm))
