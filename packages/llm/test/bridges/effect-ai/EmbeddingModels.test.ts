/** effect/ai's `EmbeddingModel` on a provider of this library. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EmbeddingModel from "effect/ai/EmbeddingModel"
import { layerEmbeddingModel, llmErrorOf } from "../../../src/bridges/effect-ai/EffectAi.ts"
import { Scripted } from "../../../src/testing/index.ts"

describe("layerEmbeddingModel", () => {
  it.effect("embeds many with the model and the dimensions of its options, and tells usage", () =>
    Effect.gen(function* () {
      const script = Scripted.layerEmbeddings([{ embeddings: [[1], [2]], usage: { inputTokens: 9 } }])
      const layer = Layer.provide(layerEmbeddingModel({ model: "m", dimensions: 1 }), script)
      const many = Effect.flatMap(EmbeddingModel.EmbeddingModel, (model) => model.embedMany(["a", "b"]))
      const { embeddings, usage } = yield* Effect.provide(many, layer)
      expect(embeddings.map(({ vector }) => vector)).toEqual([[1], [2]])
      expect(usage.inputTokens).toBe(9)
      expect(script.requests).toEqual([{ inputs: ["a", "b"], model: "m", dimensions: 1 }])
    }),
  )

  it.effect("sends calls that run side by side as one request", () =>
    Effect.gen(function* () {
      const script = Scripted.layerEmbeddings()
      const both = Effect.flatMap(EmbeddingModel.EmbeddingModel, (model) =>
        Effect.forEach(["a", "b"], (text) => model.embed(text), { concurrency: "unbounded" }),
      )
      const vectors = yield* Effect.provide(both, Layer.provide(layerEmbeddingModel(), script))
      expect(vectors.map(({ vector }) => vector)).toEqual([Scripted.vectorOf("a"), Scripted.vectorOf("b")])
      expect(script.requests).toHaveLength(1)
    }),
  )

  it.effect("fails with an AiError that gives back its LlmError", () =>
    Effect.gen(function* () {
      const script = Scripted.layerEmbeddings([{ error: { _tag: "RateLimitError", retryAfterMs: 500 } }])
      const one = Effect.flatMap(EmbeddingModel.EmbeddingModel, (model) => model.embed("a"))
      const error = yield* Effect.flip(Effect.provide(one, Layer.provide(layerEmbeddingModel(), script)))
      expect(error.reason._tag).toBe("RateLimitError")
      expect(llmErrorOf(error)?.attempts).toHaveLength(1)
    }),
  )
})
