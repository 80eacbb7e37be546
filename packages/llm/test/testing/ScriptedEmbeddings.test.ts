/** Embeddings of a script: vectors of the texts, vectors and failures in turn, and what was asked. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import { EmbeddingProvider, type EmbeddingRequest, unwrap, withBudget } from "../../src/index.ts"
import { Scripted } from "../../src/testing/index.ts"
import { YieldingAt } from "../policies/YieldingAt.ts"

const embed = (layer: Scripted.ScriptedEmbeddings, request: Partial<EmbeddingRequest> = {}) =>
  Effect.provide(
    Effect.flatMap(EmbeddingProvider, (provider) => provider.embed({ inputs: ["a", "b"], ...request })),
    layer,
  )

describe("Scripted.layerEmbeddings", () => {
  it.effect("makes vectors of the texts, the same ones for the same text, of length 1", () =>
    Effect.gen(function* () {
      const layer = Scripted.layerEmbeddings()
      const { embeddings, metadata } = yield* embed(layer, { inputs: ["a", "b", "a"], dimensions: 5 })
      expect(embeddings[0]).toEqual(embeddings[2])
      expect(embeddings[0]).not.toEqual(embeddings[1])
      expect(embeddings[0]).toEqual(Scripted.vectorOf("a", 5))
      for (const vector of embeddings) expect(Math.hypot(...vector)).toBeCloseTo(1, 10)
      expect(metadata).toMatchObject({ provider: "scripted", model: "scripted", usageStatus: "unknown" })
      expect(layer.requests).toHaveLength(1)
    }),
  )

  it.effect("gives the script's vectors and failures in turn, and fails where none is left", () =>
    Effect.gen(function* () {
      const layer = Scripted.layerEmbeddings([
        [[1], [2]],
        { embeddings: [[3], [4]], usage: { inputTokens: 2 } },
        { error: "OverloadedError" },
        [[1]],
      ])
      expect((yield* embed(layer)).embeddings).toEqual([[1], [2]])
      expect(yield* embed(layer)).toMatchObject({ embeddings: [[3], [4]], metadata: { usage: { inputTokens: 2 } } })
      expect((yield* Effect.flip(embed(layer))).reason._tag).toBe("OverloadedError")
      expect((yield* Effect.flip(embed(layer))).message).toContain("1 vectors for 2 inputs")
      const ended = yield* Effect.flip(embed(layer))
      expect(ended.reason._tag).toBe("InvalidRequestError")
      expect(ended.attempts).toHaveLength(1)
    }),
  )

  it.effect("leaves no request open where it is given up between two steps", () =>
    Effect.gen(function* () {
      const stack = withBudget({ tokens: 1000 })(Scripted.layerEmbeddings())
      yield* Effect.gen(function* () {
        const { embed } = yield* EmbeddingProvider
        for (const step of Array.from({ length: 60 }, (_, at) => at + 1)) {
          const asked = Effect.provideService(embed({ inputs: ["a"] }), Scheduler.Scheduler, new YieldingAt(step))
          const fiber = Effect.runFork(asked)
          fiber.interruptUnsafe()
          yield* Fiber.await(fiber)
        }
        const error = yield* Effect.flip(embed({ inputs: ["a ".repeat(5000)] }))
        expect(error.reason).toMatchObject({ _tag: "BudgetExceededError", reserved: 0 })
      }).pipe(Effect.provide(stack))
    }),
  )

  it.effect("refuses what the real ones refuse", () =>
    Effect.gen(function* () {
      const layer = Scripted.layerEmbeddings()
      expect((yield* Effect.flip(embed(layer, { inputs: [] }))).reason).toMatchObject({ parameter: "inputs" })
      expect(layer.requests).toHaveLength(0)
    }),
  )
})

it("Scripted.llm embeds too, and remembers what it embedded", async () => {
  const llm = Scripted.llm(["hello"])
  expect(unwrap(await llm.embed({ inputs: ["a"] })).embeddings).toEqual([Scripted.vectorOf("a")])
  expect(llm.embeddingRequests).toEqual([{ inputs: ["a"] }])
  const scripted = Scripted.llm([], { embeddings: [[[7]]] })
  expect(unwrap(await scripted.embed({ inputs: ["a"] })).embeddings).toEqual([[7]])
})
