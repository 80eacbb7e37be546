/** An attempt of a call of its own, which a test writes to as a provider does. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { type Attempt, type AttemptTarget, openAttempt } from "../../src/call/Attempt.ts"
import { type CallContext, joinCall } from "../../src/call/CallContext.ts"
import type { CallEvent } from "../../src/call/CallEvent.ts"
import type { LlmError } from "../../src/model/LlmError.ts"

export interface Opened {
  readonly attempt: Attempt
  readonly context: CallContext
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** What observers were told so far. */
  readonly events: ReadonlyArray<CallEvent>
}

/** Opens an attempt of a new call, whose limits and target are changed; the error of one that a gate refuses. */
export const opened = (
  target: Partial<AttemptTarget> = {},
  changes: Partial<CallContext> = {},
  request: object = {},
): Effect.Effect<Opened, LlmError> =>
  joinCall((fresh, fiber) => {
    const events: Array<CallEvent> = []
    const observers = [(event: CallEvent) => void events.push(event)]
    const context: CallContext = { ...fresh, observers, ...changes }
    const opening = openAttempt(context, fiber, { provider: "own", model: "m", ...target }, request)
    return Result.isFailure(opening)
      ? Effect.fail(opening.failure)
      : Effect.succeed({ attempt: opening.success, context, fiber, events })
  })

/** The context and the fiber of a new call. */
export const begun: Effect.Effect<{ context: CallContext; fiber: Fiber.Fiber<unknown, unknown> }> = joinCall(
  (context, fiber) => Effect.succeed({ context, fiber }),
)
