/** Errors of a `LanguageModel` from another package as our reasons, which decide about retries and fallbacks. */
import * as Duration from "effect/Duration"
import type * as AiError from "effect/ai/AiError"
import {
  AuthenticationError,
  ConnectionError,
  ContentFilterError,
  InvalidRequestError,
  InvalidResponseError,
  type LlmErrorReason,
  OverloadedError,
  PermissionDeniedError,
  QuotaExceededError,
  RateLimitError,
  ServerError,
} from "../../model/LlmError.ts"
import { llmErrorOf } from "./AiFailure.ts"

/** Says so where a provider has no capacity, and not that it failed. */
const overloaded: ReadonlySet<number | undefined> = new Set([503, 529])

/** An excerpt: enough to recognise, and no more than an error keeps. */
const excerpt = (text: string): string => (text.length > 2000 ? text.slice(0, 2000) : text)

/** The same failure as our reason. One that came through this library's own bridge is the reason that it was. */
export const toReason = (error: AiError.AiError): LlmErrorReason => {
  const own = llmErrorOf(error)
  if (own !== undefined) return own.reason
  const { reason } = error
  const http = "http" in reason ? reason.http : undefined
  const status = http?.response?.status
  const context = {
    message: excerpt(reason.message),
    ...(status === undefined ? {} : { status }),
    ...(http?.body === undefined ? {} : { body: excerpt(http.body) }),
  }
  switch (reason._tag) {
    case "RateLimitError": {
      const { retryAfter } = reason
      const retryAfterMs = retryAfter === undefined ? {} : { retryAfterMs: Duration.toMillis(retryAfter) }
      return new RateLimitError({ ...context, ...retryAfterMs })
    }
    case "QuotaExhaustedError":
      return new QuotaExceededError(context)
    case "AuthenticationError":
      return reason.kind === "InsufficientPermissions"
        ? new PermissionDeniedError(context)
        : new AuthenticationError(context)
    case "ContentPolicyError":
      return new ContentFilterError({ ...context, categories: [] })
    case "InternalProviderError":
      return overloaded.has(status) ? new OverloadedError(context) : new ServerError(context)
    case "NetworkError":
      return reason.reason === "TransportError" ? new ConnectionError(context) : new InvalidRequestError(context)
    case "InvalidResponseError":
    case "InvalidOutputError":
    case "StructuredOutputError":
      return new InvalidResponseError(context)
    case "InvalidRequestError":
      return new InvalidRequestError({
        ...context,
        ...(reason.parameter === undefined ? {} : { parameter: reason.parameter }),
      })
    case "InvalidUserInputError":
    case "UnsupportedSchemaError":
    case "ToolConfigurationError":
    case "ToolkitRequiredError":
    case "ToolNotFoundError":
    case "ToolParameterValidationError":
    case "ToolResultEncodingError":
    case "InvalidToolResultError":
      return new InvalidRequestError(context)
    case "UnknownError":
      return new ServerError(context)
  }
}
