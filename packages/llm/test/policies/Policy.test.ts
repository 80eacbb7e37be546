/** What a policy of a program's own may say of its service, and what it takes over from the one within. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { EmbeddingProvider } from "../../src/model/EmbeddingProvider.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import * as Policy from "../../src/policies/Policy.ts"
import { withBatches } from "../../src/policies/Batches.ts"

const answers = Layer.mock(LlmProvider, { name: "inner", model: "m", targets: 3 })

const limits = () => ({ inputs: 7 })

const vectors = Layer.mock(EmbeddingProvider, { name: "inner", model: "m", targets: 3, batchLimits: limits })

describe("a policy of a program's own", () => {
  it.effect("takes over the model and the targets of the service within", () =>
    Effect.gen(function* () {
      const named = Policy.make((inner) =>
        Effect.succeed({ name: "outer", generate: inner.generate, stream: inner.stream }),
      )
      const { model, name, targets } = yield* Effect.provide(LlmProvider, named(answers))
      expect({ model, name, targets }).toEqual({ name: "outer", model: "m", targets: 3 })
    }),
  )

  it.effect("may say its own", () =>
    Effect.gen(function* () {
      const own = Policy.make((inner) => Effect.succeed({ ...inner, name: "outer", model: "own", targets: 5 }))
      const { model, name, targets } = yield* Effect.provide(LlmProvider, own(answers))
      expect({ model, name, targets }).toEqual({ name: "outer", model: "own", targets: 5 })
    }),
  )

  it.effect("does both around embeddings, for the limits of a request too", () =>
    Effect.gen(function* () {
      const named = Policy.makeEmbedding((inner) => Effect.succeed({ name: "outer", embed: inner.embed }))
      const taken = yield* Effect.provide(EmbeddingProvider, named(vectors))
      expect(taken).toMatchObject({ name: "outer", model: "m", targets: 3 })
      expect(taken.batchLimits?.("m")).toEqual({ inputs: 7 })
      const changing = Policy.makeEmbedding((inner) =>
        Effect.succeed({ ...inner, name: "outer", model: "own", targets: 5, batchLimits: () => ({ inputs: 1 }) }),
      )
      const own = yield* Effect.provide(EmbeddingProvider, changing(vectors))
      expect(own).toMatchObject({ name: "outer", model: "own", targets: 5 })
      expect(own.batchLimits?.("m")).toEqual({ inputs: 1 })
    }),
  )
})

it.effect("the policy of batches leaves what its service is as it is", () =>
  Effect.gen(function* () {
    expect(yield* Effect.provide(EmbeddingProvider, Layer.orDie(withBatches()(vectors)))).toMatchObject({
      name: "inner",
      model: "m",
      targets: 3,
    })
  }),
)
