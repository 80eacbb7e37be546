/** Law 10: durations are monotonic. A wall clock that is set back or forward by an hour ends and prolongs nothing. */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const hourMs = 3_600_000

/** The test's clock, whose wall time `correct` sets back or forward. */
const correctable = Effect.map(Clock.Clock, (clock) => {
  let correctedMs = 0
  const millis = () => clock.currentTimeMillisUnsafe() + correctedMs
  const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(correctedMs) * 1_000_000n
  const corrected: Clock.Clock = {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration),
  }
  const correct = (ms: number) => {
    correctedMs += ms
  }
  return { corrected, correct }
})

describe.each(callNames)("%s while the wall clock is corrected", (name) => {
  describe.each([-hourMs, hourMs])("by %i ms", (byMs) => {
    it.effect("is in time where its provider is", () =>
      Effect.gen(function* () {
        const { correct, corrected } = yield* correctable
        const upstream = new Upstream(() => ({ text: ["he", "llo"], delay: 1000, pause: 1000 }))
        const clocks = withTimeout({
          total: "10 seconds",
          idle: "5 seconds",
          firstOutput: "5 seconds",
          queue: "1 second",
        })
        const stack = upstream.layer.pipe(withFallback(upstream.layer), withConcurrency(1), withRetry(), clocks)
        const call = Effect.provideService(Effect.provide(ask(name), stack), Clock.Clock, corrected)
        const fiber = yield* Effect.forkChild(call)
        yield* TestClock.adjust(500)
        correct(byMs)
        yield* TestClock.adjust(1000)
        correct(byMs)
        yield* TestClock.adjust("1 minute")
        const { metadata, text } = yield* Fiber.join(fiber)
        expect(text).toBe("hello")
        expect(metadata.latencyMs).toBe(2000)
        expect(metadata.attempts).toMatchObject([{ durationMs: 2000 }])
      }),
    )

    it.effect("ends after its limit where its provider is silent", () =>
      Effect.gen(function* () {
        const { correct, corrected } = yield* correctable
        const upstream = new Upstream(() => ({ text: "he", stall: true }))
        const stack = upstream.layer.pipe(withTimeout(name === "stream" ? { idle: "5 seconds" } : "5 seconds"))
        const call = Effect.provideService(Effect.provide(Effect.flip(ask(name)), stack), Clock.Clock, corrected)
        const fiber = yield* Effect.forkChild(call)
        yield* TestClock.adjust("1 second")
        correct(byMs)
        yield* TestClock.adjust("3 seconds")
        expect(fiber.pollUnsafe()).toBeUndefined()
        yield* TestClock.adjust("1 second")
        expect((yield* Fiber.join(fiber)).attempts).toMatchObject([{ durationMs: 5000, errorType: "TimeoutError" }])
      }),
    )

    it.effect("is refused by an open circuit for as long as it is open, and no longer", () =>
      Effect.gen(function* () {
        const { correct, corrected } = yield* correctable
        const upstream = new Upstream(({ index }) => (index === 0 ? { error: reasons.ServerError() } : "hello"))
        const stack = upstream.layer.pipe(withCircuitBreaker({ failures: 1, openFor: "5 seconds" }))
        const llm = yield* Effect.provide(LlmProvider, stack)
        const call = Effect.result(Effect.provideService(ask(name), LlmProvider, llm))
        const outcomes: Array<string> = []
        for (const waitMs of [0, 4999, 1]) {
          yield* TestClock.adjust(waitMs)
          const result = yield* Effect.provideService(call, Clock.Clock, corrected)
          outcomes.push(result._tag === "Success" ? "answered" : result.failure.reason._tag)
          correct(byMs)
        }
        expect(outcomes).toEqual(["ServerError", "CircuitOpenError", "answered"])
      }),
    )
  })
})
