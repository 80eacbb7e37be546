import { LlmProvider, OpenAi, withConcurrency, withHedge, withRetry } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const { metadata, text } = yield* llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
  yield* Console.log(text, metadata.attempts.length, "request(s)")
})

const stack = OpenAi.layerConfig().pipe(withConcurrency(8), withHedge({ after: "1 second" }), withRetry())

await Effect.runPromise(Effect.provide(program, stack))
