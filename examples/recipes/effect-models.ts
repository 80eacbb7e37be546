import { Anthropic, ModelInfo, withRetry, withTimeout } from "@wiseflow/llm"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const program = Effect.gen(function* () {
  const info = yield* ModelInfo
  const { models } = yield* info.models
  const { count } = yield* info.countTokens({
    model: models[0]?.id,
    messages: [{ role: "user", content: "Summarise the minutes of the meeting." }],
  })
  yield* Console.log(models.map(({ id }) => id).join(", "), count)
})

const claude = Layer.unwrap(
  Effect.gen(function* () {
    const apiKey = yield* Config.Redacted("ANTHROPIC_API_KEY")
    const apiBase = yield* Config.String("ANTHROPIC_API_BASE").pipe(Config.withDefault("https://api.anthropic.com"))
    return Anthropic.layerModels({ apiKey, apiBase })
  }),
)

await Effect.runPromise(Effect.provide(program, claude.pipe(withTimeout("10 seconds"), withRetry())))
