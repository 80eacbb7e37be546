/**
 * What a provider says when it fails, and the one reading of it: the same fault gives the same reason whether it came as
 * a status, as an error body under 200, or as an event inside a stream (law 2: one fault, one meaning).
 *
 * The order is: what the provider's own code or type says for certain; then the status; then the types that say little
 * (`api_error`, `server_error`); and the message only where a provider tells it nowhere else. A failure that none of it
 * explains is a `ServerError`, so that it is tried again.
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
} from "../../model/LlmError.ts"
import { type FailureKind, kindOfMessage, kindOfStatus, kindOfToken, kindOfVagueToken } from "./FailureTable.ts"

/**
 * A failure in a provider's own words. `status` is the HTTP status, or the status that the provider wrote into a fault
 * inside a 200 stream or body; absent where it wrote none.
 */
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

/** A status that a provider wrote as its error's code (OpenRouter `429`, LiteLLM `"429"`), if it is one. */
export const statusIn = (code: string | number | undefined): number | undefined => {
  const status = typeof code === "string" && /^[45]\d\d$/.test(code) ? Number(code) : code
  return typeof status === "number" && status >= 400 && status <= 599 ? status : undefined
}

/** A browser tells of a redirect that it does not follow nothing but that there was one: its status is 0. */
const isHiddenRedirect = ({ status }: ProviderFailure): boolean => status === 0

const kindOf = (failure: ProviderFailure): FailureKind => {
  if (isHiddenRedirect(failure)) return "redirect"
  const { code, message, type } = failure
  const status = failure.status !== undefined && failure.status >= 300 ? failure.status : statusIn(code)
  const certain = kindOfToken(code) ?? kindOfToken(type)
  if (certain !== undefined) return certain
  if (failure.categories !== undefined && failure.categories.length > 0) return "content-filter"
  const told = status === undefined ? undefined : kindOfStatus(status)
  const said = told === undefined || status === 403 || status === 429 ? kindOfMessage(message) : undefined
  // Under 403 and 429 an empty account is told by its message alone (xAI); nothing else there overrules the status.
  if (told !== undefined) return said === "quota" ? said : told
  if (said !== undefined) return said
  if (status !== undefined) return "invalid-request"
  return kindOfVagueToken(code) ?? kindOfVagueToken(type) ?? "server"
}

const bodyLength = 2000

/** The reason that this failure is, with everything that the provider and its response told about it. */
export const toReason = (failure: ProviderFailure, context: FailureContext): LlmErrorReason => {
  const fields = {
    message: failure.message,
    ...(failure.status === undefined ? {} : { status: failure.status }),
    ...(failure.code === undefined ? {} : { code: failure.code }),
    ...(failure.type === undefined ? {} : { type: failure.type }),
    ...(context.requestId === undefined ? {} : { requestId: context.requestId }),
    ...(context.retryAfterMs === undefined ? {} : { retryAfterMs: context.retryAfterMs }),
    ...(context.shouldRetry === undefined ? {} : { shouldRetry: context.shouldRetry }),
    ...(context.body === undefined ? {} : { body: context.body.slice(0, bodyLength) }),
  }
  switch (kindOf(failure)) {
    case "rate-limit":
      return new RateLimitError(fields)
    case "quota":
      return new QuotaExceededError(fields)
    case "overloaded":
      return new OverloadedError(fields)
    case "server":
      return new ServerError(fields)
    case "authentication":
      return new AuthenticationError(fields)
    case "permission":
      return new PermissionDeniedError(fields)
    case "model-not-found":
      return new ModelNotFoundError(fields)
    case "context-length":
      return new ContextLengthExceededError(fields)
    case "content-filter":
      return new ContentFilterError({ ...fields, categories: failure.categories ?? [] })
    case "redirect":
      return new InvalidResponseError({
        ...fields,
        message: isHiddenRedirect(failure)
          ? "the provider answered with a redirect, which is not followed"
          : `the provider answered with a redirect (HTTP ${failure.status}), which is not followed: ${failure.message}`,
      })
    case "invalid-request":
      return new InvalidRequestError({
        ...fields,
        ...(failure.parameter === undefined ? {} : { parameter: failure.parameter }),
      })
  }
}
