import { LlmProvider, LlmStack } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  yield* llm
    .stream({ messages: [{ role: "user", content: "Count to three." }] })
    .pipe(Stream.runForEach((event) => (event.type === "text-delta" ? Console.log(event.delta) : Effect.void)))
})

await Effect.runPromise(Effect.provide(program, LlmStack.layerConfig()))
