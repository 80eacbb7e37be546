/** What an effect under clocks leaves behind: the error of the clock, and neither timers nor listeners. */
import { expect, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { CallClock, type CallClockOptions } from "../../../src/call/CallClock.ts"
import { type CallContext, joinCall } from "../../../src/call/CallContext.ts"
import { FirstPermit } from "../../../src/call/FirstPermit.ts"
import { monotonicMs } from "../../../src/call/Time.ts"
import { LlmError } from "../../../src/model/LlmError.ts"
import { bounded, failureOf, timeoutFailure } from "../../../src/policies/mechanisms/Bounded.ts"
import { reasons } from "../Calls.ts"

const overloaded = new LlmError({
  reason: reasons.OverloadedError(),
  provider: "p",
  model: "m",
  attempts: [],
  text: "half",
  warnings: ["temperature was dropped"],
})

/** A clock of a call, from its beginning on unless it is said otherwise. */
const clockOf = (limitMs: number, nowMs: number, own: Partial<CallClockOptions> = {}) =>
  new CallClock({ name: "total", limitMs, outer: undefined, permit: new FirstPermit(), from: nowMs, ...own })

/** An effect under one clock. */
const under = <A>(
  effect: Effect.Effect<A, LlmError>,
  limitMs: number,
  own: Partial<CallClockOptions> = {},
): Effect.Effect<A, LlmError> =>
  joinCall((context, fiber) => bounded(effect, context, [clockOf(limitMs, monotonicMs(fiber), own)], "p"))

const callContext: Effect.Effect<CallContext> = joinCall((context) => Effect.succeed(context))

/** Runs with timers that are counted, and ring only where a test says so. */
const counting = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })),
    () => effect,
    () => Effect.sync(() => vi.useRealTimers()),
  )

/** How many timers run. */
const timers = () => vi.getTimerCount()

it.effect("the error of a request becomes the call's with all that it tells", () =>
  Effect.gen(function* () {
    const told = failureOf(overloaded, yield* callContext)
    expect(told).toMatchObject({
      reason: overloaded.reason,
      provider: "p",
      model: "m",
      text: "half",
      warnings: ["temperature was dropped"],
    })
  }),
)

it.effect("the error of a clock holds the text so far, and none where none came", () =>
  Effect.gen(function* () {
    const context = yield* callContext
    const reason = clockOf(1000, 0).expire()
    expect(timeoutFailure(context, reason, "p", "half").text).toBe("half")
    expect(timeoutFailure(context, reason, "p", "").text).toBeUndefined()
    const error = timeoutFailure(context, reason, "p")
    expect([error.text, error.provider, error.reason]).toEqual([undefined, "p", reason])
  }),
)

it.effect("the first of several clocks ends it, when its time has come and not before", () =>
  Effect.gen(function* () {
    let ended = 0
    const lasting = Effect.onInterrupt(Effect.never, () => Effect.sync(() => (ended += 1)))
    const call = joinCall((context, fiber) => {
      const nowMs = monotonicMs(fiber)
      return bounded(lasting, context, [clockOf(3000, nowMs), clockOf(1000, nowMs, { name: "attempt" })], "p")
    })
    const fiber = yield* Effect.forkChild(Effect.flip(call))
    yield* TestClock.adjust(999)
    expect([fiber.pollUnsafe(), ended]).toEqual([undefined, 0])
    yield* TestClock.adjust(1)
    const { reason } = yield* Fiber.join(fiber)
    expect(reason).toMatchObject({ _tag: "TimeoutError", clock: "attempt", limitMs: 1000 })
    expect(ended).toBe(1)
  }),
)

it.effect("no clock ends what another clock or the caller has ended, however long that takes to end", () =>
  Effect.gen(function* () {
    const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(5000))
    const [first, second] = [clockOf(1000, 0), clockOf(2000, 0)]
    const late = yield* Effect.forkChild(joinCall((context) => bounded(slow, context, [second, first], "p")))
    yield* TestClock.adjust("1 minute")
    expect(late.pollUnsafe()).toBeDefined()
    expect([first.cutShort?._tag, second.cutShort]).toEqual(["TimeoutError", undefined])
    const unused = clockOf(1000, 60_000)
    const given = yield* Effect.forkChild(
      joinCall((context) => bounded(slow, context, [unused], "p")),
      { startImmediately: true },
    )
    yield* Effect.forkChild(Fiber.interrupt(given))
    yield* TestClock.adjust("1 minute")
    expect(given.pollUnsafe()).toBeDefined()
    expect(unused.cutShort).toBeUndefined()
  }),
)

it.live("an effect that is quick starts no timer", () =>
  Effect.gen(function* () {
    const started = vi.spyOn(globalThis, "setTimeout")
    expect(yield* under(Effect.succeed("at once"), 3_600_000)).toBe("at once")
    const calls = started.mock.calls.filter(([, ms]) => ms !== undefined && ms > 3_000_000)
    started.mockRestore()
    expect(calls).toEqual([])
  }),
)

it.live("no timer is left, however the effect ends", () =>
  counting(
    Effect.gen(function* () {
      const hour = 3_600_000
      const later = Effect.promise<string>(() => new Promise((resolve) => setImmediate(() => resolve("late"))))
      expect(yield* under(Effect.succeed("at once"), hour)).toBe("at once")
      expect(timers()).toBe(0)
      expect(yield* under(later, hour)).toBe("late")
      expect(timers()).toBe(0)
      expect(yield* Effect.flip(under(Effect.andThen(later, Effect.fail(overloaded)), hour))).toBe(overloaded)
      expect(timers()).toBe(0)
      const fiber = yield* Effect.forkChild(under(Effect.never, hour), { startImmediately: true })
      expect(timers()).toBe(1)
      yield* Fiber.interrupt(fiber)
      expect(timers()).toBe(0)
      const two = joinCall((context, own) => {
        const nowMs = monotonicMs(own)
        return bounded(Effect.never, context, [clockOf(hour, nowMs), clockOf(1, nowMs)], "p")
      })
      const late = yield* Effect.forkChild(Effect.exit(two), { startImmediately: true })
      // The one that rings first.
      expect(timers()).toBe(1)
      vi.advanceTimersByTime(1)
      expect(Exit.isFailure(yield* Fiber.join(late))).toBe(true)
      expect(timers()).toBe(0)
    }),
  ),
)

it.effect("a clock that begins with the first permit counts from there", () =>
  Effect.gen(function* () {
    const permit = new FirstPermit()
    const call = Effect.flip(under(Effect.never, 1000, { from: "first-permit", permit }))
    const fiber = yield* Effect.forkChild(call, { startImmediately: true })
    yield* TestClock.adjust("1 hour")
    permit.came(3_600_000)
    yield* TestClock.adjust(999)
    expect(fiber.pollUnsafe()).toBeUndefined()
    yield* TestClock.adjust(1)
    expect((yield* Fiber.join(fiber)).reason).toMatchObject({ _tag: "TimeoutError", clock: "total", limitMs: 1000 })
  }),
)

it.live("a permit that comes after the end starts no timer", () =>
  counting(
    Effect.gen(function* () {
      const answered = new FirstPermit()
      const later = Effect.promise<string>(() => new Promise((resolve) => setImmediate(() => resolve("late"))))
      yield* under(later, 3_600_000, { from: "first-permit", permit: answered })
      answered.came(0)
      const interrupted = new FirstPermit()
      const waiting = under(Effect.never, 3_600_000, { from: "first-permit", permit: interrupted })
      yield* Fiber.interrupt(yield* Effect.forkChild(waiting, { startImmediately: true }))
      interrupted.came(0)
      expect(timers()).toBe(0)
    }),
  ),
)
