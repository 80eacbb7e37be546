/** When a failure that calls share is none of a call's own, so that it begins anew, and what each call is told of it. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { CallClock } from "../../../src/call/CallClock.ts"
import { type CallContext, joinCall } from "../../../src/call/CallContext.ts"
import { LlmError, type LlmErrorReason } from "../../../src/model/LlmError.ts"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import { Flight, type Landing, type OwnLimits, Seat } from "../../../src/policies/cache/Flight.ts"
import { failureFor, mayBeginAnew, ofCall, Reading, unfinished } from "../../../src/policies/cache/SharedAnswer.ts"
import { reasons } from "../Calls.ts"

const newCall: Effect.Effect<CallContext> = joinCall((context) => Effect.succeed(context))

const errorOf = (reason: LlmErrorReason) => new LlmError({ reason, provider: "p", attempts: [] })

const failed = (reason: LlmErrorReason): Landing => ({ _tag: "Failed", cause: Cause.fail(errorOf(reason)) })

const nowMs = 100

/** A clock that has so much left. */
const leaving = (context: CallContext, leftMs: number) =>
  new CallClock({ name: "total", limitMs: leftMs, outer: undefined, permit: context.permit, from: nowMs })

interface Sides {
  readonly theirsMs?: number
  readonly ownMs?: number
  readonly their?: Partial<OwnLimits>
  readonly own?: Partial<OwnLimits>
  readonly isLeader?: boolean
  readonly hasLostLeader?: boolean
}

/** Whether a call with its limits begins anew after how a flight of another one's ended. */
const beginsAnew = (landing: Landing, sides: Sides = {}) =>
  Effect.map(newCall, (context) => {
    const limits = (leftMs: number | undefined, given: Partial<OwnLimits> = {}): OwnLimits => ({
      maxRetries: undefined,
      timeoutMs: undefined,
      clock: leftMs === undefined ? undefined : leaving(context, leftMs),
      ...given,
    })
    const flight = new Flight(context, () => {})
    flight.limits = limits(sides.theirsMs, sides.their)
    flight.hasLostLeader = sides.hasLostLeader ?? false
    return mayBeginAnew(new Seat(flight, sides.isLeader ?? false, 0, limits(sides.ownMs, sides.own)), landing, nowMs)
  })

const busy = (retryAfterMs?: number) =>
  failed(reasons.RateLimitError(retryAfterMs === undefined ? {} : { retryAfterMs }))

describe("a call that shared a failure", () => {
  it.effect.each<readonly [string, Landing, Sides, boolean]>([
    ["keeps it where nothing tells the two apart", busy(), {}, false],
    ["keeps it where it began the request", failed(reasons.BudgetExceededError()), { isLeader: true }, false],
    ["keeps an answer", { _tag: "Answered", entry: "", metadata: undefined }, { hasLostLeader: true }, false],
    ["asks anew for an answer that cannot be shared", { _tag: "Unshared" }, {}, true],
    ["asks anew where the call that began has left", busy(), { hasLostLeader: true }, true],
    ["asks anew with other retries", busy(), { own: { maxRetries: 5 } }, true],
    ["keeps it with the same retries", busy(), { own: { maxRetries: 5 }, their: { maxRetries: 5 } }, false],
    ["asks anew after a budget that is not its own", failed(reasons.BudgetExceededError()), {}, true],
    ["asks anew after an interruption from within", { _tag: "Failed", cause: Cause.interrupt() }, {}, true],
    ["keeps a defect", { _tag: "Failed", cause: Cause.die("a bug") }, {}, false],
    ["asks anew with more time of its own", busy(), { theirsMs: 50, own: { timeoutMs: 10_000 } }, true],
    ["keeps it with less time", busy(), { ownMs: 50, own: { timeoutMs: 50 } }, false],
    ["keeps it with as much time", busy(), { ownMs: 50, theirsMs: 50, own: { timeoutMs: 50 } }, false],
    ["keeps it with more time left of the same deadline", busy(), { theirsMs: 50, ownMs: 60 }, false],
    ["asks anew where only its own time reaches to the retry", busy(50), { theirsMs: 50, ownMs: 60 }, true],
    ["keeps it where the other's time had reached so far", busy(49), { theirsMs: 50, ownMs: 60 }, false],
    ["keeps it where its own time does not reach so far", busy(60), { theirsMs: 50, ownMs: 60 }, false],
    ["asks anew where its time just reaches so far", busy(59), { theirsMs: 50, ownMs: 60 }, true],
    ["keeps what no time mends", failed(reasons.InvalidRequestError()), { theirsMs: 50, own: { timeoutMs: 9 } }, false],
    ["keeps a mistake of the configuration", failed(reasons.ConfigurationError()), { theirsMs: 50 }, false],
  ])("%s", ([, landing, sides, expected]) =>
    Effect.gen(function* () {
      expect(yield* beginsAnew(landing, sides)).toBe(expected)
    }),
  )

  it.effect("has attempts of its own beside it, and the call that began the request the failure as it was", () =>
    Effect.gen(function* () {
      const context = yield* newCall
      const flight = new Flight(context, () => {})
      const limits: OwnLimits = { maxRetries: undefined, timeoutMs: undefined, clock: undefined }
      const error = errorOf(reasons.ServerError())
      const of = (isLeader: boolean, cause: Cause.Cause<LlmError>) =>
        Effect.exit(failureFor(new Seat(flight, isLeader, 0, limits), cause, context))
      const [leader, other] = [yield* of(true, Cause.fail(error)), yield* of(false, Cause.fail(error))]
      expect(Exit.isFailure(leader) && Cause.squash(leader.cause)).toBe(error)
      const own = Exit.isFailure(other) ? Cause.squash(other.cause) : undefined
      expect(own).not.toBe(error)
      expect(own).toMatchObject({ reason: error.reason, provider: "p", attempts: [] })
      const died = yield* of(false, Cause.die("a bug"))
      expect(Exit.isFailure(died) && Cause.squash(died.cause)).toBe("a bug")
      expect(unfinished("cache", context)).toMatchObject({
        reason: { _tag: "StreamInterruptedError", message: "the stream ended before the answer did" },
        provider: "cache",
      })
    }),
  )
})

const metadata = {
  provider: "own",
  usage: {},
  usageStatus: "unknown",
  latencyMs: 1,
  timestamp: "",
  costUsd: 0.5,
  attempts: [],
  warnings: [],
  degraded: false,
} as const

describe("what a call is told of an answer that was shared", () => {
  const told = (given: object, isOwner: boolean) =>
    Effect.flatMap(newCall, (context) =>
      Effect.withFiber((fiber) =>
        Effect.sync(() => {
          const flight = new Flight(context, () => {})
          const seat = flight.board(context, fiber, false)
          if (isOwner) flight.owner = seat
          return ofCall(seat, { ...metadata, ...given }, context, fiber)
        }),
      ),
    )

  it.effect("is its cost, source of prices and request where it is the one that pays, as far as they are known", () =>
    Effect.gen(function* () {
      const whole = yield* told({ priceSource: "custom", requestId: "r" }, true)
      expect(whole).toMatchObject({ costUsd: 0.5, priceSource: "custom", requestId: "r" })
      expect(whole).not.toHaveProperty("cached")
      const bare = yield* told({}, true)
      for (const name of ["priceSource", "requestId", "cached"]) expect(bare).not.toHaveProperty(name)
      expect(yield* told({ requestId: "r" }, false)).toMatchObject({ costUsd: 0, cached: true, attempts: [] })
    }),
  )
})

describe("reading a flight", () => {
  const start: LlmEvent = { type: "response-start" }
  const text = (delta: string): LlmEvent => ({ type: "text-delta", index: 0, delta })

  /** A call's reading of a flight, and what each pull gives. */
  const reading = Effect.flatMap(newCall, (context) =>
    Effect.withFiber((fiber) =>
      Effect.sync(() => {
        const flights: Array<Flight> = []
        const board = () => {
          const flight = new Flight(context, () => {})
          flights.push(flight)
          // Another call began it.
          flight.start(fiber, Effect.never)
          return flight.board(context, fiber, true)
        }
        const read = new Reading({ seat: board() }, board, context)
        return { flights, pull: Effect.map(read.pull, (events) => events.map(({ type }) => type)) }
      }),
    ),
  )

  it.effect("begins anew without a second beginning as long as there was no output", () =>
    Effect.gen(function* () {
      const { flights, pull } = yield* reading
      const [first] = flights
      const waiting = yield* Effect.forkChild(pull, { startImmediately: true })
      yield* first?.hand([start]) ?? Effect.void
      expect(yield* Fiber.join(waiting)).toEqual(["response-start"])
      if (first !== undefined) {
        first.hasLostLeader = true
        first.landing = failed(reasons.ServerError())
      }
      const next = yield* Effect.forkChild(pull, { startImmediately: true })
      expect(flights).toHaveLength(2)
      yield* flights[1]?.hand([start, text("a")]) ?? Effect.void
      expect(
        yield* Effect.flatMap(Effect.yieldNow, () => Effect.suspend(() => next.pollUnsafe() ?? Effect.never)),
      ).toEqual(["text-delta"])
    }),
  )

  it.effect("fails after output as the flight does, and does not begin anew", () =>
    Effect.gen(function* () {
      const { flights, pull } = yield* reading
      const [first] = flights
      yield* first?.hand([start, text("a")]) ?? Effect.void
      yield* pull
      if (first !== undefined) {
        first.hasLostLeader = true
        first.landing = failed(reasons.ServerError())
      }
      const exit = yield* Effect.exit(pull)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({ reason: { _tag: "ServerError" } })
      expect(flights).toHaveLength(1)
    }),
  )

  it.effect("of an answer that cannot be shared ends as it ended, after output", () =>
    Effect.gen(function* () {
      const { flights, pull } = yield* reading
      const [first] = flights
      yield* first?.hand([start, text("a")]) ?? Effect.void
      yield* pull
      if (first !== undefined) {
        first.finish = { type: "response-finish", finishReason: "stop", metadata }
        first.landing = { _tag: "Unshared" }
      }
      expect(yield* pull).toEqual(["response-finish"])
      expect(Exit.isFailure(yield* Effect.exit(pull))).toBe(true)
    }),
  )
})
