/** What policies do with an error: the error table, read at a place of the stack where a deadline may be over or not. */
import { isExpiry } from "../../call/CallClock.ts"
import { type LlmError, type LlmErrorReason, verdict, verdicts } from "../../model/LlmError.ts"

/**
 * A `total` deadline ends the call for everything within it. For a policy around it, it bounded only one attempt or target,
 * and is a timeout like the others. Policies ask the clocks around themselves which it is.
 */
const isDeadline = (reason: LlmErrorReason): boolean =>
  reason._tag === "TimeoutError" && reason.clock === "total" && isExpiry(reason)

/** Whether another target may do better. */
export const mayFallBack = (reason: LlmErrorReason): boolean =>
  isDeadline(reason) ? verdicts.TimeoutError.fallsBack : verdict(reason).fallsBack

/** How often another attempt may help: never, once in a call, or always. */
export const retriesOf = ({ reason }: LlmError): "never" | "once" | "always" =>
  isDeadline(reason) ? verdicts.TimeoutError.retries : verdict(reason).retries
