/** What happens during a call, as it happens: spans, logs and metrics are made of these. Nothing in them can be written. */
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { LlmError } from "../model/LlmError.ts"
import type { AttemptRecord, ResponseMetadata } from "../model/LlmResponse.ts"

/** The states of a circuit breaker: calls pass; none pass; one call tries whether the target is well again. */
export type CircuitState = "Closed" | "Open" | "Probing"

/** How a call ended: with an answer, an error, a defect (a bug), or because nobody wanted it any more. */
export type CallEnd =
  | { readonly end: "answered"; readonly metadata: ResponseMetadata }
  | { readonly end: "failed"; readonly error: LlmError }
  | { readonly end: "died"; readonly defect: unknown }
  | { readonly end: "aborted" }

/**
 * One event of a call. `attempt` numbers the attempts of a call from 0, in the order in which they began.
 *
 * - `attempt-start`: a request is about to be sent. `record` is what is known of it, `telemetryName` its provider's name in traces,
 *   `url` where it goes; undefined for one that is refused, or that a provider from functions answers.
 * - `first-output`: the first piece of its answer came, `afterMs` milliseconds after it began.
 * - `attempt-end`: it ended, or it was refused without a request. `record` is final; `exit` is how it ended: an interruption
 *   where nobody waited for it any more, a defect where it died.
 * - `queued`: the call asks for a permit, and waits if there is none.
 * - `permit`: the call waited `waitedMs` for a permit and has it now.
 * - `retry`: the attempt failed with `error`; after `waitMs` milliseconds the call tries again.
 * - `hedge`: the request has had no output for `afterMs` milliseconds; a second one is sent beside it.
 * - `fallback`: a target failed with `error`; `provider` is asked next.
 * - `circuit`: the breaker of `provider` and `model` changed its state.
 * - `call-end`: the call has ended, as `end` says; `exit` is the same as a value of Effect. Only `withObserver` and `onEvent`
 *   are told.
 */
export type CallEvent =
  | {
      readonly type: "attempt-start"
      readonly attempt: number
      readonly record: AttemptRecord
      readonly telemetryName: string
      readonly url: string | undefined
    }
  | { readonly type: "first-output"; readonly attempt: number; readonly afterMs: number }
  | {
      readonly type: "attempt-end"
      readonly attempt: number
      readonly record: AttemptRecord
      readonly exit: Exit.Exit<unknown, unknown>
    }
  | { readonly type: "queued" }
  | { readonly type: "permit"; readonly waitedMs: number }
  | { readonly type: "retry"; readonly error: LlmError; readonly waitMs: number; readonly retry: number }
  | { readonly type: "hedge"; readonly afterMs: number }
  | { readonly type: "fallback"; readonly error: LlmError; readonly provider: string }
  | {
      readonly type: "circuit"
      readonly provider: string
      readonly model: string | undefined
      readonly from: CircuitState
      readonly to: CircuitState
    }
  | (CallEnd & { readonly type: "call-end"; readonly exit: Exit.Exit<unknown, LlmError> })

/** Is told every event of a call. It must be quick and must not throw; the fiber is the one in which the event happened. */
export type CallObserver = (event: CallEvent, fiber: Fiber.Fiber<unknown, unknown>) => void
