/**
 * Law 23: a policy changes only what it says. A policy of a user's that asks its provider twice gets twice what it would get
 * once, and every attempt is recorded as it was.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { LlmError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import * as Policy from "../../src/policies/Policy.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTelemetry } from "../../src/policies/Telemetry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, type CallName, callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

/** Asks again, once, where the first answer failed. */
const askingAgain = Policy.make((inner) =>
  Effect.succeed({
    name: inner.name,
    generate: (request) => inner.generate(request).pipe(Effect.catch(() => inner.generate(request))),
    stream: (request) => inner.stream(request).pipe(Stream.catch(() => inner.stream(request))),
  }),
)

/** Asks twice at once, and takes the first that succeeds; the other is interrupted. */
const hedging = Policy.make((inner) =>
  Effect.succeed({
    name: inner.name,
    generate: (request) => Effect.raceAll([inner.generate(request), inner.generate(request)]),
    stream: (request) =>
      Policy.streamFrom((scope) =>
        Effect.raceAll([
          Policy.startStream(inner.stream(request), scope),
          Policy.startStream(inner.stream(request), scope),
        ]),
      ),
  }),
)

const stalling = { stall: true }
const busy = { error: reasons.OverloadedError() }

const ended = (name: CallName, stack: Layer.Layer<LlmProvider, LlmError>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.result(Effect.provide(ask(name), stack)))
    yield* TestClock.adjust("1 day")
    return yield* Fiber.join(fiber)
  })

const attemptsOf = (result: Effect.Success<ReturnType<typeof ended>>) =>
  result._tag === "Success" ? result.success.metadata.attempts : result.failure.attempts

describe.each(callNames)("a policy that asks its provider twice, over %s", (name) => {
  it.effect.each([
    ["alone", askingAgain],
    ["with telemetry around it", (layer) => withTelemetry(askingAgain(layer))],
  ] satisfies ReadonlyArray<readonly [string, Policy.Policy]>)(
    "under a deadline of its own each time, records two stalled attempts truly: %s",
    ([, policy]) => {
      const upstream = new Upstream(() => stalling)
      return Effect.gen(function* () {
        const result = yield* ended(name, upstream.layer.pipe(withTimeout(300), policy))
        expect(attemptsOf(result)).toMatchObject([
          { durationMs: 300, errorType: "TimeoutError" },
          { durationMs: 300, errorType: "TimeoutError" },
        ])
        expect([upstream.asked.length, upstream.inFlight]).toEqual([2, 0])
      })
    },
  )

  it.effect(
    "under a deadline that begins with the first permit, waits for a permit and has its whole time each time",
    () =>
      Effect.gen(function* () {
        const upstream = new Upstream(() => stalling)
        const limited = upstream.layer.pipe(withConcurrency(1), withTimeout({ total: 300, totalFrom: "first-permit" }))
        const llm = yield* Effect.provide(LlmProvider, limited.pipe(askingAgain))
        const calls = Effect.forEach([1, 2], () => Effect.result(ask(name)), { concurrency: 2 })
        const fiber = yield* Effect.forkChild(Effect.provideService(calls, LlmProvider, llm))
        yield* TestClock.adjust("1 minute")
        const attempts = (yield* Fiber.join(fiber)).map(attemptsOf)
        const cut = { durationMs: 300, errorType: "TimeoutError" }
        expect(attempts).toMatchObject([
          [cut, cut],
          [cut, cut],
        ])
        expect([upstream.asked.length, upstream.inFlight]).toEqual([4, 0])
      }),
  )

  it.effect("retries as often each time, with and without telemetry outside", () =>
    Effect.gen(function* () {
      const seen = []
      for (const around of [<A>(layer: A) => layer, withTelemetry]) {
        const upstream = new Upstream(() => busy)
        const result = yield* ended(name, around(upstream.layer.pipe(withRetry({ times: 2 }), askingAgain)))
        seen.push([
          upstream.asked.length,
          attemptsOf(result).map(({ errorType, waitedMs }) => [errorType, waitedMs > 0]),
        ])
      }
      const each = [false, true, true].map((isRetry) => ["OverloadedError", isRetry])
      expect(seen).toEqual([1, 2].map(() => [6, [...each, ...each]]))
    }),
  )

  it.effect("numbers the targets of a fallback the same each time", () =>
    Effect.gen(function* () {
      const [one, two, three] = [new Upstream(() => busy), new Upstream(() => busy), new Upstream(() => busy)]
      const stack = one.layer.pipe(withFallback(two.layer), withFallback(three.layer), askingAgain)
      expect(attemptsOf(yield* ended(name, stack)).map(({ targetIndex }) => targetIndex)).toEqual([0, 1, 2, 0, 1, 2])
    }),
  )

  it.effect("at once, records both attempts: the one that answered, and the one that was left", () =>
    Effect.gen(function* () {
      for (const around of [<A>(layer: A) => layer, withTelemetry]) {
        const upstream = new Upstream(({ index }) => (index === 0 ? stalling : { text: "hello", delay: 500 }))
        const result = yield* ended(name, around(upstream.layer.pipe(withTimeout("1 minute"), withRetry(), hedging)))
        expect(attemptsOf(result)).toMatchObject([{ durationMs: 500 }, { durationMs: 500, servedModel: "scripted" }])
        expect(attemptsOf(result).map(({ errorType }) => errorType)).toEqual([undefined, undefined])
        expect([upstream.asked.length, upstream.inFlight]).toEqual([2, 0])
      }
    }),
  )

  it.effect("at once under one deadline, records both as ended by it", () =>
    Effect.gen(function* () {
      const upstream = new Upstream(() => stalling)
      const result = yield* ended(name, upstream.layer.pipe(hedging, withTimeout(300)))
      expect(attemptsOf(result)).toMatchObject([
        { durationMs: 300, errorType: "TimeoutError" },
        { durationMs: 300, errorType: "TimeoutError" },
      ])
      expect(upstream.inFlight).toBe(0)
    }),
  )
})
