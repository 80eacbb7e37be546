/**
 * One request for equal calls under way. It runs in a fiber of its own as long as someone waits for it, within the limits of
 * the call that began it, and everyone gets what comes: a stream's events from the first one on, as they come, and the end.
 *
 * A stream is read ahead of the fastest of its readers by a bounded number of events, and what was read is held until the
 * end, for readers that come later: as much as one answer may hold.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type * as Cause from "effect/Cause"
import type { CallClock } from "../../call/CallClock.ts"
import { type CallContext, contextWithin } from "../../call/CallContext.ts"
import { CallOptions } from "../../call/CallOptions.ts"
import { monotonicMs } from "../../call/Time.ts"
import { dataCopy } from "../../model/JsonCopy.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmEvent, ResponseFinish } from "../../model/LlmEvent.ts"
import type { ResponseMetadata } from "../../model/LlmResponse.ts"

/**
 * How a flight ended: with an answer, as the entry that it makes, from a request of this flight or (`metadata` absent) out of
 * the store; or with a cause.
 */
export type Landing =
  | { readonly _tag: "Answered"; readonly entry: string; readonly metadata: ResponseMetadata | undefined }
  | { readonly _tag: "Unshared" }
  | { readonly _tag: "Failed"; readonly cause: Cause.Cause<LlmError> }

/** How many events a stream is read ahead of its fastest reader. */
const readAhead = 256

/** A call's own copy of an event: what one changes in it, no other call sees. */
const copyOf = (event: LlmEvent): LlmEvent => {
  if (event.type !== "tool-call-end" && event.type !== "part-end") return { ...event }
  return Result.getOrElse(
    Result.try(() => dataCopy(event)),
    // What cannot be cloned is no JSON: no later call gets it.
    () => event,
  )
}

/** The limits of a call, for which another call's failure may be none of its own. */
export interface OwnLimits {
  /** The retries that the call sets for itself. */
  readonly maxRetries: number | undefined
  /** The deadline that the call sets for itself. */
  readonly timeoutMs: number | undefined
  /** The deadline that it has. */
  readonly clock: CallClock | undefined
}

/** One call that waits for the flight. */
export class Seat {
  readonly flight: Flight
  readonly isLeader: boolean
  /** How many of the events it has had. A call that only wants the end has had them all. */
  position: number
  readonly limits: OwnLimits
  wake: (() => void) | undefined
  /** Stops waiting for the permit of the request. */
  leaveQueue: (() => void) | undefined

  constructor(flight: Flight, isLeader: boolean, position: number, limits: OwnLimits) {
    this.flight = flight
    this.isLeader = isLeader
    this.position = position
    this.limits = limits
  }

  /** The events that came since the last time, if any. */
  take(): ReadonlyArray<LlmEvent> {
    const { events } = this.flight
    const news = events.slice(this.position)
    this.position = events.length
    this.flight.wakeSource()
    return news.map(copyOf)
  }

  /** Waits until there is something new, or the end. */
  readonly news: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.flight.landing !== undefined || this.flight.events.length > this.position) return resume(Effect.void)
    this.wake = () => {
      this.wake = undefined
      resume(Effect.void)
    }
  })

  /** Waits for the end. */
  readonly end: Effect.Effect<Landing> = Effect.suspend(() =>
    this.flight.landing === undefined
      ? Effect.andThen(
          this.news,
          Effect.suspend(() => this.end),
        )
      : Effect.succeed(this.flight.landing),
  )
}

export class Flight {
  readonly events: Array<LlmEvent> = []
  landing: Landing | undefined
  /** The end of a stream, as it came. */
  finish: ResponseFinish | undefined
  /** The call whose answer this is: the one that had waited longest when it came. */
  owner: Seat | undefined
  /** True once the call that began it waits no longer: its limits may be what ends the flight. */
  hasLostLeader = false
  /** The limits of the call that began it. */
  limits: OwnLimits = { maxRetries: undefined, timeoutMs: undefined, clock: undefined }
  /** The number of attempts in the ledger of the call that began it, before it did. */
  readonly attemptsBefore: number
  private readonly context: CallContext
  private readonly seats = new Set<Seat>()
  private readonly onEnd: () => void
  private fiber: Fiber.Fiber<void> | undefined
  private source: (() => void) | undefined

  constructor(context: CallContext, onEnd: () => void) {
    this.context = context
    this.attemptsBefore = context.ledger.count
    this.onEnd = onEnd
  }

  /** Joins a call. Its queue ends, and its deadline begins, where those of the request do. */
  board(context: CallContext, fiber: Fiber.Fiber<unknown, unknown>, wantsEvents: boolean): Seat {
    const { maxRetries, timeoutMs } = fiber.getRef(CallOptions)
    const isLeader = this.fiber === undefined
    const limits: OwnLimits = { maxRetries, timeoutMs, clock: context.clock }
    if (isLeader) this.limits = limits
    const seat = new Seat(this, isLeader, wantsEvents ? 0 : Number.POSITIVE_INFINITY, limits)
    this.seats.add(seat)
    const { permit } = this.context
    if (context.permit !== permit) {
      const { atMs } = permit
      if (atMs === undefined) seat.leaveQueue = permit.whenCome((cameMs) => context.permit.came(cameMs))
      else context.permit.came(monotonicMs(fiber))
    }
    return seat
  }

  /** Takes off, in the call's context. `ask` gives the end. */
  start(fiber: Fiber.Fiber<unknown, unknown>, ask: Effect.Effect<Landing, LlmError>): void {
    const flying = Effect.matchCause(ask, {
      onSuccess: (landing) => this.land(landing),
      onFailure: (cause) => this.land({ _tag: "Failed", cause }),
    })
    this.fiber = Effect.runForkWith(contextWithin(fiber, this.context))(flying)
    // Interrupted from within, it lands too.
    this.fiber.addObserver((exit) => {
      if (exit._tag === "Failure") this.land({ _tag: "Failed", cause: exit.cause })
    })
  }

  /** Takes a stream's next events, and waits where nobody reads on. */
  hand(events: ReadonlyArray<LlmEvent>): Effect.Effect<void> {
    for (const event of events) {
      if (event.type === "response-finish") this.finish = event
      else this.events.push(event)
    }
    for (const seat of this.seats) seat.wake?.()
    return this.isFarAhead() ? this.untilReadOn : Effect.void
  }

  /** Reads on where a reader has come close. */
  wakeSource(): void {
    if (this.source !== undefined && !this.isFarAhead()) this.source()
  }

  /** Leaves, once. The flight ends with its last call, before this does. */
  leave(seat: Seat): Effect.Effect<void> | undefined {
    if (!this.seats.delete(seat)) return undefined
    seat.leaveQueue?.()
    if (seat.isLeader && this.landing === undefined) this.hasLostLeader = true
    if (this.seats.size > 0 || this.landing !== undefined || this.fiber === undefined) return undefined
    this.onEnd()
    return Effect.asVoid(Fiber.interrupt(this.fiber))
  }

  private readonly untilReadOn: Effect.Effect<void> = Effect.callback((resume) => {
    // A reader may have come close since the events were handed out.
    if (!this.isFarAhead()) return resume(Effect.void)
    this.source = () => {
      this.source = undefined
      resume(Effect.void)
    }
  })

  private isFarAhead(): boolean {
    let fastest = 0
    for (const { position } of this.seats) fastest = Math.max(fastest, position)
    return this.events.length - fastest > readAhead
  }

  private land(landing: Landing): void {
    if (this.landing !== undefined) return
    this.landing = landing
    ;[this.owner] = this.seats
    this.onEnd()
    for (const seat of this.seats) seat.wake?.()
  }
}
