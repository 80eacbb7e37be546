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
 * Opens a stream in a fiber of its own, under clocks. `open` gets the scope that closes when a clock ends the stream;
 * `name` is the provider's. Succeeds once it has opened.
 */
export const timedStream = (
  open: (scope: Scope.Scope) => Effect.Effect<Events, LlmError>,
  scope: Scope.Scope,
  context: CallContext,
  clocks: StreamClocks,
  name: string,
): Effect.Effect<Events, LlmError> =>
  Effect.withFiber((fiber) => {
    const source = Scope.forkUnsafe(scope)
    const text = new GrowingText()
    const stops: Array<() => void> = []
    let opened: Effect.Effect<Events, LlmError> | undefined
    let opening: ((opened: Effect.Effect<Events, LlmError>) => void) | undefined
    let reader: ((arrived: Effect.Effect<Arr.NonEmptyReadonlyArray<LlmEvent>, Ending>) => void) | undefined
    let waitingSinceMs: number | undefined
    /** Since when nobody reads, while nobody does. */
    let unreadSinceMs: number | undefined
    let pullNext: (() => void) | undefined
    let left: Arrived | undefined
    let hasOutput = false
    /** The answer is complete: a clock that runs out afterwards ends the stream, and fails nothing. */
    let isWhole = false
    let end: Effect.Effect<Arr.NonEmptyReadonlyArray<LlmEvent>, Ending> | undefined
    let timer: Timer | undefined

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
      waitingSinceMs = undefined
      if (clocks.reader !== undefined) unreadSinceMs = monotonicMs(fiber)
      if (Exit.isSuccess(arrived)) note(arrived.value)
      else {
        end = arrived
        stop()
      }
      const waiting = reader
      reader = undefined
      if (waiting === undefined) left = arrived
      else waiting(arrived)
    }

    const asked: Effect.Effect<void> = Effect.callback((resume) => {
      if (reader !== undefined) return resume(Effect.void)
      pullNext = () => resume(Effect.void)
    })

    const serve = (pull: Events): Effect.Effect<void> =>
      Effect.flatMap(Effect.andThen(asked, Effect.exit(pull)), (arrived) => {
        deliver(arrived)
        return Exit.isSuccess(arrived) ? serve(pull) : Effect.void
      })

    const read: Events = Effect.callback((resume) => {
      if (left !== undefined) {
        const arrived = left
        left = undefined
        return resume(arrived)
      }
      if (end !== undefined) return resume(end)
      reader = resume
      waitingSinceMs = monotonicMs(fiber)
      unreadSinceMs = undefined
      const wake = pullNext
      pullNext = undefined
      wake?.()
      return Effect.sync(() => {
        reader = undefined
        waitingSinceMs = undefined
        unreadSinceMs = monotonicMs(fiber)
      })
    })

    const settle = (result: Effect.Effect<Events, LlmError>) => {
      if (opened !== undefined) return
      opened = result
      opening?.(result)
    }

    const stop = () => {
      stopTimer(timer)
      for (const each of stops.splice(0)) each()
    }

    const expire = (clock: CallClock) => {
      stop()
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
      else Effect.runForkWith(fiber.context)(Effect.ignore(ending))
    }

    /** The clock is marked first, so that what it ends can tell by what it was ended. */
    const failureOf = (clock: CallClock): Effect.Effect<never, LlmError> => {
      const reason = clock.expire()
      let error: LlmError | undefined
      return Effect.suspend(() => Effect.fail((error ??= timeoutFailure(context, reason, name, `${text}`))))
    }

    /** Waits until the first of the clocks may have run out. The time that a slow reader takes is not the provider's silence. */
    const arm = () => {
      stopTimer(timer)
      timer = undefined
      if (end !== undefined) return
      const nowMs = monotonicMs(fiber)
      let nextMs = Number.POSITIVE_INFINITY
      for (const clock of bounding()) {
        if (nowMs >= clock.endsMs) return expire(clock)
        nextMs = Math.min(nextMs, clock.endsMs)
      }
      if (clocks.idle !== undefined && hasOutput) {
        const silentSinceMs = waitingSinceMs ?? nowMs
        if (nowMs >= silentSinceMs + clocks.idle.limitMs) return expire(clocks.idle)
        nextMs = Math.min(nextMs, silentSinceMs + clocks.idle.limitMs)
      }
      if (clocks.reader !== undefined && waitingSinceMs === undefined && opened !== undefined) {
        const unreadForMs = nowMs - (unreadSinceMs ??= nowMs)
        if (unreadForMs >= clocks.reader.limitMs) return expire(clocks.reader)
        nextMs = Math.min(nextMs, nowMs + clocks.reader.limitMs - unreadForMs)
      } else if (clocks.reader !== undefined) nextMs = Math.min(nextMs, nowMs + clocks.reader.limitMs)
      if (nextMs < Number.POSITIVE_INFINITY) timer = startTimer(fiber, Math.max(1, nextMs - nowMs), arm)
    }

    const bounding = (): ReadonlyArray<CallClock> =>
      clocks.firstOutput === undefined || hasOutput ? clocks.whole : [...clocks.whole, clocks.firstOutput]

    const running = Effect.runForkWith(contextWithin(fiber, context))(
      Effect.matchCauseEffect(
        Effect.suspend(() => open(source)),
        {
          onFailure: (cause) => Effect.sync(() => settle(Effect.failCause(cause))),
          onSuccess: (pull) => {
            // A stream that had to begin in time has begun.
            if (clocks.firstOutput !== undefined) begin()
            settle(Effect.succeed(read))
            if (clocks.reader !== undefined) arm()
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

    return Effect.andThen(
      Scope.addFinalizer(
        scope,
        Effect.suspend(() => {
          stop()
          return Fiber.interrupt(running)
        }),
      ),
      Effect.callback<Events, LlmError>((resume) => {
        if (opened !== undefined) resume(opened)
        else opening = resume
        for (const clock of bounding()) {
          const leave = clock.whenRunning(arm)
          if (leave !== undefined) stops.push(leave)
        }
        return Effect.suspend(() => {
          stop()
          return Fiber.interrupt(running)
        })
      }),
    )
  })
