/** Which wait counts where the provider, the caller's schedule and the deadline each say one, and what is told of it. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { LlmError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withObserver } from "../../src/policies/Observer.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const busy = { error: reasons.OverloadedError() }

const everySecond = (times: number) => Schedule.spaced("1 second").pipe(Schedule.upTo({ times }))

describe.each(callNames)("the waits of a retry of %s", (name) => {
  it.effect("are as often as a schedule of the caller's own says, whichever way it is given", () =>
    Effect.gen(function* () {
      for (const policy of [withRetry(everySecond(5)), withRetry({ schedule: everySecond(5) })]) {
        const upstream = new Upstream(() => busy)
        const fiber = yield* Effect.forkChild(Effect.flip(Effect.provide(ask(name), upstream.layer.pipe(policy))))
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(fiber)
        const [first = 0] = upstream.arrivals
        expect(upstream.arrivals.map((atMs) => atMs - first)).toEqual([0, 1000, 2000, 3000, 4000, 5000])
      }
    }),
  )

  it.effect("are those of the caller's schedule where the provider asks for less", () => {
    const upstream = new Upstream(({ index }) =>
      index === 0 ? { error: reasons.RateLimitError({ retryAfterMs: 100 }) } : "hello",
    )
    const slow = Schedule.spaced("10 seconds").pipe(Schedule.upTo({ times: 1 }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      expect(upstream.arrivals).toEqual([0, 10_000])
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry(slow))))
  })

  it.effect("are up to a tenth longer than asked, each by another part of it", () => {
    const upstream = new Upstream(({ index }) =>
      index < 50 ? { error: reasons.RateLimitError({ retryAfterMs: 10_000 }) } : "hello",
    )
    return Effect.gen(function* () {
      const all = Effect.forEach(Array(50), () => ask(name), { concurrency: "unbounded" })
      const fiber = yield* Effect.forkChild(all)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      const waits = upstream.arrivals.slice(50)
      expect(waits.length).toBe(50)
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(10_000)
      expect(Math.max(...waits)).toBeLessThanOrEqual(11_000)
      expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(300)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry())))
  })

  it.effect.each([
    [1000, 0],
    [1001, 1],
  ] as const)("under a deadline of %i ms a wait of a second is begun %i times", ([deadlineMs, retries]) => {
    const upstream = new Upstream(() => busy)
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust(retries * 1000)
      const error = yield* Fiber.join(fiber)
      expect(error.reason._tag).toBe("OverloadedError")
      expect(upstream.arrivals.length).toBe(1 + retries)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry(everySecond(1)), withTimeout(deadlineMs))))
  })

  it.effect("are told at DEBUG and to observers, each with its number, its length and what it follows", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => lines.push([logLevel, message]))
    const told: Array<unknown> = []
    const observer = withObserver((event) => {
      if (event.type === "retry") told.push([event.retry, event.waitMs, event.error.reason._tag])
    })
    const upstream = new Upstream(({ index }) => (index < 2 ? busy : "hello"))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      const { attempts } = (yield* Fiber.join(fiber)).metadata
      expect(attempts.map(({ waitedMs }) => waitedMs)).toEqual([0, 1000, 1000])
      expect(told).toEqual([
        [1, 1000, "OverloadedError"],
        [2, 1000, "OverloadedError"],
      ])
      expect(lines).toEqual([
        ["Debug", ["retrying in 1000 ms", { errorType: "OverloadedError", retry: 1 }]],
        ["Debug", ["retrying in 1000 ms", { errorType: "OverloadedError", retry: 2 }]],
      ])
    }).pipe(
      Effect.provide(upstream.layer.pipe(withRetry(everySecond(5)), observer)),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug"),
    )
  })

  it.effect("are not begun where they would pass the deadline, which is said at DEBUG", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => lines.push(String(message)))
    return Effect.gen(function* () {
      yield* Effect.flip(ask(name))
      expect(lines.join("\n")).toMatch(/not retrying: the wait of 1000 ms would pass the call's deadline/)
    }).pipe(
      Effect.provide(new Upstream(() => busy).layer.pipe(withRetry(everySecond(5)), withTimeout(500))),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug"),
    )
  })

  it.effect("follow a failure before any request as they follow one of a request", () => {
    let asked = 0
    const fails = Effect.suspend(() => {
      asked += 1
      return Effect.fail(new LlmError({ reason: reasons.OverloadedError(), provider: "p", attempts: [] }))
    })
    const failing = Layer.succeed(LlmProvider, {
      name: "p",
      generate: () => fails,
      stream: () => Stream.fromEffect(fails),
    })
    return Effect.gen(function* () {
      for (const clocks of [withTimeout({}), withTimeout({ queue: "1 hour" })]) {
        const call = Effect.provide(ask(name), failing.pipe(withRetry(everySecond(2)), clocks))
        const fiber = yield* Effect.forkChild(Effect.flip(call))
        yield* TestClock.adjust("1 minute")
        expect((yield* Fiber.join(fiber)).reason._tag).toBe("OverloadedError")
      }
      expect(asked).toBe(6)
    })
  })

  it.effect("do not follow a bug, which stays what it is", () => {
    const dying = Layer.succeed(LlmProvider, {
      name: "p",
      generate: () => Effect.die("a bug"),
      stream: () => Stream.die("a bug"),
    })
    return Effect.gen(function* () {
      const exit = yield* Effect.exit(ask(name))
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBe("a bug")
    }).pipe(Effect.provide(dying.pipe(withRetry())))
  })
})
