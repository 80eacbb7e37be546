/** The wait of a call, in a policy that lets each one wait for ten seconds. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { joinCall, within } from "../../src/call/CallContext.ts"
import { monotonicMs } from "../../src/call/Time.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { aroundAnswer, mechanism } from "../../src/policies/Policy.ts"
import { charged, inQueue } from "../../src/policies/QueueWait.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, callNames } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const withWait = mechanism(({ name }) =>
  Effect.succeed(
    aroundAnswer({
      begin: () => Result.succeed({ hasWaited: false }),
      inside: (effect, held, context) =>
        Effect.withFiber((fiber) => {
          // Each read of a stream comes here too.
          if (held.hasWaited) return effect
          const sinceMs = monotonicMs(fiber)
          const go = Effect.suspend(() => {
            held.hasWaited = true
            return within(effect, charged(context, monotonicMs(fiber) - sinceMs))
          })
          return Effect.andThen(inQueue(Effect.sleep("10 seconds"), context, fiber, name, "no turn"), go)
        }),
      end: () => undefined,
    }),
  ),
)

it.effect(
  "a wait of any length is charged in whole microseconds, so that the contexts of all calls are laid out alike",
  () =>
    joinCall((context) =>
      Effect.sync(() => {
        const waits = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 5 })
        fc.assert(
          fc.property(waits, (waitedMs) => {
            const { queuedUs } = waitedMs.reduce(charged, context)
            expect(Number.isSafeInteger(queuedUs)).toBe(true)
            for (const one of waitedMs) context.ledger.waitedInVain(one)
            expect(Number.isSafeInteger(context.ledger.takeWaits())).toBe(true)
          }),
        )
      }),
    ),
)

/** A limit of a program's own, whose permits come so late, or never. */
const late = (wait: Effect.Effect<void>) =>
  withConcurrency({ hold: (effect) => Effect.andThen(wait, effect), holdIn: () => wait })

/** Eight milliseconds, in steps of a fifth of one. */
const aWhile = Effect.repeat(TestClock.adjust("200 micros"), { times: 39 })

describe.each(callNames)("short waits of %s", (name) => {
  it.effect("are charged with their sum, not with the sum of what is left of each", () => {
    const wait = late(Effect.sleep("1600 micros"))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* aWhile
      const { attempts, latencyMs } = (yield* Fiber.join(fiber)).metadata
      expect([latencyMs, attempts[0]?.queuedMs]).toEqual([5, 5])
    }).pipe(Effect.provide(new Upstream(() => "hello").layer.pipe(wait, wait, wait, withTimeout("1 minute"))))
  })

  it.effect("that no permit came of are not lost", () => {
    const full = () => new Upstream(() => "hello").layer.pipe(late(Effect.never), withTimeout({ queue: "400 micros" }))
    const last = new Upstream(() => "hello", "last").layer
    const stack = [full(), full(), full(), full(), last].reduce((first, next) => first.pipe(withFallback(next)), full())
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* aWhile
      expect((yield* Fiber.join(fiber)).metadata.attempts.at(-1)?.queuedMs).toBe(2)
    }).pipe(Effect.provide(stack))
  })
})

describe.each(callNames)("the wait of %s", (name) => {
  it.effect("is charged to the attempt that follows", () => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("10 seconds")
      expect((yield* Fiber.join(fiber)).metadata.attempts).toMatchObject([{ queuedMs: 10_000 }])
    }).pipe(Effect.provide(upstream.layer.pipe(withWait, withTimeout({ queue: "1 minute" }))))
  })

  it.effect("ends with the clock of the queue, and nothing is asked", () => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("2 seconds")
      const { message, reason } = yield* Fiber.join(fiber)
      expect(reason).toMatchObject({ _tag: "TimeoutError", clock: "queue", limitMs: 2000 })
      expect(message).toContain("no turn within 2000 ms (queue timeout)")
      expect(upstream.asked).toEqual([])
    }).pipe(Effect.provide(upstream.layer.pipe(withWait, withTimeout({ queue: "2 seconds" }))))
  })

  it.effect("that ended with that clock is charged to the fallback's attempt", () => {
    const [upstream, other] = [new Upstream(() => "hello"), new Upstream(() => "hello", "other")]
    const stack = upstream.layer.pipe(withWait, withFallback(other.layer), withTimeout({ queue: "2 seconds" }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("2 seconds")
      expect((yield* Fiber.join(fiber)).metadata.attempts).toMatchObject([{ provider: "other", queuedMs: 2000 }])
    }).pipe(Effect.provide(stack))
  })

  it.effect("has no bound once a permit has come", () => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("10 seconds")
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
    }).pipe(Effect.provide(upstream.layer.pipe(withWait, withConcurrency(1), withTimeout({ queue: "2 seconds" }))))
  })
})
