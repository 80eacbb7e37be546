/** Laws 22 and 23: a policy's Layer is memoised as Effect memoises, serves every service, and lives as long as its scope. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { metadataOf } from "../../src/call/Metadata.ts"
import { EmbeddingProvider, type EmbeddingResponse } from "../../src/model/EmbeddingProvider.ts"
import { LlmError, type LlmErrorReason } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { type CountedTokens, ModelInfo, type ModelList } from "../../src/model/ModelInfo.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { make } from "../../src/policies/Policy.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTelemetry } from "../../src/policies/Telemetry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

describe.each(callNames)("a Layer with a policy, for %s", (name) => {
  it.effect("used on both sides of a fallback has one limit, not two", () => {
    const upstream = new Upstream(() => ({ error: reasons.ServerError(), delay: 100 }))
    const limited = upstream.layer.pipe(withConcurrency(1))
    return Effect.gen(function* () {
      const calls = Effect.forEach([1, 2, 3, 4], () => Effect.result(ask(name)), { concurrency: "unbounded" })
      const fiber = yield* Effect.forkChild(Effect.provide(calls, limited.pipe(withFallback(limited))))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      expect([upstream.asked.length, upstream.peakInFlight]).toEqual([8, 1])
    })
  })

  it.effect("is built once wherever it is used in one build", () => {
    let built = 0
    const counted = Layer.effect(
      LlmProvider,
      Effect.sync(() => {
        built += 1
        return { name: "counted", generate: () => Effect.never, stream: () => new Upstream(() => "").layer as never }
      }),
    )
    let wrapped = 0
    const policy = counted.pipe(
      make((inner) =>
        Effect.sync(() => {
          wrapped += 1
          return inner
        }),
      ),
      withRetry(),
    )
    const both = policy.pipe(withFallback(policy.pipe(withTimeout("1 second"))), withTelemetry)
    return Effect.gen(function* () {
      yield* Effect.scoped(Layer.build(Layer.merge(both, policy)))
      expect([name, built, wrapped]).toEqual([name, 1, 1])
    })
  })

  it.effect("keeps its permits and circuits as long as it is built, and begins anew with each build", () => {
    const upstream = new Upstream(() => ({ error: reasons.ServerError() }))
    const guarded = upstream.layer.pipe(withCircuitBreaker({ failures: 1, openFor: "1 hour" }))
    return Effect.gen(function* () {
      const twice = Effect.forEach([1, 2], () => Effect.map(Effect.flip(ask(name)), ({ reason }) => reason._tag))
      expect(yield* Effect.provide(twice, guarded)).toEqual(["ServerError", "CircuitOpenError"])
      expect(yield* Effect.provide(twice, guarded)).toEqual(["ServerError", "CircuitOpenError"])
    })
  })
})

/** An embedding provider that fails as told, then answers. */
const embedding = (reason: LlmErrorReason, failures: number) => {
  let asked = 0
  const answer: EmbeddingResponse = {
    embeddings: [[1, 2]],
    metadata: metadataOf({ provider: "vectors", model: "v", latencyMs: 0, timestamp: "", attempts: [] }),
  }
  const layer = Layer.succeed(EmbeddingProvider, {
    name: "vectors",
    embed: () =>
      Effect.suspend(() => {
        asked += 1
        return asked > failures
          ? Effect.succeed(answer)
          : Effect.fail(new LlmError({ reason, provider: "vectors", attempts: [] }))
      }),
  })
  return { layer, asked: () => asked }
}

const embed = Effect.flatMap(EmbeddingProvider, (provider) => provider.embed({ inputs: ["hello"] }))

describe("policies around EmbeddingProvider", () => {
  it.effect("retry, limit, time and watch it as they do LlmProvider", () => {
    const { asked, layer } = embedding(reasons.OverloadedError(), 2)
    const stack = layer.pipe(
      withConcurrency(1),
      withRetry(),
      withCircuitBreaker(),
      withTimeout("1 minute"),
      withTelemetry,
    )
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.provide(embed, stack))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).embeddings).toEqual([[1, 2]])
      expect(asked()).toBe(3)
    })
  })

  it.effect("ask the second provider where the first cannot answer", () => {
    const first = embedding(reasons.QuotaExceededError(), 9)
    const second = embedding(reasons.QuotaExceededError(), 0)
    return Effect.gen(function* () {
      yield* Effect.provide(embed, first.layer.pipe(withFallback(second.layer)))
      expect([first.asked(), second.asked()]).toEqual([1, 1])
    })
  })

  it.effect("surround both services of one Layer, with one limit for both", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 1000 }))
    const { layer } = embedding(reasons.ServerError(), 0)
    const stack = Layer.merge(upstream.layer, layer).pipe(withConcurrency(1))
    return Effect.gen(function* () {
      const order: Array<string> = []
      const note = (what: string) => Effect.sync(() => order.push(what))
      const both = Effect.all([Effect.tap(ask("generate"), note("answered")), Effect.tap(embed, note("embedded"))], {
        concurrency: "unbounded",
      })
      const fiber = yield* Effect.forkChild(Effect.provide(both, stack))
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
      expect(order).toEqual(["answered", "embedded"])
    })
  })
})

/** A service of models that fails as told, then answers; it takes a second each time. */
const modelInfo = (reason: LlmErrorReason, failures: number) => {
  let asked = 0
  const metadata = metadataOf({ provider: "models", model: "m", latencyMs: 0, timestamp: "", attempts: [] })
  const answer = <A>(value: A): Effect.Effect<A, LlmError> =>
    Effect.delay(
      Effect.suspend(() => {
        asked += 1
        return asked > failures
          ? Effect.succeed(value)
          : Effect.fail(new LlmError({ reason, provider: "models", attempts: [] }))
      }),
      "1 second",
    )
  const list: ModelList = { models: [{ id: "m" }], metadata }
  const counted: CountedTokens = { count: { type: "exact", inputTokens: 5 }, metadata }
  const layer = Layer.succeed(ModelInfo, { name: "models", models: answer(list), countTokens: () => answer(counted) })
  return { layer, asked: () => asked }
}

const modelCalls = {
  models: Effect.flatMap(ModelInfo, ({ models }) => Effect.as(models, "models")),
  countTokens: Effect.flatMap(ModelInfo, ({ countTokens }) =>
    Effect.as(countTokens({ messages: [{ role: "user", content: "hello" }] }), "countTokens"),
  ),
} as const

describe.each(["models", "countTokens"] as const)("policies around %s of ModelInfo", (name) => {
  it.effect("retry, limit, time and watch it as they do LlmProvider", () => {
    const { asked, layer } = modelInfo(reasons.OverloadedError(), 2)
    const stack = layer.pipe(
      withConcurrency(1),
      withRetry(),
      withCircuitBreaker(),
      withTimeout("1 minute"),
      withTelemetry,
    )
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.provide(modelCalls[name], stack))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toBe(name)
      expect(asked()).toBe(3)
    })
  })

  it.effect("end it at a deadline", () => {
    const { layer } = modelInfo(reasons.OverloadedError(), 0)
    return Effect.gen(function* () {
      const stack = layer.pipe(withTimeout("500 millis"))
      const fiber = yield* Effect.forkChild(Effect.flip(Effect.provide(modelCalls[name], stack)))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).reason._tag).toBe("TimeoutError")
    })
  })

  it.effect("ask the second service where the first cannot answer", () => {
    const first = modelInfo(reasons.QuotaExceededError(), 9)
    const second = modelInfo(reasons.QuotaExceededError(), 0)
    return Effect.gen(function* () {
      const stack = first.layer.pipe(withFallback(second.layer))
      const fiber = yield* Effect.forkChild(Effect.provide(modelCalls[name], stack))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      expect([first.asked(), second.asked()]).toEqual([1, 1])
    })
  })

  it.effect("give it the limit that the other services of the Layer have", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 1000 }))
    const stack = Layer.merge(upstream.layer, modelInfo(reasons.ServerError(), 0).layer).pipe(withConcurrency(1))
    return Effect.gen(function* () {
      const both = Effect.all([ask("generate"), modelCalls[name]], { concurrency: "unbounded" })
      const fiber = yield* Effect.forkChild(Effect.provide(both, stack))
      yield* TestClock.adjust(1500)
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(500)
      yield* Fiber.join(fiber)
    })
  })
})
