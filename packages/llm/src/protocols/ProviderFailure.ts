/**
 * What a provider says when it fails, and the one reading of it: the same fault gives the same reason whether it came as
 * a status, as an error body under 200, or as an event inside a stream (law 2: one fault, one meaning).
 */
import {
  AuthenticationError,
  ContentFilterError,
  ContextLengthExceededError,
  InvalidRequestError,
  InvalidResponseError,
  type LlmErrorReason,
  ModelNotFoundError,
  OverloadedError,
  PermissionDeniedError,
  QuotaExceededError,
  RateLimitError,
  ServerError,
} from "../LlmError.ts"

/** A failure in a provider's own words. `status` is absent for a fault inside a 200 stream or body. */
export interface ProviderFailure {
  readonly _tag: "ProviderFailure"
  readonly message: string
  readonly status?: number | undefined
  readonly code?: string | undefined
  readonly type?: string | undefined
  readonly parameter?: string | undefined
  /** The content filters that fired, where the failure is a filter's. */
  readonly categories?: ReadonlyArray<string> | undefined
}

/** What the response around the failure told. */
export interface FailureContext {
  readonly requestId?: string | undefined
  readonly retryAfterMs?: number | undefined
  readonly shouldRetry?: boolean | undefined
  readonly body?: string | undefined
}

export declare const toReason: (failure: ProviderFailure, context: FailureContext) => LlmErrorReason
