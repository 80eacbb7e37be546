/** What the promise surface resolves with: an answer, or an error as data. */
import type { ErrorType, LlmError } from "../model/LlmError.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { LlmResponse, ResponseMetadata, Usage } from "../model/LlmResponse.ts"

/** An answer: neither `error` nor `errorType` exists on it. */
export type GenerateSuccess = LlmResponse

/**
 * A failure: `error` is the message, `errorType` the reason's tag. `partialText` is what a broken stream had brought.
 * `metadata` is what is known of the call, `attempts` included.
 */
export interface GenerateFailure {
  readonly text: ""
  readonly error: string
  readonly errorType: ErrorType
  readonly partialText?: string
  readonly metadata: ResponseMetadata
}

export type GenerateResponse = GenerateSuccess | GenerateFailure

const causes = new WeakMap<GenerateFailure, LlmError>()

/** The usage and cost of what did answer before it broke. */
const spent = (error: LlmError): { readonly usage: Usage; readonly costUsd: number | null } => {
  const last = error.attempts.at(-1)
  const costs = error.attempts.flatMap(({ costUsd }) => (costUsd === null ? [] : [costUsd]))
  return {
    usage: last?.usage ?? {},
    costUsd: costs.length === 0 ? null : costs.reduce((total, cost) => total + cost, 0),
  }
}

/** An error as data. */
export const failure = (error: LlmError, request: LlmRequest, startedMs: number, nowMs: number): GenerateFailure => {
  const { usage, costUsd } = spent(error)
  const last = error.attempts.at(-1)
  const result: GenerateFailure = {
    text: "",
    error: error.message,
    errorType: error.reason._tag,
    ...(error.text === undefined ? {} : { partialText: error.text }),
    metadata: {
      provider: error.provider,
      model: error.model ?? request.model,
      servedModel: last?.servedModel,
      temperature: request.temperature,
      maxTokens: request.maxTokens,
      usage,
      usageStatus: Object.keys(usage).length === 0 ? "unknown" : "partial",
      latencyMs: nowMs - startedMs,
      timestamp: new Date(startedMs).toISOString(),
      requestId: last?.requestId,
      costUsd,
      attempts: error.attempts,
      warnings: error.warnings ?? [],
      degraded: false,
    },
  }
  causes.set(result, error)
  return result
}

/** The answer itself; throws the `LlmError` where there is none, for who prefers exceptions. */
export const unwrap = (response: GenerateResponse): GenerateSuccess => {
  if (!("error" in response)) return response
  throw causes.get(response) ?? new Error(`${response.error} (${response.errorType})`)
}
