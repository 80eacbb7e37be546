/** Law 10: while targets are left, each may take at most an equal share of what remains of the deadline. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import type { LlmError } from "../../src/model/LlmError.ts"
import type { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import type { Answer } from "../../src/testing/Scripted.ts"
import { ask, type CallName, callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

type Stack = Layer.Layer<LlmProvider, LlmError>

const stalling: Answer = { stall: true }
const unreadable: Answer = { error: reasons.ConnectionError() }
const target = (answer: Answer): Stack => new Upstream(() => answer).layer

/** The two ways in which three targets can follow one another. */
const nestings: Readonly<Record<string, (one: Stack, two: Stack, three: Stack) => Stack>> = {
  "one after the other": (one, two, three) => one.pipe(withFallback(two), withFallback(three)),
  "the second with a fallback of its own": (one, two, three) => one.pipe(withFallback(two.pipe(withFallback(three)))),
}

/** How long each attempt of one call took, in seconds, and its target. */
const times = (name: CallName, stack: Stack) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.result(Effect.provide(ask(name), stack)))
    yield* TestClock.adjust("1 day")
    const result = yield* Fiber.join(fiber)
    const attempts = result._tag === "Success" ? result.success.metadata.attempts : result.failure.attempts
    return attempts.map(({ durationMs, targetIndex }) => [targetIndex, durationMs / 1000])
  })

describe.each(callNames)("three targets of %s", (name) => {
  it.effect.each(Object.entries(nestings))("share ten minutes: %s", ([, nest]) =>
    Effect.gen(function* () {
      const within = withTimeout("10 minutes")
      const three = yield* times(name, within(nest(target(stalling), target(stalling), target(stalling))))
      expect(three).toEqual([
        [0, 200],
        [1, 200],
        [2, 200],
      ])
      const afterFailure = yield* times(name, within(nest(target(unreadable), target(stalling), target(stalling))))
      expect(afterFailure).toEqual([
        [0, 0],
        [1, 300],
        [2, 300],
      ])
    }),
  )

  it.effect.each(Object.entries(nestings))(
    "share what is left of a deadline that begins with the first permit: %s",
    ([, nest]) =>
      Effect.gen(function* () {
        const limit = withConcurrency(1)
        const stack = nest(target(unreadable).pipe(limit), target(stalling).pipe(limit), target("hello").pipe(limit))
        const within = withTimeout({ total: "10 minutes", totalFrom: "first-permit" })
        expect(yield* times(name, within(stack))).toEqual([
          [0, 0],
          [1, 300],
          [2, 0],
        ])
      }),
  )

  it.effect("count a target's retries and their waits within its share", () =>
    Effect.gen(function* () {
      const slow: Answer = { error: reasons.ServerError(), delay: 100_000 }
      const retried = target(slow).pipe(withRetry({ times: 9 }))
      const stack = retried.pipe(withFallback(retried), withFallback(target("hello")), withTimeout("10 minutes"))
      const attempts = yield* times(name, stack)
      for (const index of [0, 1]) {
        const tookS = attempts.reduce((sum, [at, seconds = 0]) => (at === index ? sum + seconds : sum), 0)
        expect(tookS).toBeLessThanOrEqual(200)
        expect(tookS).toBeGreaterThan(190)
      }
      expect(attempts.at(-1)).toEqual([2, 0])
    }),
  )

  it.effect("share a deadline of their own, and not with those outside it", () =>
    Effect.gen(function* () {
      const pair = target(stalling).pipe(withFallback(target(stalling)), withTimeout("1 minute"))
      const stack = pair.pipe(withFallback(target("hello")), withTimeout("10 minutes"))
      expect(yield* times(name, stack)).toEqual([
        [0, 30],
        [1, 30],
        [2, 0],
      ])
    }),
  )
})
