/** Law 6 (one owner), law 7 (Retry-After), law 8 (no permit while backing off). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { type LlmErrorReason, TimeoutError, verdict } from "../../src/model/LlmError.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import * as Scripted from "../../src/testing/Scripted.ts"
import { ask, callNames, errorTypes, reasons, startsOf } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const busy = reasons.OverloadedError()
const limited = (retryAfterMs: number) => reasons.RateLimitError({ retryAfterMs })

/** Any sequence of failures, each with or without `x-should-retry`. */
const Script = Schema.Array(
  Schema.Struct({ errorType: Schema.Literals(errorTypes), shouldRetry: Schema.optional(Schema.Boolean) }),
).check(Schema.isMaxLength(12))
const WholeMs = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

describe.each(callNames)("retry of %s", (name) => {
  it.effect("tries again until it succeeds, and tells every attempt", () => {
    const script = Scripted.layer([{ error: busy }, { error: reasons.ServerError() }, "hello"])
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("10 seconds")
      const response = yield* Fiber.join(fiber)
      expect(response.text).toBe("hello")
      const { attempts } = response.metadata
      expect(attempts.map(({ errorType }) => errorType)).toEqual(["OverloadedError", "ServerError", undefined])
      const [first = 0, second = 0, third = 0] = startsOf(response.metadata)
      expect(second - first).toBeGreaterThanOrEqual(1000)
      expect(second - first).toBeLessThanOrEqual(1250)
      expect(third - second).toBeGreaterThanOrEqual(2000)
      expect(third - second).toBeLessThanOrEqual(2500)
      expect(attempts.map(({ waitedMs }) => waitedMs)).toEqual([0, second - first, third - second])
    }).pipe(Effect.provide(script.pipe(withRetry())))
  })

  it.effect.prop(
    "sends at most 1 + times requests, whatever happens, and never one after a failure that retrying does not help",
    { script: Script, times: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })) },
    ({ script, times }) => {
      const failures = script.map(({ errorType, shouldRetry }) => reasons[errorType]({ shouldRetry }))
      const upstream = new Upstream(({ index }) => {
        const error = failures[index]
        return error === undefined ? "hello" : { error }
      })
      return Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.exit(ask(name)))
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
        expect(upstream.asked.length).toBeLessThanOrEqual(1 + times)
        for (const asked of failures.slice(0, upstream.asked.length - 1)) {
          expect(verdict(asked).retries).not.toBe("never")
        }
      }).pipe(Effect.provide(upstream.layer.pipe(withRetry({ times }))))
    },
    { arbitrary: { runs: 300 } },
  )

  it.effect.each(errorTypes)("of %s does what the table says", (errorType) => {
    const reason = reasons[errorType]()
    const upstream = new Upstream(() => ({ error: reason }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("1 hour")
      const error = yield* Fiber.join(fiber)
      expect(error.reason._tag).toBe(errorType)
      expect(upstream.asked).toHaveLength({ never: 1, once: 2, always: 4 }[verdict(reason).retries])
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry())))
  })

  it.effect("tries an answer that cannot be read once more, whatever failed before", () => {
    const unreadable = { error: reasons.InvalidResponseError() }
    const script = Scripted.layer([{ error: busy }, unreadable, { error: busy }, unreadable, "too late"])
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("1 hour")
      const error = yield* Fiber.join(fiber)
      expect(error.reason._tag).toBe("InvalidResponseError")
      expect(script.requests).toHaveLength(4)
    }).pipe(Effect.provide(script.pipe(withRetry({ times: 9 }))))
  })

  it.effect.each<readonly [string, LlmErrorReason, number]>([
    ["x-should-retry: false on an overload", reasons.OverloadedError({ shouldRetry: false }), 1],
    ["x-should-retry: true on an invalid request", reasons.InvalidRequestError({ shouldRetry: true }), 4],
    ["x-should-retry: true on an empty account", reasons.QuotaExceededError({ shouldRetry: true }), 1],
    ["the call's own deadline", new TimeoutError({ message: "late", clock: "total", limitMs: 1 }), 1],
  ])("obeys %s", ([, reason, requests]) => {
    const upstream = new Upstream(() => ({ error: reason }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      expect(upstream.asked).toHaveLength(requests)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry())))
  })

  it.effect("waits as a schedule of one's own says, and as often as it says", () => {
    const upstream = new Upstream(() => ({ error: busy }))
    const schedule = Schedule.spaced("7 seconds").pipe(Schedule.upTo({ times: 2 }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      expect(upstream.arrivals).toEqual([0, 7000, 14_000])
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry({ schedule }))))
  })

  it.effect("shows each error to a schedule of one's own, and `times` still bounds it", () => {
    const upstream = new Upstream(({ index }) => ({ error: index === 0 ? busy : reasons.ServerError() }))
    const seen: Array<string> = []
    const schedule = Schedule.forever.pipe(
      Schedule.setInputType<{ readonly reason: LlmErrorReason }>(),
      Schedule.tap(({ input }) => Effect.sync(() => seen.push(input.reason._tag))),
    )
    return Effect.gen(function* () {
      yield* Effect.flip(ask(name))
      expect(seen).toEqual(["OverloadedError", "ServerError"])
      expect(upstream.asked).toHaveLength(3)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry({ schedule, times: 2 }))))
  })

  it.effect("waits at most 60 seconds and a quarter between attempts of its own choice", () => {
    const upstream = new Upstream(() => ({ error: busy }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      const waits = upstream.arrivals.slice(1).map((atMs, index) => atMs - (upstream.arrivals[index] ?? 0))
      waits.forEach((waitMs, index) => {
        const leastMs = Math.min(1000 * 2 ** index, 60_000)
        expect(waitMs).toBeGreaterThanOrEqual(leastMs)
        expect(waitMs).toBeLessThanOrEqual(leastMs * 1.25 + 1)
      })
      expect(waits).toHaveLength(9)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry({ times: 9 }))))
  })

  it.effect.prop(
    "never returns before Retry-After, at any length",
    { waits: Schema.Array(WholeMs(7_200_000)).check(Schema.isMinLength(1), Schema.isMaxLength(3)) },
    ({ waits }) => {
      const upstream = new Upstream(({ index }) => {
        const waitMs = waits[index]
        return waitMs === undefined ? "hello" : { error: limited(waitMs) }
      })
      return Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(ask(name))
        yield* TestClock.adjust("10 hours")
        yield* Fiber.join(fiber)
        waits.forEach((waitMs, index) => {
          const waitedMs = (upstream.arrivals[index + 1] ?? 0) - (upstream.arrivals[index] ?? 0)
          expect(waitedMs).toBeGreaterThanOrEqual(waitMs)
          expect(waitedMs).toBeLessThanOrEqual(waitMs + Math.min(Math.max(waitMs / 10, 250), 5000) + 1)
        })
      }).pipe(Effect.provide(upstream.layer.pipe(withRetry())))
    },
  )

  it.effect.each([1, 1000, 30_000])(
    "does not bring 100 callers told %s ms back within the same millisecond",
    (retryAfterMs) => {
      const upstream = new Upstream(({ index }) => (index < 100 ? { error: limited(retryAfterMs) } : "hello"))
      return Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(
          Effect.forEach(Array(100), () => ask(name), { concurrency: "unbounded", discard: true }),
        )
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(fiber)
        const returns = upstream.arrivals.slice(100)
        expect(returns).toHaveLength(100)
        const perMillisecond = new Map<number, number>()
        for (const atMs of returns) perMillisecond.set(atMs, (perMillisecond.get(atMs) ?? 0) + 1)
        expect(Math.max(...perMillisecond.values())).toBeLessThanOrEqual(5)
        expect(perMillisecond.size).toBeGreaterThan(60)
        expect(Math.max(...returns) - Math.min(...returns)).toBeGreaterThan(200)
      }).pipe(Effect.provide(upstream.layer.pipe(withRetry())), Random.withSeed(retryAfterMs))
    },
  )

  it.effect("does not begin a wait that would pass the deadline: it fails at once, with what the provider said", () => {
    const script = Scripted.layer([{ error: limited(90_000) }, "too late"])
    return Effect.gen(function* () {
      const error = yield* Effect.flip(ask(name))
      expect(error.reason).toEqual(limited(90_000))
      expect(error.attempts).toHaveLength(1)
      expect(script.requests).toHaveLength(1)
    }).pipe(Effect.provide(script.pipe(withRetry(), withTimeout("60 seconds"))))
  })

  it.effect("does not begin a wait that would pass the deadline: it falls back at once", () => {
    const first = Scripted.layer([{ error: limited(90_000) }, "too late"])
    const second = Scripted.layer(["from the second"])
    const stack = first.pipe(withRetry(), withFallback(second), withTimeout("60 seconds"))
    return Effect.gen(function* () {
      const response = yield* ask(name)
      expect(response.text).toBe("from the second")
      expect(startsOf(response.metadata)).toEqual([0, 0])
    }).pipe(Effect.provide(stack))
  })

  it.effect("holds no permit while backing off or waiting for a limit", () => {
    const upstream = new Upstream(({ index }) =>
      index < 10 ? { error: index % 2 === 0 ? limited(30_000) : busy } : "hello",
    )
    return Effect.gen(function* () {
      const ten = yield* Effect.forkChild(
        Effect.forEach(Array(10), () => ask(name), { concurrency: "unbounded", discard: true }),
      )
      yield* TestClock.adjust(1)
      expect(upstream.asked).toHaveLength(10)
      const eleventh = yield* ask(name)
      expect(eleventh.metadata.attempts.map(({ queuedMs }) => queuedMs)).toEqual([0])
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(ten)
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(10), withRetry())))
  })

  it.effect("stops at once when the caller aborts while it backs off", () => {
    const upstream = new Upstream(() => ({ error: busy }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      expect(upstream.asked).toHaveLength(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry())))
  })
})
