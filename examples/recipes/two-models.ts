import { type LlmError, LlmProvider, OpenAi } from "@wiseflow/llm"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

// Two models of one provider, each under a tag of its own. A Config is the program's own setting.
class Fast extends Context.Service<Fast, LlmProvider["Service"]>()("app/Fast") {
  static readonly layer: Layer.Layer<Fast, LlmError> = Layer.effect(Fast, LlmProvider).pipe(
    Layer.provide(OpenAi.layerConfig({ model: "gpt-5-nano" })),
  )
}

class Smart extends Context.Service<Smart, LlmProvider["Service"]>()("app/Smart") {
  static readonly layer: Layer.Layer<Smart, LlmError> = Layer.effect(Smart, LlmProvider).pipe(
    Layer.provide(OpenAi.layerConfig({ model: Config.String("SMART_MODEL").pipe(Config.withDefault("gpt-5")) })),
  )
}

const program = Effect.gen(function* () {
  const fast = yield* Fast
  const smart = yield* Smart
  const outline = yield* fast.generate({ messages: [{ role: "user", content: "Three headings on bees, please." }] })
  const text = yield* smart.generate({ messages: [{ role: "user", content: `Write this out:\n${outline.text}` }] })
  yield* Console.log(`${outline.metadata.model}, then ${text.metadata.model}: ${text.text}`)
})

await Effect.runPromise(Effect.provide(program, Layer.merge(Fast.layer, Smart.layer)))
