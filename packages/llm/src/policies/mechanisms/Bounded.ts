/** An effect that clocks end. It runs in a fiber of its own, which is interrupted when the first of them runs out. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { CallClock } from "../../call/CallClock.ts"
import { type CallContext, contextWithin } from "../../call/CallContext.ts"
import { monotonicMs } from "../../call/Time.ts"
import { LlmError, type TimeoutError } from "../../model/LlmError.ts"
import { startTimer, stopTimer, type Timer } from "../../call/Timer.ts"

const none: ReadonlyArray<never> = []

/** The error of a clock that has ended a call, with the provider asked last, every attempt so far, and the text so far. */
export const timeoutFailure = (context: CallContext, reason: TimeoutError, name: string, text = ""): LlmError =>
  new LlmError({
    reason,
    ...context.ledger.lastTarget(name),
    attempts: context.ledger.attempts(),
    text: text === "" ? undefined : text,
  })

/** The error of one request as that of a call: the same reason, with every attempt of the call so far. */
export const failureOf = ({ model, provider, reason, text, warnings }: LlmError, { ledger }: CallContext): LlmError =>
  new LlmError({ reason, provider, model, attempts: ledger.attempts(), text, warnings })

/**
 * Runs an effect within `context` until one of `clocks` runs out. The fiber begins where the wait for it begins, so that no
 * interruption can come between and leave it to itself, and an effect that is quick starts no timer. The error is made when
 * what the clock ended has ended, so that its attempts tell their whole story. `name` is the provider's, for a call that
 * asked nobody yet.
 */
export const bounded = <A>(
  effect: Effect.Effect<A, LlmError>,
  context: CallContext,
  clocks: ReadonlyArray<CallClock>,
  name: string,
): Effect.Effect<A, LlmError> =>
  Effect.withFiber((fiber) =>
    Effect.callback((resume) => {
      const running = Effect.runForkWith(contextWithin(fiber, context))(effect)
      const ready = running.pollUnsafe()
      if (ready !== undefined) return resume(ready)
      let timer: Timer | undefined
      // A list of just the length that is needed: it is held as long as the call.
      let waits: ReadonlyArray<() => void> = none
      const stop = () => {
        stopTimer(timer)
        for (const leave of waits) leave()
      }
      const ring = (clock: CallClock) => {
        stop()
        const reason = clock.expire()
        resume(
          Effect.andThen(
            Fiber.interrupt(running),
            Effect.suspend(() => Effect.fail(timeoutFailure(context, reason, name))),
          ),
        )
      }
      /** Waits for the clock that runs out first, of those that run. */
      const arm = () => {
        const first = clocks.reduce((one, other) => (other.endsMs < one.endsMs ? other : one))
        stopTimer(timer)
        timer = startTimer(fiber, Math.max(0, first.endsMs - monotonicMs(fiber)), () => ring(first))
      }
      for (const clock of clocks) {
        const leave = clock.whenRunning(arm)
        if (leave !== undefined) waits = waits.concat(leave)
      }
      running.addObserver((exit) => {
        stop()
        resume(exit)
      })
      return Effect.suspend(() => {
        stop()
        return Fiber.interrupt(running)
      })
    }),
  )
