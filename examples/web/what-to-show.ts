import type { GenerateFailure } from "@wiseflow/llm"

/** What a user is shown in place of an answer. */
export interface Notice {
  readonly text: string
  /** What came of the answer before it broke off. */
  readonly partialText: string
  /** True for a button "Try again". */
  readonly canRetry: boolean
  /** How long that button counts down before it can be pressed. */
  readonly retryInSeconds: number
}

const secondsOf = (milliseconds: number) => Math.ceil(milliseconds / 1000)

/** A failure in words for a user. What is wrong with the program or its key is for the log, not for the page. */
export const whatToShow = (failure: GenerateFailure): Notice => {
  const notice = (
    text: string,
    canRetry: boolean = failure.isRetryable,
    waitMs = failure.retryAfterMs ?? 0,
  ): Notice => ({
    text,
    partialText: failure.partialText ?? "",
    canRetry,
    retryInSeconds: canRetry ? secondsOf(waitMs) : 0,
  })
  switch (failure.errorType) {
    case "RateLimitError":
      return notice("Too many questions at the moment.", true, failure.retryAfterMs ?? 10_000)
    case "OverloadedError":
    case "ServerError":
    case "CircuitOpenError":
      return notice("The service is busy.", true, failure.retryAfterMs ?? 5000)
    case "QuotaExceededError":
    case "BudgetExceededError":
      return notice("The service has used up its budget. We have been told.")
    case "ContextLengthExceededError":
      return notice("This is too long for the model. Shorten the text or begin a new conversation.")
    case "ContentFilterError":
      return notice("The service does not answer this question.")
    case "TimeoutError":
      return notice(failure.clock === "total" ? "The answer took too long." : "The service did not answer in time.")
    case "StreamInterruptedError":
    case "ConnectionError":
    case "InvalidResponseError":
    case "OutputLimitError":
      return notice("The answer broke off.", true)
    case "AuthenticationError":
    case "PermissionDeniedError":
    case "ModelNotFoundError":
    case "InvalidRequestError":
    case "ConfigurationError":
    case "ToolError":
      return notice("Something is wrong on our side. We have been told.")
  }
}
