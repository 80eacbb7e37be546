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

/** What a provider told of a failure. `message` and `body`, an excerpt, are at most 2,000 characters long. */
const wireFields = {
  message: Schema.String,
  status: Schema.optional(Schema.Finite),
  code: Schema.optional(Schema.String),
  type: Schema.optional(Schema.String),
  requestId: Schema.optional(Schema.String),
  retryAfterMs: Schema.optional(Schema.Finite),
  /** The provider's `x-should-retry`, which overrules the table above. */
  shouldRetry: Schema.optional(Schema.Boolean),
  body: Schema.optional(Schema.String),
}

/** What the system said, as data: its message holds no secret, and nothing of the request hangs on it. */
export const SystemCause = Schema.Struct({
  name: Schema.String,
  message: Schema.String,
  code: Schema.optional(Schema.String),
})
export type SystemCause = typeof SystemCause.Type

/** No response: no such name, refused or reset, TLS failed. `code` is the system's, and `cause` what it said. */
export class ConnectionError extends Schema.TaggedError<ConnectionError>()("ConnectionError", {
  ...wireFields,
  cause: Schema.optional(SystemCause),
}) {}

/**
 * Which clock ran out: the wait for the first permit (`queue`), one request from its sending to its end (`attempt`), the
 * wait for its headers, for its first piece of output, or for the next one (`idle`), a program that does not read on
 * (`reader`), or the whole call (`total`).
 */
export const TimeoutClock = Schema.Literals(["queue", "attempt", "headers", "first-output", "idle", "reader", "total"])
export type TimeoutClock = typeof TimeoutClock.Type

/** `clock` ran for `limitMs` without what it waits for. */
export class TimeoutError extends Schema.TaggedError<TimeoutError>()("TimeoutError", {
  ...wireFields,
  clock: TimeoutClock,
  limitMs: Schema.Finite,
}) {}

/** Too many requests or tokens for now: it succeeds when sent later. */
export class RateLimitError extends Schema.TaggedError<RateLimitError>()("RateLimitError", wireFields) {}

/**
 * There is no money or budget left: only a person can fix that. `scope` says whose: `user` is the budget of one end user
 * or tag of this request (LiteLLM), so that other requests with the same key still succeed; otherwise it is the account's.
 */
export class QuotaExceededError extends Schema.TaggedError<QuotaExceededError>()("QuotaExceededError", {
  ...wireFields,
  scope: Schema.optional(Schema.Literals(["account", "user"])),
}) {}

/** The provider has no capacity at the moment (503, 529). */
export class OverloadedError extends Schema.TaggedError<OverloadedError>()("OverloadedError", wireFields) {}

/** The provider failed (500, 502, 504). */
export class ServerError extends Schema.TaggedError<ServerError>()("ServerError", wireFields) {}

/**
 * The answer broke off before the provider's own terminal signal, or its provider gave it up (a finish reason such as
 * `abort`); `LlmError.text` holds what had come.
 */
export class StreamInterruptedError extends Schema.TaggedError<StreamInterruptedError>()(
  "StreamInterruptedError",
  wireFields,
) {}

/** A success that cannot be read. `position` says where: a byte offset, an event number, or a path in the body. */
export class InvalidResponseError extends Schema.TaggedError<InvalidResponseError>()("InvalidResponseError", {
  ...wireFields,
  position: Schema.optional(Schema.String),
}) {}

/** 401: the key is missing, wrong or revoked. */
export class AuthenticationError extends Schema.TaggedError<AuthenticationError>()("AuthenticationError", {
  ...wireFields,
  /** The key is asked for before each request, and is another one by now: worth one more request. */
  isKeyRenewed: Schema.optional(Schema.Boolean),
}) {}

/** 403: the key is right but may not do this. */
export class PermissionDeniedError extends Schema.TaggedError<PermissionDeniedError>()(
  "PermissionDeniedError",
  wireFields,
) {}

/** The model or deployment does not exist, or not for this key. */
export class ModelNotFoundError extends Schema.TaggedError<ModelNotFoundError>()("ModelNotFoundError", wireFields) {}

/** The request and the answer it asks for do not fit the model's context window. */
export class ContextLengthExceededError extends Schema.TaggedError<ContextLengthExceededError>()(
  "ContextLengthExceededError",
  wireFields,
) {}

/** The provider's filter refused the prompt. `categories` are the names of the filters that fired, as the provider writes them. */
export class ContentFilterError extends Schema.TaggedError<ContentFilterError>()("ContentFilterError", {
  ...wireFields,
  categories: Schema.Array(Schema.String),
}) {}

/** The request is wrong at `parameter`. `otherTargetMayTake`: it is right, but this target cannot take a part of it. */
export class InvalidRequestError extends Schema.TaggedError<InvalidRequestError>()("InvalidRequestError", {
  ...wireFields,
  parameter: Schema.optional(Schema.String),
  otherTargetMayTake: Schema.optional(Schema.Boolean),
}) {}

/** A value was asked for, and the answer reached its token limit before the value was whole. Raise `maxTokens`. */
export class OutputLimitError extends Schema.TaggedError<OutputLimitError>()("OutputLimitError", wireFields) {}

/** A tool failed in a run with `onToolError: "fail"`. `tool` is its name, `toolCallId` the call. */
export class ToolError extends Schema.TaggedError<ToolError>()("ToolError", {
  ...wireFields,
  tool: Schema.String,
  toolCallId: Schema.String,
}) {}

/** This library's breaker is open for the target: no request was made. `retryAfterMs` is when it lets a probe through. */
export class CircuitOpenError extends Schema.TaggedError<CircuitOpenError>()("CircuitOpenError", wireFields) {}

/** A setting is missing or malformed. `setting` is the variable or option; the message says what to write. */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>()("ConfigurationError", {
  message: Schema.String,
  setting: Schema.String,
}) {}

/** Why a call failed: one tagged class for each kind of failure. */
export const LlmErrorReason = Schema.Union([
  ConnectionError,
  TimeoutError,
  RateLimitError,
  QuotaExceededError,
  OverloadedError,
  ServerError,
  StreamInterruptedError,
  InvalidResponseError,
  AuthenticationError,
  PermissionDeniedError,
  ModelNotFoundError,
  ContextLengthExceededError,
  ContentFilterError,
  InvalidRequestError,
  CircuitOpenError,
  OutputLimitError,
  ToolError,
  ConfigurationError,
])
/** Why a call failed: one tagged class for each kind of failure. */
export type LlmErrorReason = typeof LlmErrorReason.Type

/** A reason's tag: the `errorType` of the promise surface. */
export type ErrorType = LlmErrorReason["_tag"]

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
  OutputLimitError: { retries: "never", fallsBack: false },
  ToolError: { retries: "never", fallsBack: false },
  ConfigurationError: { retries: "never", fallsBack: false },
}

/** The verdict on one reason: the table, but for the call's own deadline and a provider's `x-should-retry`. */
export const verdict = (reason: LlmErrorReason): Verdict => {
  if (reason._tag === "TimeoutError" && reason.clock === "total") return { retries: "never", fallsBack: false }
  const fromTable = verdicts[reason._tag]
  if (reason._tag === "AuthenticationError" && reason.isKeyRenewed === true) return { ...fromTable, retries: "once" }
  if (reason._tag === "InvalidRequestError" && reason.otherTargetMayTake) return { ...fromTable, fallsBack: true }
  if (reason._tag === "ConfigurationError" || reason.shouldRetry === undefined) return fromTable
  if (!reason.shouldRetry) return { ...fromTable, retries: "never" }
  // Money and keys do not come back by waiting, whatever a proxy says.
  return reason._tag === "QuotaExceededError" || reason._tag === "AuthenticationError"
    ? fromTable
    : { ...fromTable, retries: "always" }
}

/** What only a new call can try again. */
const isOverForThisCall = (reason: LlmErrorReason): boolean =>
  reason._tag === "TimeoutError" || reason._tag === "CircuitOpenError"

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
   * this call, and policies retry neither within it; a new call has a new deadline, and circuits close again.
   */
  get isRetryable(): boolean {
    const { reason } = this
    return isOverForThisCall(reason) || verdict(reason).retries !== "never"
  }

  /** How long the provider asked to wait, if it said. */
  get retryAfter(): Duration.Duration | undefined {
    const { reason } = this
    return reason._tag === "ConfigurationError" || reason.retryAfterMs === undefined
      ? undefined
      : Duration.millis(reason.retryAfterMs)
  }

  /** What Node prints: the stack, then the fields that matter, on a few lines however large the error is. */
  override [NodeInspectSymbol](): string {
    const { attempts, model, provider, reason, stack, text } = this
    const wire = reason._tag === "ConfigurationError" ? undefined : reason
    const facts: Readonly<Record<string, string | number | undefined>> = {
      reason: reason._tag,
      provider,
      model,
      status: wire?.status,
      code: wire?.code,
      requestId: wire?.requestId,
      retryAfterMs: wire?.retryAfterMs,
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
