/**
 * The one error of this library, and the tree of its reasons:
 *
 * ```
 * LlmError { reason, provider, model, attempts, text }
 *   ConnectionError          no response came: DNS, refused, reset, TLS            retried, falls back
 *   TimeoutError             one of the seven clocks ran out                         retried, falls back; `total`: neither
 *   RateLimitError           too fast                                              retried, falls back
 *   QuotaExceededError       out of money; waiting does not help                   falls back
 *   OverloadedError          the provider has no capacity now                      retried, falls back
 *   ServerError              the provider failed                                   retried, falls back
 *   StreamInterruptedError   the stream ended before the provider said so          retried, falls back (before output)
 *   InvalidResponseError     an answer that cannot be read                         retried once, falls back
 *   AuthenticationError      the key is wrong                                      falls back, with a warning
 *   PermissionDeniedError    the key may not do this                               falls back, with a warning
 *   ModelNotFoundError       no such model or deployment                           falls back
 *   ContextLengthExceededError  the request is too long for the model              falls back
 *   ContentFilterError       the provider refuses the prompt                       falls back
 *   OutputLimitError         the value asked for was cut off at the token limit
 *   ToolError                a tool failed, and the run was to end then
 *   InvalidRequestError      the request is wrong (falls back where only this target cannot take a part of it)
 *   CircuitOpenError         our own breaker refused to send                       falls back
 *   BudgetExceededError      our own budget has no room for the request           falls back
 *   ConfigurationError       a setting is missing or malformed
 * ```
 *
 * Recover from one with `Effect.catchReason("LlmError", "RateLimitError", …)`. An error never holds a key.
 */
import * as Duration from "effect/Duration"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { AttemptRecord } from "./LlmResponse.ts"
import { LlmErrorReason, type SystemCause, type TimeoutClock } from "./reasons/ErrorReasons.ts"

export * from "./reasons/ErrorReasons.ts"

/** A reason's tag: the `errorType` of the promise surface. */
export type ErrorType = LlmErrorReason["_tag"]

/** What only some reasons tell. Each of them can be read so: what it does not tell is undefined. */
interface Told {
  readonly message: string
  readonly clock?: TimeoutClock
  readonly isKeyRenewed?: boolean | undefined
  readonly otherTargetMayTake?: boolean | undefined
  readonly shouldRetry?: boolean | undefined
  readonly retryAfterMs?: number | undefined
  readonly status?: number | undefined
  readonly code?: string | undefined
  readonly requestId?: string | undefined
}

/** What policies do with a reason: how often it is worth trying again, and whether another target may do better. */
export interface Verdict {
  /** How often a policy tries again within one call. */
  readonly retries: "never" | "once" | "always"
  /** True where another target may do better. */
  readonly fallsBack: boolean
}

/** The error table (law 2: one fault, one meaning). `docs/errors.md` is held to it by a test. */
export const verdicts: Readonly<Record<ErrorType, Verdict>> = {
  ConnectionError: { retries: "always", fallsBack: true },
  TimeoutError: { retries: "always", fallsBack: true },
  RateLimitError: { retries: "always", fallsBack: true },
  QuotaExceededError: { retries: "never", fallsBack: true },
  OverloadedError: { retries: "always", fallsBack: true },
  ServerError: { retries: "always", fallsBack: true },
  StreamInterruptedError: { retries: "always", fallsBack: true },
  InvalidResponseError: { retries: "once", fallsBack: true },
  AuthenticationError: { retries: "never", fallsBack: true },
  PermissionDeniedError: { retries: "never", fallsBack: true },
  ModelNotFoundError: { retries: "never", fallsBack: true },
  ContextLengthExceededError: { retries: "never", fallsBack: true },
  ContentFilterError: { retries: "never", fallsBack: true },
  InvalidRequestError: { retries: "never", fallsBack: false },
  CircuitOpenError: { retries: "never", fallsBack: true },
  // Each request is held to the budget by the price of its own target: a cheaper one may fit, and no other is asked.
  BudgetExceededError: { retries: "never", fallsBack: true },
  OutputLimitError: { retries: "never", fallsBack: false },
  ToolError: { retries: "never", fallsBack: false },
  ConfigurationError: { retries: "never", fallsBack: false },
}

/** The verdict on one reason: the table, but for the call's own deadline and a provider's `x-should-retry`. */
export const verdict = (reason: LlmErrorReason): Verdict => {
  const { clock, isKeyRenewed, otherTargetMayTake, shouldRetry }: Told = reason
  if (clock === "total") return { retries: "never", fallsBack: false }
  const fromTable = verdicts[reason._tag]
  if (isKeyRenewed === true) return { ...fromTable, retries: "once" }
  if (otherTargetMayTake === true) return { ...fromTable, fallsBack: true }
  if (shouldRetry === undefined) return fromTable
  if (!shouldRetry) return { ...fromTable, retries: "never" }
  // Money and keys do not come back by waiting, whatever a proxy says.
  return reason._tag === "QuotaExceededError" || reason._tag === "AuthenticationError"
    ? fromTable
    : { ...fromTable, retries: "always" }
}

/** What only a new call can try again. */
const isOverForThisCall = (reason: LlmErrorReason): boolean =>
  reason._tag === "TimeoutError" ||
  reason._tag === "CircuitOpenError" ||
  (reason._tag === "BudgetExceededError" && reason.retryAfterMs !== undefined)

/**
 * Everything that can go wrong with a call. `reason` says what, `attempts` what was tried, `text` what had already been
 * received of the answer, `warnings` what had been dropped from the request (both absent where there is nothing to tell).
 */
export class LlmError extends Schema.TaggedError<LlmError>()("LlmError", {
  reason: LlmErrorReason,
  provider: Schema.String,
  model: Schema.optional(Schema.String),
  attempts: Schema.Array(AttemptRecord),
  text: Schema.optional(Schema.String),
  warnings: Schema.optional(Schema.Array(Schema.String)),
}) {
  override get message(): string {
    return this.reason.message
  }

  /** What the system said, where the connection failed. */
  override get cause(): SystemCause | undefined {
    return this.reason._tag === "ConnectionError" ? this.reason.cause : undefined
  }

  /**
   * True where the program may succeed with the same request later. The call's own deadline and an open circuit end
   * this call, and policies retry neither within it; a new call has a new deadline, and circuits close again. So does a
   * budget that time frees.
   */
  get isRetryable(): boolean {
    const { reason } = this
    return isOverForThisCall(reason) || verdict(reason).retries !== "never"
  }

  /** How long the provider asked to wait, if it said. */
  get retryAfter(): Duration.Duration | undefined {
    const { retryAfterMs }: Told = this.reason
    return retryAfterMs === undefined ? undefined : Duration.millis(retryAfterMs)
  }

  /** What Node prints: the stack, then the fields that matter, on a few lines however large the error is. */
  override [NodeInspectSymbol](): string {
    const { attempts, model, provider, reason, stack, text } = this
    const { code, requestId, retryAfterMs, status }: Told = reason
    const facts: Readonly<Record<string, string | number | undefined>> = {
      reason: reason._tag,
      provider,
      model,
      status,
      code,
      requestId,
      retryAfterMs,
      attempts: attempts.length,
      text: text === undefined ? undefined : `${text.length} characters`,
    }
    const lines = Object.entries(facts).map(([name, fact]) => (fact === undefined ? "" : `\n  ${name}: ${fact}`))
    return `${stack ?? `LlmError: ${this.message}`}${lines.join("")}`
  }
}

/** True for an `LlmError`, across realms and copies of this library. */
export const isLlmError = (error: unknown): error is LlmError =>
  Predicate.isTagged(error, "LlmError") && Predicate.hasProperty(error, "reason")
