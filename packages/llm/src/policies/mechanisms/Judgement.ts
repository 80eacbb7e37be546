/** What policies do with an error: the error table, read at a place of the stack where a deadline may be over or not. */
import { isExpiry } from "../../call/CallClock.ts"
import {
  type ErrorType,
  type LlmError,
  type LlmErrorReason,
  type TimeoutClock,
  type Verdict,
  verdict,
  verdicts,
} from "../../model/LlmError.ts"

/**
 * A `total` deadline ends the call for everything within it. For a policy around it, it bounded only one attempt or target,
 * and is a timeout like the others. Policies ask the clocks around themselves which it is.
 */
const verdictOf = (reason: LlmErrorReason): Verdict => (isExpiry(reason) ? verdicts.TimeoutError : verdict(reason))

/** Whether another target may do better. */
export const mayFallBack = (reason: LlmErrorReason): boolean => verdictOf(reason).fallsBack

/** How often another attempt may help: never, once in a call, or always. */
export const retriesOf = ({ reason }: LlmError): "never" | "once" | "always" => verdictOf(reason).retries

/**
 * The longest wait that a service is believed, a day in milliseconds: what services tell of rates is seconds to minutes
 * (OpenAI, Anthropic, Azure), and of daily limits up to 24 hours (OpenAI's requests a day, Groq). A longer one is a mistake, or a
 * limit of a month, and no reason never to ask again.
 */
export const longestToldMs = 86_400_000

/** Outcomes that say that the target is unhealthy. */
const unhealthy: ReadonlySet<ErrorType> = new Set<ErrorType>([
  "ConnectionError",
  "TimeoutError",
  "OverloadedError",
  "ServerError",
  "StreamInterruptedError",
  "InvalidResponseError",
])

/** Clocks that run out because of the caller, not because of the target. */
const isCallers: ReadonlySet<TimeoutClock> = new Set(["queue", "reader"])

/** Whether a failure says that the target is unhealthy, and not that the request is wrong or too early. */
export const isUnhealthy = (reason: LlmErrorReason): boolean =>
  unhealthy.has(reason._tag) && !(reason._tag === "TimeoutError" && isCallers.has(reason.clock))
