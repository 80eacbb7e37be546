import { LlmProvider, LlmStack, withRateLimit } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const { metadata, text } = yield* llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
  yield* Console.log(text, metadata.attempts[0]?.queuedMs, "ms in the line")
})

const paced = LlmStack.layerConfig().pipe(withRateLimit({ rpm: 500, tpm: 200_000 }))

await Effect.runPromise(Effect.provide(program, paced))
