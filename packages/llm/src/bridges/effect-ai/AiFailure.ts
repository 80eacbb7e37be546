/**
 * Our errors as effect/ai's. Each takes the reason that means the same to a program that recovers from it, and carries the whole
 * `LlmError` along: nothing of the attempts, the request id or the partial text is lost, and no key was ever in it.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AiError from "effect/ai/AiError"
import { isLlmError, LlmError } from "../../model/LlmError.ts"
import { metadataKey, metadataOf } from "./PartDetails.ts"

const encode = Schema.encodeUnknownOption(LlmError)
const decode = Schema.decodeUnknownOption(LlmError)

/** The status and the excerpt of the body, where a response came. */
const httpOf = ({ reason }: LlmError): typeof AiError.HttpContext.Type | undefined =>
  reason._tag === "ConfigurationError" || reason.status === undefined
    ? undefined
    : { response: { status: reason.status, headers: {} }, body: reason.body }

const reasonOf = (error: LlmError): AiError.AiErrorReason => {
  const { reason } = error
  const description = reason.message
  const context = { metadata: metadataOf(Option.getOrNull(encode(error))), http: httpOf(error) }
  switch (reason._tag) {
    case "RateLimitError":
      return new AiError.RateLimitError({ ...context, retryAfter: error.retryAfter })
    case "QuotaExceededError":
      return new AiError.QuotaExhaustedError(context)
    case "AuthenticationError":
      return new AiError.AuthenticationError({ ...context, kind: "InvalidKey", description })
    case "PermissionDeniedError":
      return new AiError.AuthenticationError({ ...context, kind: "InsufficientPermissions", description })
    case "ContentFilterError":
      return new AiError.ContentPolicyError({ ...context, description })
    case "InvalidRequestError":
      return new AiError.InvalidRequestError({ ...context, parameter: reason.parameter, description })
    case "ModelNotFoundError":
      return new AiError.InvalidRequestError({ ...context, parameter: "model", description })
    case "ContextLengthExceededError":
      return new AiError.InvalidRequestError({ ...context, parameter: "messages", description })
    case "InvalidResponseError":
      return new AiError.InvalidResponseError({ ...context, description })
    case "OverloadedError":
    case "ServerError":
      return new AiError.InternalProviderError({ ...context, description })
    case "TimeoutError":
      // The caller's own deadline: there is no time left to try again in.
      return reason.clock === "total" ? new AiError.UnknownError({ ...context, description }) : transportError(error)
    case "ConnectionError":
    case "StreamInterruptedError":
      return transportError(error)
    case "CircuitOpenError":
    case "BudgetExceededError":
    case "OutputLimitError":
    case "ToolError":
    case "ConfigurationError":
      return new AiError.UnknownError({ ...context, description })
  }
}

/** This reason has no metadata, but a cause. Addresses stay below the vocabulary, so the provider's name stands for one. */
const transportError = (error: LlmError): AiError.NetworkError =>
  new AiError.NetworkError({
    reason: "TransportError",
    method: "POST",
    url: error.provider,
    description: error.message,
    cause: error,
  })

/** The same failure in effect/ai's words. `method` is the call that failed, for the message. */
export const toAiError = (method: string, error: LlmError): AiError.AiError =>
  AiError.make({ module: "LlmProvider", method, reason: reasonOf(error) })

/**
 * The `LlmError` behind an `AiError`, with its attempts and its partial text; undefined where there is none, because
 * effect/ai itself failed (a tool's handler, an answer that does not fit its Schema) or another provider did.
 */
export const llmErrorOf = ({ reason }: AiError.AiError): LlmError | undefined => {
  if (reason._tag === "NetworkError") return isLlmError(reason.cause) ? reason.cause : undefined
  return "metadata" in reason ? Option.getOrUndefined(decode(reason.metadata[metadataKey])) : undefined
}
