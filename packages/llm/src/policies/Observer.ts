/** Tells a program what happens during each call, as it happens. It changes nothing. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { within } from "../call/CallContext.ts"
import type { CallEnd, CallEvent, CallObserver } from "../call/CallEvent.ts"
import { aroundAnswer, type Outcome } from "./mechanisms/HeldAnswer.ts"
import * as Policy from "./Policy.ts"

/**
 * Calls `observer` with every event of every call (`CallEvent`): queue and permits, attempts, first output, retries with
 * their waits, fallbacks, changes of circuits, and the call's end. It should be quick; nobody waits for a promise that it
 * returns. What it throws, or what that promise rejects with, is dropped, so that watching a call cannot break it.
 */
export const withObserver = (observer: (event: CallEvent) => unknown): Policy.ServicePolicy => {
  const observe: CallObserver = (event) => {
    Result.try(() => {
      const told = observer(event)
      // A rejection that nobody handles would end the process.
      if (Predicate.isPromiseLike(told)) told.then(ignore, ignore)
    })
  }
  return Policy.mechanism(() =>
    Effect.succeed(
      aroundAnswer({
        begin: () => Result.succeed(undefined),
        inside: (effect, _, context) => within(effect, { ...context, observers: [...context.observers, observe] }),
        end: (_, outcome, __, fiber) => {
          observe({ type: "call-end", exit: outcome.exit, ...endOf(outcome) }, fiber)
          return undefined
        },
      }),
    ),
  )
}

const ignore = () => {}

const endOf = (outcome: Outcome): CallEnd => {
  switch (outcome._tag) {
    case "Answered":
      return { end: "answered", metadata: outcome.metadata }
    case "Failed":
      return { end: "failed", error: outcome.error }
    case "Died":
      return { end: "died", defect: outcome.defect }
    case "Aborted":
      return { end: "aborted" }
  }
}
