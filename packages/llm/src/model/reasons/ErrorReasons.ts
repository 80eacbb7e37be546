/** Why a call failed: one class for each kind of failure. What policies do about it is in `LlmError.ts`. */
import * as Schema from "effect/Schema"

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

/**
 * `withBudget`: the request's estimate does not fit into what is left, so no request was made. Amounts are in `unit`; `used`
 * and `reserved` together leave less than `estimate` of `limit`. With `tag` the budget is that of one value of a tag.
 * `retryAfterMs` says when time frees enough of it, where it does.
 */
export class BudgetExceededError extends Schema.TaggedError<BudgetExceededError>()("BudgetExceededError", {
  ...wireFields,
  budget: Schema.String,
  unit: Schema.Literals(["usd", "tokens"]),
  limit: Schema.Finite,
  used: Schema.Finite,
  reserved: Schema.Finite,
  estimate: Schema.optional(Schema.Finite),
  tag: Schema.optional(Schema.Struct({ name: Schema.String, value: Schema.optional(Schema.String) })),
}) {}

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
  BudgetExceededError,
  OutputLimitError,
  ToolError,
  ConfigurationError,
])
/** Why a call failed: one tagged class for each kind of failure. */
export type LlmErrorReason = typeof LlmErrorReason.Type
