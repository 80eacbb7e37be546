/**
 * One asking, and perhaps a second one beside it: the first that succeeds wins, and the other is interrupted and released
 * before the answer goes on. It does not decide whether there is a second one.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { type CallContext, contextWithin } from "../../call/CallContext.ts"
import { CallOptions } from "../../call/CallOptions.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import { failureOf } from "../mechanisms/Bounded.ts"
import { type Events, startStream } from "../mechanisms/StreamStart.ts"

/** What asks once. It reports its answer, and `close` closes what is then still open. */
export interface Asking<A> {
  readonly effect: (won: (answer: A) => void) => Effect.Effect<void, LlmError>
  readonly close: Effect.Effect<void>
}

/** Begins a second asking within a context, without retries, and reports its end: at once where the race is decided. */
export type Second = (context: CallContext, onEnd: () => void) => void

/** The askings of one race. */
export interface Runners<A> {
  /** Makes an asking. */
  readonly ask: () => Asking<A>
  /** The context of the first one, which may begin a second one. */
  readonly first: (second: Second) => CallContext
}

/** An asking for an answer that comes at once. */
export const askingOnce = <A>(effect: Effect.Effect<A, LlmError>): Asking<A> => ({
  effect: (won) => Effect.map(effect, won),
  close: Effect.void,
})

/**
 * An asking for a stream, which wins with its first output. Its fiber lasts as long as the stream, so that what a provider
 * forks does too.
 */
export const askingStream = (stream: Stream.Stream<LlmEvent, LlmError>, parent: Scope.Scope): Asking<Events> => {
  const scope = Scope.forkUnsafe(parent)
  return {
    effect: (won) =>
      Effect.withFiber((fiber) =>
        Effect.andThen(
          Scope.addFinalizer(scope, Fiber.interrupt(fiber)),
          Effect.flatMap(startStream(stream, scope), (events) => {
            won(events)
            return Effect.never
          }),
        ),
      ),
    close: Scope.close(scope, Exit.void),
  }
}

/** Runs a race. Where both fail, the error is that of the first asking, with the attempts of both. */
export const race = <A>({ ask, first }: Runners<A>): Effect.Effect<A, LlmError> =>
  Effect.withFiber((outer) =>
    Effect.callback<A, LlmError>((resume) => {
      const running = new Map<Asking<A>, Fiber.Fiber<void, LlmError>>()
      let isDecided = false
      let failure: Cause.Cause<LlmError> | undefined
      let isAlone = true

      /** Interrupts all that still run, at once, and waits until each has ended. */
      const release = (): Effect.Effect<void> => {
        isDecided = true
        const left = [...running]
        for (const [, fiber] of left) fiber.interruptUnsafe()
        return Effect.forEach(left, ([asking, fiber]) => Effect.andThen(Fiber.interrupt(fiber), asking.close), {
          discard: true,
        })
      }
      const decide = (result: Effect.Effect<A, LlmError>) => {
        const released = release()
        resume(Effect.andThen(released, result))
      }

      const begin = (context: CallContext, onEnd: () => void, isFirst: boolean) => {
        const asking = ask()
        const effect = asking.effect((answer) => {
          running.delete(asking)
          decide(Effect.succeed(answer))
        })
        const fiber = Effect.runForkWith(contextWithin(outer, context))(
          isFirst ? effect : withoutRetries(effect, outer),
        )
        running.set(asking, fiber)
        fiber.addObserver((exit) => {
          onEnd()
          running.delete(asking)
          if (isDecided || Exit.isSuccess(exit)) return
          const isError = Result.isSuccess(Cause.findError(exit.cause))
          if (isFirst || !isError) failure = exit.cause
          if (running.size > 0 && isError) return
          decide(isAlone ? Effect.failCause(exit.cause) : failed(failure ?? exit.cause, context))
        })
      }

      const second: Second = (context, onEnd) => {
        if (isDecided) return onEnd()
        isAlone = false
        begin(context, onEnd, false)
      }
      begin(first(second), () => {}, true)
      return Effect.suspend(release)
    }),
  )

/** One request is one request: a policy within does not repeat it. */
const withoutRetries = <A, E>(effect: Effect.Effect<A, E>, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<A, E> =>
  Effect.provideService(effect, CallOptions, { ...fiber.getRef(CallOptions), maxRetries: 0 })

/** The failure, whose error tells every attempt of the call so far. */
const failed = (cause: Cause.Cause<LlmError>, context: CallContext): Effect.Effect<never, LlmError> => {
  const found = Cause.findError(cause)
  return Result.isFailure(found) ? Effect.failCause(found.failure) : Effect.fail(failureOf(found.success, context))
}
