/** What one call gets of a flight: metadata of its own, an end of its own, and a stream of its own. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { CallContext } from "../../call/CallContext.ts"
import { monotonicMs } from "../../call/Time.ts"
import { LlmError, StreamInterruptedError } from "../../model/LlmError.ts"
import { isOutput, type LlmEvent } from "../../model/LlmEvent.ts"
import type { LlmResponse, ResponseMetadata } from "../../model/LlmResponse.ts"
import { retriesOf } from "../mechanisms/Judgement.ts"
import { failureOf } from "../mechanisms/Bounded.ts"
import type { Events } from "../mechanisms/StreamStart.ts"
import { decodeEntry, type OfCall, piecesOf } from "./CacheEntry.ts"
import type { Landing, Seat } from "./Flight.ts"

type CallFiber = Fiber.Fiber<unknown, unknown>

/** A call in its flight, which changes where it begins anew. */
export interface Boarded {
  seat: Seat
}

/**
 * A call's own part of an answer's metadata. The attempts and the cost belong to the call that began the flight, or where
 * that has left, to the one that has waited longest; for every other call no request was made.
 */
export const ofCall = (
  seat: Seat,
  metadata: ResponseMetadata | undefined,
  { ledger }: CallContext,
  fiber: CallFiber,
): OfCall => {
  const times = { latencyMs: Math.round(monotonicMs(fiber) - ledger.startedMs), timestamp: ledger.started }
  if (metadata === undefined || seat.flight.owner !== seat) {
    return { ...times, attempts: ledger.attempts(), costUsd: 0, cached: true }
  }
  for (const attempt of metadata.attempts.slice(seat.flight.attemptsBefore)) {
    const { model, provider } = attempt
    ledger.add({ provider, model, telemetryName: provider, wasSent: true, record: () => ({ ...attempt }) })
  }
  const { costUsd, priceSource, requestId } = metadata
  return {
    ...times,
    attempts: ledger.attempts(),
    costUsd,
    ...(priceSource === undefined ? {} : { priceSource }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}

/**
 * True where a failure says nothing of this call: it came from limits of the call that began the flight, which has left, is
 * over its budget, sets other retries or has less time; or from within.
 */
export const mayBeginAnew = (seat: Seat, landing: Landing, nowMs: number): boolean => {
  const { flight, isLeader, limits } = seat
  if (isLeader || landing._tag === "Answered") return false
  if (landing._tag === "Unshared" || flight.hasLostLeader) return true
  if (flight.limits.maxRetries !== limits.maxRetries) return true
  const error = Cause.findErrorOption(landing.cause)
  if (error._tag === "None") return Cause.hasInterruptsOnly(landing.cause)
  return error.value.reason._tag === "BudgetExceededError" || hadTooLittleTime(seat, error.value, nowMs)
}

/** True where the call that began the flight had less time than this one, and more time may have helped. */
const hadTooLittleTime = ({ flight, limits }: Seat, error: LlmError, nowMs: number): boolean => {
  const { reason } = error
  if (reason._tag === "ConfigurationError" || retriesOf(error) === "never") return false
  const theirsMs = flight.limits.clock?.remainingMs(nowMs) ?? Number.POSITIVE_INFINITY
  const ownMs = limits.clock?.remainingMs(nowMs) ?? Number.POSITIVE_INFINITY
  if (ownMs <= theirsMs) return false
  const { retryAfterMs } = reason
  return (
    limits.timeoutMs !== flight.limits.timeoutMs ||
    (retryAfterMs !== undefined && retryAfterMs >= theirsMs && retryAfterMs < ownMs)
  )
}

/** The failure of the flight as that of a call: the same reason, with what the call itself went through. */
export const failureFor = (
  { isLeader }: Seat,
  cause: Cause.Cause<LlmError>,
  context: CallContext,
): Effect.Effect<never, LlmError> => {
  const found = Cause.findErrorOption(cause)
  return isLeader || found._tag === "None" ? Effect.failCause(cause) : Effect.fail(failureOf(found.value, context))
}

/** A stream that broke off without an end and without a failure. */
export const unfinished = (provider: string, { ledger }: CallContext): LlmError =>
  new LlmError({
    reason: new StreamInterruptedError({ message: "the stream ended before the answer did" }),
    ...ledger.lastTarget(provider),
    attempts: ledger.attempts(),
  })

/** One call's reading of a flight's events. */
export class Reading {
  private readonly boarded: Boarded
  private readonly board: (fiber: CallFiber) => Seat
  private readonly context: CallContext
  private hasStarted = false
  private hasOutput = false
  private isOver = false

  constructor(boarded: Boarded, board: (fiber: CallFiber) => Seat, context: CallContext) {
    this.boarded = boarded
    this.board = board
    this.context = context
  }

  // In whichever fiber reads: the one that opened the stream may have ended, and has neither clock nor context then.
  readonly pull: Events = Effect.withFiber((fiber): Events => {
    const { seat } = this.boarded
    if (this.isOver) return Cause.done()
    const news = this.new(seat.take())
    if (Arr.isReadonlyArrayNonEmpty(news)) return Effect.succeed(news)
    const { landing } = seat.flight
    return landing === undefined ? Effect.andThen(seat.news, this.pull) : this.end(seat, landing, fiber)
  })

  private end(seat: Seat, landing: Landing, fiber: CallFiber): Events {
    const { finish } = seat.flight
    if (landing._tag !== "Failed" && finish !== undefined && (seat.isLeader || landing._tag === "Unshared")) {
      this.isOver = true
      return Effect.succeed([finish])
    }
    if (landing._tag === "Answered") {
      this.isOver = true
      const own = ofCall(seat, landing.metadata, this.context, fiber)
      const answer = decodeEntry<LlmResponse>(landing.entry, own)
      const { finishReason, metadata } = answer
      const pieces = finish === undefined ? this.new(piecesOf(answer)) : []
      return Effect.succeed(Arr.append(pieces, { type: "response-finish", finishReason, metadata }))
    }
    if (!this.hasOutput && mayBeginAnew(seat, landing, monotonicMs(fiber))) {
      return Effect.andThen(
        seat.flight.leave(seat) ?? Effect.void,
        Effect.suspend(() => {
          this.boarded.seat = this.board(fiber)
          return this.pull
        }),
      )
    }
    const cause = landing._tag === "Failed" ? landing.cause : Cause.fail(unfinished("cache", this.context))
    return failureFor(seat, cause, this.context)
  }

  /** The events without a second beginning, where the call began anew. */
  private new(events: ReadonlyArray<LlmEvent>): ReadonlyArray<LlmEvent> {
    const news = this.hasStarted ? events.filter(({ type }) => type !== "response-start") : events
    this.hasStarted ||= news.length > 0
    this.hasOutput ||= news.some(isOutput)
    return news
  }
}
