/** What a request to a deployment tells of it: how long it was silent, how it ended, and whether it is well again. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { DeploymentHealth } from "../../../src/policies/balance/DeploymentHealth.ts"
import { tracked } from "../../../src/policies/balance/DeploymentTracking.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import * as ServiceTable from "../../../src/policies/mechanisms/ServiceTable.ts"
import type { Answer } from "../../../src/testing/Scripted.ts"
import { layerEmbeddings } from "../../../src/testing/ScriptedEmbeddings.ts"
import * as Layer from "effect/Layer"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

const patience = { failures: 1, rate: 0.5, calls: 20, windowMs: 30_000, openMs: 5000, quotaMs: 60_000 }

/** A deployment that does so with each request in turn, and what is known of it. */
const deployment = (answers: ReadonlyArray<Answer>) => {
  const health = new DeploymentHealth(
    { name: "here", weight: 1, model: "own", concurrency: Number.POSITIVE_INFINITY, pace: undefined },
    patience,
  )
  const upstream = new Upstream(({ index }) => answers[index] ?? "hello")
  const layer = Layer.effect(
    LlmProvider,
    Effect.map(LlmProvider, (llm) => tracked(ServiceTable.answers, llm, health)),
  ).pipe(Layer.provide(upstream.layer))
  return { health, upstream, layer }
}

/** One request, and so much time. */
const passing = <A, E, R>(effect: Effect.Effect<A, E, R>, ms: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.exit(effect))
    yield* TestClock.adjust(ms)
    return fiber
  })

describe.each(callNames)("a request (%s) to a deployment", (name) => {
  it.effect("tells how long its first output took, and is in flight to its end", () => {
    const { health, layer } = deployment([{ text: ["a", "b"], delay: 100, pause: 200 }])
    return Effect.gen(function* () {
      yield* TestClock.adjust(5000)
      const fiber = yield* passing(ask(name), 150)
      const expected = health.expectedMs(name, 5150)
      expect([health.inFlight, expected]).toEqual([1, name === "stream" ? 100 : undefined])
      yield* TestClock.adjust(150)
      yield* Fiber.join(fiber)
      // Nothing more is told at the end of a stream.
      expect([health.inFlight, health.expectedMs(name, 5300)]).toEqual([
        0,
        name === "stream" ? 100 * 0.5 ** (200 / 30_000) : 300,
      ])
      expect(health.expectedMs(name === "stream" ? "generate" : "stream", 5300)).toBeUndefined()
    }).pipe(Effect.provide(layer))
  })

  it.effect("that is given up, or that a clock ends, tells that it took at least so long", () => {
    const { health, layer } = deployment([{ stall: true }, { stall: true }])
    return Effect.gen(function* () {
      const given = yield* passing(ask(name), 300)
      yield* Fiber.interrupt(given)
      expect([health.expectedMs(name, 300), health.away(300), health.inFlight]).toEqual([300, undefined, 0])
      const fiber = yield* passing(ask(name), 1000)
      yield* Fiber.interrupt(fiber)
      expect(health.expectedMs(name, 1300)).toBeGreaterThan(500)
    }).pipe(Effect.provide(layer))
  })

  it.effect("that a clock around it ends is a failure, unless it is the deadline of the whole call", () =>
    Effect.gen(function* () {
      for (const [clock, isAway, nowMs] of [
        ["total", false, 400],
        ["attempt", true, 800],
      ] as const) {
        const { health, layer } = deployment([{ stall: true }])
        const fiber = yield* passing(Effect.provide(ask(name), layer.pipe(withTimeout({ [clock]: 400 }))), 400)
        yield* Fiber.join(fiber)
        expect([clock, health.away(nowMs) !== undefined, health.expectedMs(name, nowMs)]).toEqual([clock, isAway, 400])
      }
    }),
  )

  it.effect("that times out by itself is a failure that was silent, and one that fails is none", () => {
    const { health, layer } = deployment([
      { error: reasons.InvalidRequestError(), delay: 50 },
      { error: reasons.TimeoutError(), delay: 200 },
    ])
    return Effect.gen(function* () {
      yield* Fiber.join(yield* passing(ask(name), 50))
      expect([health.expectedMs(name, 50), health.away(50)]).toEqual([undefined, undefined])
      yield* Fiber.join(yield* passing(ask(name), 200))
      expect([health.expectedMs(name, 250), health.away(250)?.because?._tag]).toEqual([200, "TimeoutError"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("for its own model shows that it lacks it, and for another one does not", () => {
    const missing = { error: reasons.ModelNotFoundError() }
    return Effect.gen(function* () {
      const isAway = (model: string | undefined) => {
        const { health, layer } = deployment([missing])
        const request = { ...hello, ...(model === undefined ? {} : { model }) }
        return Effect.as(Effect.exit(Effect.provide(ask(name, request), layer)), health).pipe(
          Effect.map((each) => each.away(0) !== undefined),
        )
      }
      expect([yield* isAway(undefined), yield* isAway("own"), yield* isAway("other")]).toEqual([true, true, false])
    })
  })

  it.effect("is refused while another one tries whether it is well again", () => {
    const { health, layer, upstream } = deployment([])
    return Effect.gen(function* () {
      health.fail(health.enter(0), reasons.ServerError(), true, 0)
      yield* TestClock.adjust(5000)
      health.enter(5000)
      yield* TestClock.adjust(1500)
      const { attempts, message, reason } = yield* Effect.flip(ask(name, { ...hello, model: "m" }))
      expect(message).toContain(
        "no request made: here failed too often, and another request tries whether it is well again",
      )
      expect(reason).toMatchObject({ _tag: "CircuitOpenError", retryAfterMs: 3500 })
      expect(attempts).toMatchObject([{ provider: "upstream", model: "m", errorType: "CircuitOpenError" }])
      expect([upstream.asked.length, health.inFlight]).toEqual([0, 0])
    }).pipe(Effect.provide(layer))
  })

  it.effect("that tries whether it is well shows it with its first piece, or with its end", () => {
    const { health, layer } = deployment([{ text: ["a", "b"], delay: 100, pause: 900 }])
    return Effect.gen(function* () {
      health.fail(health.enter(0), reasons.ServerError(), true, 0)
      yield* TestClock.adjust(5000)
      const fiber = yield* passing(ask(name), 100)
      expect(health.away(5100) === undefined).toBe(name === "stream")
      yield* TestClock.adjust(900)
      yield* Fiber.join(fiber)
      expect(health.away(6000)).toBeUndefined()
    }).pipe(Effect.provide(layer))
  })
})

it.effect(
  "a stream that is dropped after its first piece says nothing more, and one that breaks is no silent one",
  () => {
    const { health, layer } = deployment([
      { text: ["a", "b"], delay: 100, pause: 10_000 },
      { text: ["a"], delay: 100, error: reasons.TimeoutError() },
    ])
    return Effect.gen(function* () {
      const fiber = yield* passing(ask("stream"), 5000)
      yield* Fiber.interrupt(fiber)
      expect([health.expectedMs("stream", 100), health.away(5000)]).toEqual([expect.closeTo(100, 6), undefined])
      yield* Fiber.join(yield* passing(ask("stream"), 100))
      expect(health.away(5100)?.because?._tag).toBe("TimeoutError")
      expect(health.expectedMs("stream", 5100)).toBeCloseTo(100, 6)
    }).pipe(Effect.provide(layer))
  },
)

it.effect("vectors have times of their own", () => {
  const { health } = deployment([])
  return Effect.gen(function* () {
    const { embed } = tracked(ServiceTable.embeddings, yield* EmbeddingProvider, health)
    yield* Fiber.join(yield* passing(embed({ inputs: ["a"] }), 70))
    expect([health.expectedMs("embed", 70), health.expectedMs("generate", 70)]).toEqual([70, undefined])
  }).pipe(Effect.provide(layerEmbeddings([{ delay: 70 }])))
})
