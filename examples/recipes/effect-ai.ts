import { LlmStack } from "@wiseflow/llm"
import * as EffectAi from "@wiseflow/llm/effect-ai"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const program = Effect.gen(function* () {
  const { text } = yield* LanguageModel.generateText({ prompt: "Hello, world!" })
  yield* Console.log(text)
})

await Effect.runPromise(
  Effect.provide(program, EffectAi.layerLanguageModel.pipe(Layer.provide(LlmStack.layerConfig()))),
)
