/** Tells a program what happens during each call, as it happens. It changes nothing. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { within } from "../call/CallContext.ts"
import type { CallEvent, CallObserver } from "../call/CallEvent.ts"
import { aroundAnswer, type Outcome } from "./mechanisms/HeldAnswer.ts"
import * as Policy from "./Policy.ts"

/**
 * Calls `observer` with every event of every call (`CallEvent`): permits, attempts, first output, retries with their waits,
 * fallbacks, changes of circuits, and the call's end. It should be quick; what it throws is dropped, so that watching a call
 * cannot break it.
 */
export const withObserver = (observer: (event: CallEvent) => void): Policy.ServicePolicy => {
  const observe: CallObserver = (event) => void Result.try(() => observer(event))
  return Policy.mechanism(() =>
    Effect.succeed(
      aroundAnswer({
        begin: () => Result.succeed(undefined),
        inside: (effect, _, context) => within(effect, { ...context, observers: [...context.observers, observe] }),
        end: (_, outcome, __, fiber) => {
          observe(endOf(outcome), fiber)
          return undefined
        },
      }),
    ),
  )
}

const endOf = (outcome: Outcome): CallEvent => {
  switch (outcome._tag) {
    case "Answered":
      return { type: "call-end", end: "answered", metadata: outcome.metadata }
    case "Failed":
      return { type: "call-end", end: "failed", error: outcome.error }
    case "Died":
      return { type: "call-end", end: "died", defect: outcome.defect }
    case "Aborted":
      return { type: "call-end", end: "aborted" }
  }
}
