/** A stream under clocks, to the millisecond, and what it leaves behind; what each clock is for is in `test/policies/Timeout.test.ts`. */
import { describe, expect, it, vi } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { CallClock } from "../../../src/call/CallClock.ts"
import { joinCall } from "../../../src/call/CallContext.ts"
import { FirstPermit } from "../../../src/call/FirstPermit.ts"
import { monotonicMs } from "../../../src/call/Time.ts"
import { LlmError, type TimeoutClock } from "../../../src/model/LlmError.ts"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import type { Events } from "../../../src/policies/mechanisms/StreamStart.ts"
import { type StreamClocks, timedStream } from "../../../src/policies/mechanisms/TimedStream.ts"
import { reasons } from "../Calls.ts"
import { YieldingAt } from "../YieldingAt.ts"

const start: LlmEvent = { type: "response-start" }
const thought: LlmEvent = { type: "reasoning-delta", index: 0, delta: "hm" }
const piece = (delta: string): LlmEvent => ({ type: "text-delta", index: 0, delta })
const whole: LlmEvent = {
  type: "response-finish",
  finishReason: "stop",
  metadata: {
    provider: "p",
    usage: {},
    usageStatus: "unknown",
    latencyMs: 0,
    timestamp: "2026-01-01T00:00:00.000Z",
    costUsd: null,
    attempts: [],
    warnings: [],
    degraded: false,
  },
}

/** Pulls that bring one event each, so many milliseconds after they begin; after the last `then`. */
const source = (pieces: ReadonlyArray<readonly [afterMs: number, event: LlmEvent]>, then: Events = Effect.never) => {
  let next = 0
  return Effect.suspend((): Events => {
    const [afterMs, event] = pieces[next++] ?? []
    if (afterMs === undefined || event === undefined) return then
    return afterMs === 0 ? Effect.succeed(Arr.of(event)) : Effect.as(Effect.sleep(afterMs), Arr.of(event))
  })
}

type Limits = Partial<Record<"total" | "attempt" | "firstOutput" | "idle" | "reader", number>> & {
  readonly permit?: FirstPermit | undefined
}

/** The clocks of a stream with these limits; with a permit, `total` begins with it. */
const clocksOf = ({ attempt, firstOutput, idle, permit, reader, total }: Limits, nowMs: number): StreamClocks => {
  const clock = (name: TimeoutClock, limitMs: number, from: number | "first-permit" | "silence") =>
    new CallClock({ name, limitMs, outer: undefined, permit: permit ?? new FirstPermit(), from })
  return {
    whole: [
      ...(total === undefined ? [] : [clock("total", total, permit === undefined ? nowMs : "first-permit")]),
      ...(attempt === undefined ? [] : [clock("attempt", attempt, nowMs)]),
    ],
    firstOutput: firstOutput === undefined ? undefined : clock("first-output", firstOutput, nowMs),
    idle: idle === undefined ? undefined : clock("idle", idle, "silence"),
    reader: reader === undefined ? undefined : clock("reader", reader, "silence"),
  }
}

/** Opens a stream under clocks; `state` tells whether what it holds is open. */
const timed = (open: Effect.Effect<Events, LlmError>, limits: Limits) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const state: { isOpen: boolean; clocks: StreamClocks } = { isOpen: true, clocks: { whole: [] } }
    const opening = joinCall((context, fiber) => {
      state.clocks = clocksOf(limits, monotonicMs(fiber))
      return timedStream(
        (within) =>
          Effect.andThen(
            Scope.addFinalizer(
              within,
              Effect.sync(() => {
                state.isOpen = false
              }),
            ),
            open,
          ),
        scope,
        context,
        state.clocks,
        "p",
      )
    })
    return { opening, scope, state }
  })

/** One read in a fiber of its own. */
const reading = (pull: Events) => Effect.forkChild(Effect.result(pull), { startImmediately: true })

/** What a read came to by now: the types of events, the clock that ended it, or nothing yet. */
const came = (fiber: Fiber.Fiber<Effect.Success<ReturnType<typeof result>>, unknown>) => {
  const exit = fiber.pollUnsafe()
  if (exit === undefined) return undefined
  if (Exit.isFailure(exit)) return "interrupted"
  const read = exit.value
  if (read._tag === "Success") return read.success.map(({ type }) => type).join(" ")
  if (!(read.failure instanceof LlmError)) return "done"
  const { reason } = read.failure
  return reason._tag === "TimeoutError" ? `${reason.clock} after "${read.failure.text ?? ""}"` : reason._tag
}
const result = (pull: Events) => Effect.result(pull)

/** Runs with timers that are counted, and do not ring. */
const counting = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })),
    () => effect,
    () => Effect.sync(() => vi.useRealTimers()),
  )

/** How many timers run. */
const timers = () => vi.getTimerCount()

const hour = 3_600_000

describe("the reader's clock", () => {
  it.effect("counts from the opening, where nobody reads at all", () =>
    Effect.gen(function* () {
      const { opening, state } = yield* timed(Effect.as(Effect.sleep(200), source([])), { reader: 1000 })
      const opened = yield* Effect.forkChild(opening)
      yield* TestClock.adjust(1199)
      expect(state.isOpen).toBe(true)
      yield* TestClock.adjust(1)
      expect(state.isOpen).toBe(false)
      expect(came(yield* reading(yield* Fiber.join(opened)))).toBe('reader after ""')
    }),
  )

  it.effect("counts from the last piece, and a read begins it anew", () =>
    Effect.gen(function* () {
      const pieces = source([
        [300, piece("a")],
        [300, piece("b")],
      ])
      const { opening, state } = yield* timed(Effect.succeed(pieces), { reader: 1000, total: hour })
      const pull = yield* opening
      const first = yield* reading(pull)
      yield* TestClock.adjust(1299)
      expect(came(first)).toBe("text-delta")
      const second = yield* reading(pull)
      yield* TestClock.adjust(300)
      expect(came(second)).toBe("text-delta")
      yield* TestClock.adjust(999)
      expect(state.isOpen).toBe(true)
      yield* TestClock.adjust(1)
      expect(state.isOpen).toBe(false)
      expect(came(yield* reading(pull))).toBe('reader after "ab"')
    }),
  )

  it.effect("counts from the moment at which a read is given up", () =>
    Effect.gen(function* () {
      const { opening, state } = yield* timed(Effect.succeed(source([])), { reader: 1000 })
      const pull = yield* opening
      const given = yield* reading(pull)
      yield* TestClock.adjust(5500)
      yield* Fiber.interrupt(given)
      yield* TestClock.adjust(999)
      expect(state.isOpen).toBe(true)
      yield* TestClock.adjust(1)
      expect(state.isOpen).toBe(false)
    }),
  )

  it.effect("does not run while the stream is opened, nor while a piece is waited for", () =>
    Effect.gen(function* () {
      const slow = Effect.as(Effect.sleep(5000), source([[5000, piece("a")]]))
      const { opening, state } = yield* timed(slow, { reader: 1000, total: hour })
      const read = yield* Effect.forkChild(Effect.flatMap(opening, Effect.result))
      yield* TestClock.adjust(10_000)
      expect(came(read)).toBe("text-delta")
      expect(state.isOpen).toBe(true)
    }),
  )

  it.effect("of no time at all closes a stream at once that nobody reads", () =>
    Effect.gen(function* () {
      const { opening, state } = yield* timed(Effect.succeed(source([[0, piece("a")]])), { reader: 0 })
      yield* Effect.asVoid(opening)
      yield* TestClock.adjust(1)
      expect(state.isOpen).toBe(false)
    }),
  )
})

describe("the idle clock", () => {
  it.effect("counts each wait of a reader, from when it begins to wait", () =>
    Effect.gen(function* () {
      const pieces = source([
        [100, start],
        [100, piece("a")],
        [999, piece("b")],
      ])
      const { opening, state } = yield* timed(Effect.succeed(pieces), { idle: 1000 })
      const pull = yield* opening
      const reads = [yield* reading(pull)]
      yield* TestClock.adjust(100)
      reads.push(yield* reading(pull))
      yield* TestClock.adjust(3050)
      reads.push(yield* reading(pull))
      yield* TestClock.adjust(999)
      expect(reads.map(came)).toEqual(["response-start", "text-delta", "text-delta"])
      yield* TestClock.adjust(7777)
      expect(state.isOpen).toBe(true)
      const last = yield* reading(pull)
      yield* TestClock.adjust(999)
      expect(came(last)).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(came(last)).toBe('idle after "ab"')
      expect(state.isOpen).toBe(false)
    }),
  )

  it.effect("does not run before the first output", () =>
    Effect.gen(function* () {
      const pieces = source([
        [0, start],
        [5000, piece("a")],
      ])
      const { opening } = yield* timed(Effect.succeed(pieces), { idle: 1000, total: hour })
      const pull = yield* opening
      yield* reading(pull)
      const second = yield* reading(pull)
      yield* TestClock.adjust(5000)
      expect(came(second)).toBe("text-delta")
    }),
  )

  it.effect("runs from the opening where the stream had to begin in time", () =>
    Effect.gen(function* () {
      const { opening } = yield* timed(Effect.as(Effect.sleep(500), source([])), { idle: 1000, firstOutput: 800 })
      const read = yield* Effect.forkChild(Effect.flatMap(opening, Effect.result))
      yield* TestClock.adjust(1499)
      expect(came(read)).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(came(read)).toBe('idle after ""')
    }),
  )
})

describe("the clocks that bound a stream", () => {
  it.effect.each([
    [{ total: 1000, attempt: 2000 }, "total"],
    [{ total: 2000, attempt: 1000 }, "attempt"],
    [{ total: 2000, firstOutput: 1000 }, "first-output"],
    [{ total: 1000, firstOutput: 2000 }, "total"],
  ] as const)("%j end its opening by the first of them, to the millisecond", ([limits, clock]) =>
    Effect.gen(function* () {
      const { opening, state } = yield* timed(Effect.never, limits)
      const opened = yield* Effect.forkChild(Effect.flip(opening))
      yield* TestClock.adjust(999)
      expect([opened.pollUnsafe(), state.isOpen]).toEqual([undefined, true])
      yield* TestClock.adjust(1)
      expect((yield* Fiber.join(opened)).reason).toMatchObject({ _tag: "TimeoutError", clock, limitMs: 1000 })
      expect(state.isOpen).toBe(false)
    }),
  )

  it.effect.each([
    { total: 1000, idle: 2000 },
    { total: 1000, reader: 2000 },
    { total: 1000, firstOutput: 500 },
    { total: 1000, attempt: 1000 },
  ])("%j end its reading by the total clock, and tell the same to each later read", (limits) =>
    Effect.gen(function* () {
      const pieces = source([
        [0, thought],
        [100, piece("a")],
      ])
      const { opening, state } = yield* timed(Effect.succeed(pieces), limits)
      const pull = yield* opening
      const reads = [yield* reading(pull), yield* reading(pull)]
      yield* TestClock.adjust(100)
      reads.push(yield* reading(pull))
      yield* TestClock.adjust(899)
      expect([reads.map(came), state.isOpen]).toEqual([["reasoning-delta", "text-delta", undefined], true])
      yield* TestClock.adjust(1)
      reads.push(yield* reading(pull))
      expect(reads.slice(2).map(came)).toEqual(['total after "a"', 'total after "a"'])
      expect(state.isOpen).toBe(false)
      const [again, once] = [yield* Effect.flip(pull), yield* Effect.flip(pull)]
      expect(again).toBeInstanceOf(LlmError)
      expect(once).toBe(again)
    }),
  )

  it.effect("count from the first permit where they begin with it, which may come while the stream is read", () =>
    Effect.gen(function* () {
      const permit = new FirstPermit()
      const { opening } = yield* timed(Effect.succeed(source([])), { total: 1000, permit })
      const read = yield* reading(yield* opening)
      yield* TestClock.adjust(hour)
      permit.came(hour)
      yield* TestClock.adjust(999)
      expect(came(read)).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(came(read)).toBe('total after ""')
    }),
  )

  it.effect("end a whole stream without a failure, for the reader that waits and for the next", () =>
    Effect.gen(function* () {
      const pieces = source([
        [0, piece("a")],
        [0, whole],
      ])
      const { opening, state } = yield* timed(Effect.succeed(pieces), { total: 1000 })
      const pull = yield* opening
      const reads = [yield* reading(pull), yield* reading(pull), yield* reading(pull)]
      expect(reads.map(came)).toEqual(["text-delta", "response-finish", undefined])
      yield* TestClock.adjust(1000)
      reads.push(yield* reading(pull))
      expect(reads.slice(2).map(came)).toEqual(["done", "done"])
      expect(state.isOpen).toBe(false)
    }),
  )
})

describe("a stream under clocks", () => {
  it.effect("hands what a given-up read would have got to the next one, and loses nothing", () =>
    Effect.gen(function* () {
      const pieces = source([
        [500, piece("a")],
        [500, piece("b")],
      ])
      const { opening } = yield* timed(Effect.succeed(pieces), { total: hour, reader: hour })
      const pull = yield* opening
      const given = yield* reading(pull)
      yield* TestClock.adjust(100)
      yield* Fiber.interrupt(given)
      yield* TestClock.adjust(hour / 2)
      expect(yield* pull).toEqual([piece("a")])
      const next = yield* reading(pull)
      yield* TestClock.adjust(500)
      expect(yield* Fiber.join(next)).toMatchObject({ success: [piece("b")] })
    }),
  )

  it.effect("asks for no piece before somebody reads", () =>
    Effect.gen(function* () {
      let pulls = 0
      const counted = Effect.suspend((): Events => {
        pulls += 1
        return Effect.succeed(Arr.of(piece("a")))
      })
      const { opening } = yield* timed(Effect.succeed(counted), { total: hour })
      const pull = yield* opening
      yield* TestClock.adjust(1000)
      expect(pulls).toBe(0)
      yield* pull
      yield* TestClock.adjust(1000)
      expect(pulls).toBe(1)
    }),
  )

  const broken = new LlmError({ reason: reasons.StreamInterruptedError(), provider: "p", attempts: [] })

  it.effect("fails as its source fails, at each read from then on", () =>
    Effect.gen(function* () {
      const { opening } = yield* timed(Effect.succeed(source([[0, piece("a")]], Effect.fail(broken))), { total: 1000 })
      const pull = yield* opening
      yield* pull
      expect([yield* Effect.flip(pull), yield* Effect.flip(pull)]).toEqual([broken, broken])
      yield* TestClock.adjust(hour)
      expect(yield* Effect.flip(pull)).toBe(broken)
    }),
  )

  it.effect("fails as its opening fails or dies", () =>
    Effect.gen(function* () {
      const failing = yield* timed(Effect.fail(broken), { total: 1000 })
      expect(yield* Effect.flip(failing.opening)).toBe(broken)
      const dying = yield* timed(
        Effect.suspend(() => {
          throw new Error("a bug")
        }),
        { total: 1000 },
      )
      const exit = yield* Effect.exit(dying.opening)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({ message: "a bug" })
    }),
  )

  it.effect("ends when the fiber that opens it is interrupted from outside, and keeps no reader waiting", () =>
    Effect.gen(function* () {
      let own: Fiber.Fiber<unknown, unknown> | undefined
      const noted = <A>(effect: Effect.Effect<A>): Effect.Effect<A> =>
        Effect.withFiber((fiber) => {
          own = fiber
          return effect
        })
      const unopened = yield* timed(noted(Effect.never), { total: hour })
      const opened = yield* Effect.forkChild(Effect.exit(unopened.opening), { startImmediately: true })
      own?.interruptUnsafe()
      yield* TestClock.adjust(1)
      expect(opened.pollUnsafe()).toMatchObject({ value: { _tag: "Failure" } })
      const open = yield* timed(noted(Effect.succeed(source([]))), { total: hour })
      const pull = yield* open.opening
      const read = yield* Effect.forkChild(Effect.exit(pull), { startImmediately: true })
      own?.interruptUnsafe()
      yield* TestClock.adjust(1)
      expect(read.pollUnsafe()).toMatchObject({ value: { _tag: "Failure" } })
      expect(Exit.isFailure(yield* Effect.exit(pull))).toBe(true)
    }),
  )

  it.effect("stops its opening when nobody waits for it any more, before its scope closes", () =>
    Effect.gen(function* () {
      let stopped = false
      const waiting = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          stopped = true
        }),
      )
      const { opening } = yield* timed(waiting, { total: hour })
      const opened = yield* Effect.forkChild(opening, { startImmediately: true })
      yield* Fiber.interrupt(opened)
      expect(stopped).toBe(true)
    }),
  )

  it.effect("stops its source when its scope closes, while somebody reads or not", () =>
    Effect.gen(function* () {
      let stopped = 0
      const waiting = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          stopped += 1
        }),
      )
      const read = yield* timed(Effect.succeed(source([], waiting)), { total: hour })
      yield* reading(yield* read.opening)
      yield* Scope.close(read.scope, Exit.void)
      expect([stopped, read.state.isOpen]).toEqual([1, false])
      const unread = yield* timed(Effect.succeed(source([])), { total: hour })
      yield* Effect.asVoid(unread.opening)
      yield* Scope.close(unread.scope, Exit.void)
      expect(unread.state.isOpen).toBe(false)
    }),
  )

  it.effect("is ended by no clock any more while what was given up takes long to end", () =>
    Effect.gen(function* () {
      const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(2000))
      const read = yield* timed(Effect.succeed(source([], slow)), { total: 1000 })
      yield* reading(yield* read.opening)
      yield* Effect.forkChild(Scope.close(read.scope, Exit.void))
      yield* TestClock.adjust(2000)
      expect(read.state.clocks.whole.map(({ cutShort }) => cutShort)).toEqual([undefined])
      const opened = yield* timed(slow, { total: 1000 })
      yield* Effect.forkChild(Fiber.interrupt(yield* Effect.forkChild(opened.opening, { startImmediately: true })))
      yield* TestClock.adjust(2000)
      expect(opened.state.clocks.whole.map(({ cutShort }) => cutShort)).toEqual([undefined])
    }),
  )

  it.live("starts one timer for clocks that all run, and another only for one that runs out sooner", () =>
    counting(
      Effect.gen(function* () {
        const starting = vi.spyOn(globalThis, "setTimeout")
        const read = (limits: Limits) =>
          Effect.gen(function* () {
            starting.mockClear()
            const { opening, scope } = yield* timed(Effect.succeed(source([[0, piece("a")]])), limits)
            yield* yield* opening
            const waits = starting.mock.calls.map(([, ms]) => Math.round(Number(ms) / 1000))
            yield* Scope.close(scope, Exit.void)
            return waits
          })
        expect(yield* read({ total: 60_000, reader: hour, idle: hour })).toEqual([60])
        expect(yield* read({ total: 60_000, reader: hour, idle: 30_000 })).toEqual([60, 30])
        expect(timers()).toBe(0)
      }),
    ),
  )

  it.live("leaves no timer behind, however it ends", () =>
    counting(
      Effect.gen(function* () {
        const all = { total: hour, attempt: hour, idle: hour, reader: hour }
        const failed = yield* timed(Effect.succeed(source([[0, piece("a")]], Effect.fail(broken))), all)
        const failing = yield* failed.opening
        yield* failing
        expect(timers()).toBe(1)
        yield* Effect.flip(failing)
        expect(timers()).toBe(0)
        const closed = yield* timed(Effect.succeed(source([])), all)
        yield* reading(yield* closed.opening)
        yield* Scope.close(closed.scope, Exit.void)
        expect(timers()).toBe(0)
        const given = yield* timed(Effect.never, all)
        yield* Fiber.interrupt(yield* Effect.forkChild(given.opening, { startImmediately: true }))
        expect(timers()).toBe(0)
        const unopened = yield* timed(Effect.andThen(Effect.yieldNow, Effect.fail(broken)), all)
        yield* Effect.flip(unopened.opening)
        expect(timers()).toBe(0)
        const late = yield* timed(Effect.succeed(source([])), { ...all, total: 0 })
        yield* Effect.flip(yield* late.opening)
        expect(timers()).toBe(0)
        const permit = new FirstPermit()
        const over = yield* timed(Effect.succeed(source([], Effect.fail(broken))), { total: hour, permit })
        yield* Effect.flip(yield* over.opening)
        permit.came(0)
        expect(timers()).toBe(0)
      }),
    ),
  )

  it.effect.each(Array.from({ length: 60 }, (_, step) => step + 1))(
    "is read whole where a fiber yields at step %s",
    (step) =>
      Effect.gen(function* () {
        const pieces = source([
          [0, piece("a")],
          [0, piece("b")],
          [0, whole],
        ])
        const { opening } = yield* timed(Effect.succeed(pieces), { total: hour, idle: hour, reader: hour })
        const read = Effect.runFork(
          Effect.provideService(
            Effect.flatMap(opening, (pull) => Effect.all([pull, pull, pull])),
            Scheduler.Scheduler,
            new YieldingAt(step),
          ),
        )
        for (let turn = 0; turn < 50; turn++) yield* Effect.yieldNow
        expect(read.pollUnsafe()).toMatchObject({ value: [[piece("a")], [piece("b")], [whole]] })
      }),
  )
})
