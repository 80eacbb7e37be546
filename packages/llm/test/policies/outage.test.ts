/** An upstream that fails for a minute at 200 calls a second: what the policies send it meanwhile, and afterwards. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import type { LlmError } from "../../src/model/LlmError.ts"
import type { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, type CallName, callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const callsPerSecond = 200
const outage = { fromMs: 5000, untilMs: 65_000 }
const endMs = 75_000
/** The calls of one tick begin together: five every 25 ms. */
const tickMs = 25
const callsInOutage = ((outage.untilMs - outage.fromMs) / 1000) * callsPerSecond

/** Answers but for the outage, in which it says that it has no capacity. */
const upstreamWithOutage = () =>
  new Upstream(({ atMs }) =>
    atMs >= outage.fromMs && atMs < outage.untilMs ? { error: reasons.OverloadedError() } : "hello",
  )

/** Makes the calls at their times; gives when each that failed had begun. */
const simulate = (name: CallName, stack: Layer.Layer<LlmProvider, LlmError>) =>
  Effect.gen(function* () {
    const failedAtMs: Array<number> = []
    let unfinished = 0
    for (let atMs = 0; atMs < endMs; atMs += tickMs) {
      const call = Effect.matchEffect(ask(name), {
        onFailure: () => Effect.sync(() => failedAtMs.push(atMs)),
        onSuccess: () => Effect.void,
      })
      const counted = Effect.ensuring(
        call,
        Effect.sync(() => {
          unfinished -= 1
        }),
      )
      for (let count = 0; count < (callsPerSecond * tickMs) / 1000; count++) {
        unfinished += 1
        yield* Effect.forkChild(counted)
      }
      yield* TestClock.adjust(tickMs)
    }
    yield* TestClock.adjust("2 minutes")
    expect(unfinished).toBe(0)
    return failedAtMs
  }).pipe(Effect.provide(stack), Random.withSeed(1))

const between = (times: ReadonlyArray<number>, fromMs: number, untilMs: number) =>
  times.filter((atMs) => atMs >= fromMs && atMs < untilMs).length

/** The most requests in any 100 ms of a span. */
const peak = (times: ReadonlyArray<number>, fromMs: number, untilMs: number) => {
  let most = 0
  for (let bucketMs = fromMs; bucketMs < untilMs; bucketMs += 100) {
    most = Math.max(most, between(times, bucketMs, bucketMs + 100))
  }
  return most
}

const stacks = [
  ["retry alone", (upstream: Upstream) => upstream.layer.pipe(withRetry())],
  [
    "the default stack",
    (upstream: Upstream) =>
      upstream.layer.pipe(withConcurrency(100), withRetry(), withCircuitBreaker(), withTimeout("10 minutes")),
  ],
] as const

describe.each(callNames)("an outage of a minute at 200 calls a second, with %s", (name) => {
  it.effect.each(stacks)("and %s", ([, stackOf]) => {
    const upstream = upstreamWithOutage()
    return Effect.gen(function* () {
      const failedAtMs = yield* simulate(name, stackOf(upstream))
      const { arrivals } = upstream

      // At most a fifth more requests than calls while it lasts.
      const extra = between(arrivals, outage.fromMs, outage.untilMs) - callsInOutage
      expect(extra).toBeLessThanOrEqual(callsInOutage / 5)

      // No wave after it: the steady rate is 20 in 100 ms.
      expect(peak(arrivals, outage.untilMs, endMs)).toBeLessThanOrEqual(40)

      // No call lost before it, and none that begins more than six seconds after its end.
      expect(between(failedAtMs, 0, outage.fromMs - 1000)).toBe(0)
      expect(between(failedAtMs, outage.untilMs + 6000, endMs)).toBe(0)
    })
  })

  it.effect("and a fallback: no call is lost", () => {
    const first = upstreamWithOutage()
    const second = new Upstream(() => "hello", "second")
    const stack = first.layer.pipe(
      withRetry(),
      withCircuitBreaker(),
      withFallback(second.layer.pipe(withRetry(), withCircuitBreaker())),
      withTimeout("10 minutes"),
    )
    return Effect.gen(function* () {
      expect(yield* simulate(name, stack)).toEqual([])
      // The open circuit spares the first target nearly everything, and gives it everything back afterwards.
      expect(between(first.arrivals, outage.fromMs, outage.untilMs)).toBeLessThan(callsInOutage / 5)
      expect(between(second.arrivals, outage.untilMs + 6000, Number.POSITIVE_INFINITY)).toBe(0)
    })
  })
})
