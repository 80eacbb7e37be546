/** Every policy of the library serves every service: each exported `with…` has its row here, so that none is forgotten. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as library from "../../src/index.ts"
import { EmbeddingProvider } from "../../src/model/EmbeddingProvider.ts"
import type { LlmError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { ModelInfo } from "../../src/model/ModelInfo.ts"
import * as ScriptedEmbeddings from "../../src/testing/ScriptedEmbeddings.ts"
import * as ScriptedModels from "../../src/testing/ScriptedModels.ts"
import { ask, callNames } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

class Beside extends Context.Service<Beside, { readonly name: string }>()("test/Beside") {}

type Services = Layer.Layer<LlmProvider | EmbeddingProvider | ModelInfo, LlmError>

/** Each policy as it is put around a Layer of several services. */
const everywhere: Readonly<Record<string, (layer: Services) => Services>> = {
  withBudget: (layer) => layer.pipe(library.withBudget({ tokens: 1_000_000 })),
  withAdaptiveConcurrency: (layer) => layer.pipe(library.withAdaptiveConcurrency()),
  withCache: (layer) => layer.pipe(library.withCache()),
  withBalance: (layer) =>
    library.withBalance([
      { name: "one", layer },
      { name: "other", layer },
    ]),
  withCircuitBreaker: (layer) => layer.pipe(library.withCircuitBreaker()),
  withConcurrency: (layer) => layer.pipe(library.withConcurrency(1)),
  withFallback: (layer) => layer.pipe(library.withFallback(layer)),
  withHedge: (layer) => layer.pipe(library.withHedge()),
  withObserver: (layer) => layer.pipe(library.withObserver(() => {})),
  withRateLimit: (layer) => layer.pipe(library.withRateLimit({ rpm: 100 })),
  withRetry: (layer) => layer.pipe(library.withRetry()),
  withTelemetry: (layer) => layer.pipe(library.withTelemetry),
  withTimeout: (layer) => layer.pipe(library.withTimeout("1 minute")),
  withUsageLedger: (layer) => layer.pipe(library.withUsageLedger(new library.UsageLedger())),
}

/** Those that are for one service, as their type says. */
const forAnswers: Readonly<Record<string, library.Policy.Policy<LlmError>>> = {
  withDefaults: library.withDefaults({ temperature: 0 }),
}
const forEmbeddings: Readonly<Record<string, library.Policy.EmbeddingPolicy<LlmError>>> = {
  withBatches: library.withBatches(),
}

/** They begin with `with` and are no policies. */
const others = new Set(["withJsonSchema"])

const answers = () => new Upstream(() => ({ text: "hello" })).layer

const services = () =>
  Layer.mergeAll(answers(), ScriptedEmbeddings.layerEmbeddings(), ScriptedModels.layerModels({ counts: [7, 8] }))

const embed = Effect.flatMap(EmbeddingProvider, (embeddings) => embeddings.embed({ inputs: ["one", "two"] }))

it("every exported policy has its row", () => {
  const exported = Object.keys(library).filter((name) => /^with[A-Z]/.test(name) && !others.has(name))
  const rows = [everywhere, forAnswers, forEmbeddings].flatMap(Object.keys)
  expect(rows.toSorted()).toEqual(exported.toSorted())
})

describe.each(Object.entries(everywhere))("%s", (_, policy) => {
  it.effect.each(callNames)("lets %s through", (call) =>
    Effect.gen(function* () {
      expect((yield* ask(call)).text).toBe("hello")
    }).pipe(Effect.provide(policy(services()))),
  )

  it.effect("lets embeddings through", () =>
    Effect.gen(function* () {
      expect((yield* embed).embeddings.length).toBe(2)
    }).pipe(Effect.provide(policy(services()))),
  )

  it.effect("lets lists of models and counts of tokens through, and asks for each of them", () =>
    Effect.gen(function* () {
      const { countTokens, models } = yield* ModelInfo
      expect((yield* models).models).toEqual([{ id: "scripted" }])
      const count = Effect.map(
        countTokens({ messages: [{ role: "user", content: "hello" }] }),
        (counted) => counted.count,
      )
      expect([yield* count, yield* count]).toEqual([
        { type: "exact", inputTokens: 7 },
        { type: "exact", inputTokens: 8 },
      ])
    }).pipe(Effect.provide(policy(services()))),
  )

  it.effect("stands around each service, and leaves what else a Layer provides as it is", () =>
    Effect.gen(function* () {
      const bare = Context.add(yield* Layer.build(services()), Beside, { name: "beside" })
      const layer: Layer.Layer<LlmProvider | EmbeddingProvider | ModelInfo | Beside> = Layer.succeedContext(bare)
      // A policy's type knows the services of this library alone.
      const around = (yield* Layer.build(policy(layer as Services))) as typeof bare
      expect(Context.get(around, LlmProvider)).not.toBe(Context.get(bare, LlmProvider))
      expect(Context.get(around, EmbeddingProvider)).not.toBe(Context.get(bare, EmbeddingProvider))
      expect(Context.get(around, ModelInfo)).not.toBe(Context.get(bare, ModelInfo))
      expect(Context.get(around, Beside)).toBe(Context.get(bare, Beside))
    }).pipe(Effect.scoped),
  )
})

describe.each(Object.entries(forAnswers))("%s", (_, policy) => {
  it.effect.each(callNames)("lets %s through", (call) =>
    Effect.gen(function* () {
      expect((yield* ask(call)).text).toBe("hello")
    }).pipe(Effect.provide(policy(answers()))),
  )
})

describe.each(Object.entries(forEmbeddings))("%s", (_, policy) => {
  it.effect("lets embeddings through", () =>
    Effect.gen(function* () {
      expect((yield* embed).embeddings.length).toBe(2)
    }).pipe(Effect.provide(policy(ScriptedEmbeddings.layerEmbeddings()))),
  )
})
