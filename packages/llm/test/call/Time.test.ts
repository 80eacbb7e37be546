/** The time of a call, by whichever clock its fiber has, and timers that keep to it. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { vi } from "vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { clockMs, epochMs, isoTime, isPlatformTime, logsDebug, monotonicMs } from "../../src/call/Time.ts"
import { startTimer, stopTimer } from "../../src/call/Timer.ts"
import * as Clock from "effect/Clock"

type AnyFiber = Fiber.Fiber<unknown, unknown>

const here: Effect.Effect<AnyFiber> = Effect.withFiber((fiber) => Effect.succeed(fiber))

describe("under a test's clock", () => {
  it.effect("the time is the test's", () =>
    Effect.gen(function* () {
      const fiber = yield* here
      yield* TestClock.adjust(2500)
      expect(isPlatformTime(fiber)).toBe(false)
      expect([monotonicMs(fiber), clockMs(fiber.getRef(Clock.Clock)), epochMs(fiber)]).toEqual([2500, 2500, 2500])
    }),
  )

  it.effect("a timer rings once, when its time has come", () =>
    Effect.gen(function* () {
      let rung = 0
      startTimer(yield* here, 100, () => (rung += 1))
      yield* TestClock.adjust(99)
      expect(rung).toBe(0)
      yield* TestClock.adjust(1)
      expect(rung).toBe(1)
      yield* TestClock.adjust(1000)
      expect(rung).toBe(1)
    }),
  )

  it.effect("a timer that is stopped does not ring", () =>
    Effect.gen(function* () {
      let rung = 0
      stopTimer(startTimer(yield* here, 100, () => (rung += 1)))
      yield* TestClock.adjust(1000)
      expect(rung).toBe(0)
    }),
  )
})

describe("under the platform's clock", () => {
  it.live("the time is the platform's", () =>
    Effect.gen(function* () {
      const fiber = yield* here
      expect(isPlatformTime(fiber)).toBe(true)
      const [wallMs, monotonic] = [Date.now(), performance.now()]
      expect(Math.abs(epochMs(fiber) - wallMs)).toBeLessThan(10_000)
      expect(Math.abs(monotonicMs(fiber) - monotonic)).toBeLessThan(10_000)
    }),
  )

  it.live("a timer rings, unless it is stopped", () =>
    Effect.gen(function* () {
      const fiber = yield* here
      const rung: Array<string> = []
      stopTimer(startTimer(fiber, 1, () => rung.push("stopped")))
      yield* Effect.callback<void>((resume) => {
        startTimer(fiber, 2, () => {
          rung.push("rung")
          resume(Effect.void)
        })
      })
      expect(rung).toEqual(["rung"])
    }),
  )

  it.live("a timer is set to whole milliseconds, and never to fewer than were asked for", () =>
    Effect.gen(function* () {
      const fiber = yield* here
      const set = vi.spyOn(globalThis, "setTimeout")
      for (const ms of [0, 0.2, 1.5, 20]) stopTimer(startTimer(fiber, ms, () => undefined))
      expect(set.mock.calls.map(([, ms]) => ms)).toEqual([0, 1, 2, 20])
      set.mockRestore()
    }),
  )

  it.live("a timer longer than the platform's own does not ring at once: a fiber waits for it", () =>
    Effect.gen(function* () {
      const fiber = yield* here
      const own = startTimer(fiber, 2 ** 31 - 1, () => {})
      const longer = startTimer(fiber, 2 ** 31, () => {})
      expect([Fiber.isFiber(own), Fiber.isFiber(longer)]).toEqual([false, true])
      stopTimer(own)
      stopTimer(longer)
      stopTimer(undefined)
    }),
  )
})

describe("a moment", () => {
  it("is told in ISO 8601, also one after another", () => {
    expect([0, 0, 1500, 0].map(isoTime)).toEqual([
      "1970-01-01T00:00:00.000Z",
      "1970-01-01T00:00:00.000Z",
      "1970-01-01T00:00:01.500Z",
      "1970-01-01T00:00:00.000Z",
    ])
  })

  it("is told as Date tells it, whatever was told before", () => {
    const moment = fc.oneof(
      fc.integer({ min: 0, max: 3000 }),
      fc.double({ min: -3000, max: 3000, noNaN: true }),
      fc.integer({ min: -8.64e15, max: 8.64e15 }),
    )
    fc.assert(
      fc.property(fc.array(moment, { minLength: 2 }), (moments) => {
        expect(moments.map(isoTime)).toEqual(moments.map((ms) => new Date(ms).toISOString()))
      }),
    )
  })
})

describe("lines at DEBUG", () => {
  it.effect.each([
    ["All", true],
    ["Trace", true],
    ["Debug", true],
    ["Info", false],
    ["None", false],
  ] as const)("are received at the level %s: %s", ([level, isReceived]) =>
    Effect.gen(function* () {
      expect(logsDebug(yield* here)).toBe(isReceived)
    }).pipe(Effect.provideService(References.MinimumLogLevel, level)),
  )
})
