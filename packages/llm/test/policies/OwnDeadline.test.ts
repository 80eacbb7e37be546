/** A call's own deadline bounds the call. It stands in for the stack's, and not for the bound of an attempt or of a target. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { CallOptions } from "../../src/call/CallOptions.ts"
import type { LlmError } from "../../src/model/LlmError.ts"
import type { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, callNames } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const stalled = { stall: true }

describe.each(callNames)("the deadline of one call, in %s", (name) => {
  const within = <A, E>(effect: Effect.Effect<A, E, LlmProvider>, timeoutMs: number) =>
    Effect.provideService(effect, CallOptions, { timeoutMs })
  const ended = (
    upstream: Upstream,
    around: (layer: Upstream["layer"]) => Layer.Layer<LlmProvider, LlmError>,
    timeoutMs: number,
  ) =>
    Effect.gen(function* () {
      const call = within(ask(name), timeoutMs)
      const fiber = yield* Effect.forkChild(Effect.flip(Effect.provide(call, around(upstream.layer))))
      yield* TestClock.adjust("1 day")
      return yield* Fiber.join(fiber)
    })

  it.effect("stands in for the deadline of the stack, and not for one that bounds each attempt", () =>
    Effect.gen(function* () {
      const upstream = new Upstream(() => stalled)
      const error = yield* ended(
        upstream,
        (layer) => layer.pipe(withTimeout("10 seconds"), withRetry({ times: 1 }), withTimeout("1 hour")),
        60_000,
      )
      expect(error.attempts.map(({ durationMs }) => durationMs)).toEqual([10_000, 10_000])
    }),
  )

  it.effect("ends an attempt that its own bound would leave", () =>
    Effect.gen(function* () {
      const upstream = new Upstream(() => stalled)
      const error = yield* ended(
        upstream,
        (layer) => layer.pipe(withTimeout("10 seconds"), withRetry({ times: 3 }), withTimeout("1 hour")),
        15_000,
      )
      expect(error.reason).toMatchObject({ _tag: "TimeoutError", clock: "total", limitMs: 15_000 })
      expect(error.attempts[0]?.durationMs).toBe(10_000)
    }),
  )

  it.effect("leaves a fallback's target the bound that it has", () =>
    Effect.gen(function* () {
      const [one, two] = [new Upstream(() => stalled), new Upstream(() => stalled)]
      const error = yield* ended(
        one,
        (layer) =>
          layer.pipe(
            withTimeout("2 seconds"),
            withFallback(two.layer.pipe(withTimeout("3 seconds"))),
            withTimeout("1 hour"),
          ),
        60_000,
      )
      expect(error.attempts.map(({ durationMs }) => durationMs)).toEqual([2000, 3000])
    }),
  )

  it.effect("stands in for each deadline of the whole call", () =>
    Effect.gen(function* () {
      const upstream = new Upstream(() => stalled)
      const error = yield* ended(upstream, (layer) => layer.pipe(withTimeout(100), withTimeout("1 hour")), 60_000)
      expect(error.reason).toMatchObject({ _tag: "TimeoutError", limitMs: 60_000 })
    }),
  )
})
