/**
 * A stream under clocks. One fiber opens and pulls it for as long as it lasts, so that a clock can end it whether somebody
 * reads or not, and what the provider forks lives as long as its stream. A reader takes what that fiber has pulled; one
 * that gives up a read loses nothing.
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { type CallContext, contextWithin } from "../../call/CallContext.ts"
import type { CallClock } from "../../call/CallClock.ts"
import { monotonicMs } from "../../call/Time.ts"
import { GrowingText } from "../../model/GrowingText.ts"
import type { LlmError } from "../../model/LlmError.ts"
import { isOutput, type LlmEvent } from "../../model/LlmEvent.ts"
import { timeoutFailure } from "./Bounded.ts"
import type { Events } from "./StreamStart.ts"
import { startTimer, stopTimer, type Timer } from "../../call/Timer.ts"

/** The clocks of one stream; each is also in the context, for those within to read. */
export interface StreamClocks {
  /** Bound the whole stream. */
  readonly whole: ReadonlyArray<CallClock>
  /** Bounds what comes before the first output. */
  readonly firstOutput?: CallClock | undefined
  /** The longest wait of a reader between two pieces, once the first has come. */
  readonly idle?: CallClock | undefined
  /** The longest that an open stream may be held by somebody who does not read on. */
  readonly reader?: CallClock | undefined
}

type Ending = LlmError | Cause.Done

type Arrived = Exit.Exit<Arr.NonEmptyReadonlyArray<LlmEvent>, Ending>

/**
 * Opens a stream in a fiber of its own, under clocks. `open` gets the scope that closes when a clock ends the stream, and
 * that fiber; `name` is the provider's. Succeeds once it has opened.
 */
export const timedStream = (
  open: (scope: Scope.Scope, fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<Events, LlmError>,
  scope: Scope.Scope,
  context: CallContext,
  clocks: StreamClocks,
  name: string,
): Effect.Effect<Events, LlmError> =>
  Effect.withFiber((fiber) => {
    const source = Scope.forkUnsafe(scope)
    const text = new GrowingText()
    /** What tells the time: the opener may end long before its stream, and has no clock from then on. */
    let living: Fiber.Fiber<unknown, unknown> = fiber
    let opened: Effect.Effect<Events, LlmError> | undefined
    let opening: ((opened: Effect.Effect<Events, LlmError>) => void) | undefined
    let reader: ((arrived: Effect.Effect<Arr.NonEmptyReadonlyArray<LlmEvent>, Ending>) => void) | undefined
    /** Since when a reader waits, while one does; else, where the reader has a clock, since when nobody reads. */
    let sinceMs = 0
    let pullNext: (() => void) | undefined
    let left: Arrived | undefined
    let hasOutput = false
    /** The answer is complete: a clock that runs out afterwards ends the stream, and fails nothing. */
    let isWhole = false
    let end: Effect.Effect<Arr.NonEmptyReadonlyArray<LlmEvent>, Ending> | undefined
    let timer: Timer | undefined
    /** When the timer rings, while it runs. */
    let ringsMs = Number.POSITIVE_INFINITY

    const note = (events: ReadonlyArray<LlmEvent>) => {
      for (const event of events) {
        if (event.type === "text-delta") text.add(event.delta)
        if (event.type === "response-finish") isWhole = true
        if (!hasOutput && isOutput(event)) begin()
      }
    }

    /** The first output has come: from here on silence counts. */
    const begin = () => {
      hasOutput = true
      if (clocks.idle !== undefined) arm()
    }

    /** Hands what was pulled to the reader, or keeps it for the next one. */
    const deliver = (arrived: Arrived) => {
      if (end !== undefined) return
      const waiting = reader
      reader = undefined
      if (clocks.reader !== undefined) sinceMs = monotonicMs(living)
      if (Exit.isSuccess(arrived)) note(arrived.value)
      else {
        end = arrived
        stopTimer(timer)
      }
      if (waiting === undefined) left = arrived
      else waiting(arrived)
    }

    const asked: Effect.Effect<void> = Effect.callback((resume) => {
      if (reader !== undefined) return resume(Effect.void)
      pullNext = () => resume(Effect.void)
    })

    const serve = (pull: Events): Effect.Effect<void> =>
      Effect.matchCauseEffect(
        Effect.flatMap(asked, () => pull),
        {
          onSuccess: (events) => {
            deliver(Exit.succeed(events))
            return serve(pull)
          },
          onFailure: (cause) => Effect.sync(() => deliver(Exit.failCause(cause))),
        },
      )

    const read: Events = Effect.callback((resume) => {
      if (left !== undefined) {
        const arrived = left
        left = undefined
        return resume(arrived)
      }
      if (end !== undefined) return resume(end)
      reader = resume
      sinceMs = monotonicMs(living)
      pullNext?.()
      return Effect.sync(() => {
        reader = undefined
        sinceMs = monotonicMs(living)
      })
    })

    const settle = (result: Effect.Effect<Events, LlmError>) => {
      opened ??= result
      opening?.(opened)
    }

    const expire = (clock: CallClock) => {
      stopTimer(timer)
      const released = Effect.andThen(
        Effect.suspend(() => Fiber.interrupt(running)),
        Scope.close(source, Exit.void),
      )
      if (isWhole) return leave(Effect.andThen(released, Cause.done()))
      const failing = Effect.andThen(released, failureOf(clock))
      if (opened !== undefined) return leave(failing)
      end = failing
      settle(failing)
    }

    /** Ends an open stream: for the reader that waits, and for all that come. */
    const leave = (ending: Effect.Effect<never, Ending>) => {
      end = ending
      if (reader !== undefined) reader(ending)
      else Effect.runForkWith(living.context)(Effect.ignore(ending))
    }

    /** The clock is marked first, so that what it ends can tell by what it was ended. */
    const failureOf = (clock: CallClock): Effect.Effect<never, LlmError> => {
      const reason = clock.expire()
      let error: LlmError | undefined
      return Effect.suspend(() => Effect.fail((error ??= timeoutFailure(context, reason, name, `${text}`))))
    }

    /** Waits until the first of the clocks may have run out. The time that a slow reader takes is not the provider's silence. */
    const arm = () => {
      if (end !== undefined) return
      const nowMs = monotonicMs(living)
      let nextMs = Number.POSITIVE_INFINITY
      const isOver = (clock: CallClock, endsMs: number): boolean => {
        nextMs = Math.min(nextMs, endsMs)
        if (nowMs < endsMs) return false
        expire(clock)
        return true
      }
      for (const clock of bounding()) if (isOver(clock, clock.endsMs)) return
      const { idle } = clocks
      if (idle !== undefined && hasOutput) {
        if (isOver(idle, (reader === undefined ? nowMs : sinceMs) + idle.limitMs)) return
      }
      if (clocks.reader !== undefined && opened !== undefined) {
        if (isOver(clocks.reader, (reader === undefined ? sinceMs : nowMs) + clocks.reader.limitMs)) return
      }
      // At least one: a rest below what the clock can tell would ring again at the same moment, without end.
      nextMs = Math.max(nowMs + 1, nextMs)
      // One that rings before looks again then: most streams are over before any of their clocks.
      if (nextMs >= ringsMs) return
      stopTimer(timer)
      timer = startTimer(living, nextMs - nowMs, ring)
      ringsMs = nextMs
    }

    const ring = () => {
      ringsMs = Number.POSITIVE_INFINITY
      arm()
    }

    const bounding = (): ReadonlyArray<CallClock> =>
      clocks.firstOutput === undefined || hasOutput ? clocks.whole : [...clocks.whole, clocks.firstOutput]

    const running = Effect.runForkWith(contextWithin(fiber, context))(
      Effect.matchCauseEffect(
        Effect.withFiber((own) => {
          living = own
          return open(source, own)
        }),
        {
          onFailure: (cause) =>
            Effect.sync(() => {
              stopTimer(timer)
              end ??= Exit.failCause(cause)
              settle(Effect.failCause(cause))
            }),
          onSuccess: (pull) => {
            // A stream that had to begin in time has begun.
            if (clocks.firstOutput !== undefined) begin()
            settle(Effect.succeed(read))
            if (clocks.reader !== undefined) {
              sinceMs = monotonicMs(living)
              // Where nobody waits yet, the opener does this: an end needs the fiber that is being made here.
              if (opening !== undefined) arm()
            }
            return serve(pull)
          },
        },
      ),
    )

    // A fiber that was ended from outside cannot report it.
    running.addObserver((exit) => {
      if (Exit.isSuccess(exit)) return
      settle(Effect.failCause(exit.cause))
      deliver(Exit.failCause(exit.cause))
    })

    const release = Effect.suspend(() => {
      stopTimer(timer)
      return Fiber.interrupt(running)
    })

    return Effect.flatMap(Scope.addFinalizer(scope, release), () =>
      Effect.callback<Events, LlmError>((resume) => {
        if (opened === undefined) opening = resume
        else {
          resume(opened)
          if (clocks.reader !== undefined) arm()
        }
        // One that begins after the end finds that the stream has ended.
        for (const clock of bounding()) clock.whenRunning(arm)
        return release
      }),
    )
  })
