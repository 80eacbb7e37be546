/**
 * A failure as the AI SDK knows them: its `APICallError`, by the marks that it is told by, so that no package is needed.
 * It never asks to be retried: this library has done so already, and `ai` would multiply the requests (law 6).
 */
import type { GenerateFailure } from "../PromiseResponse.ts"

const marks = {
  [Symbol.for("vercel.ai.error")]: true,
  [Symbol.for("vercel.ai.error.AI_APICallError")]: true,
}

/** A failed call. `failure` is what `generate` resolves with: its attempts, its reason and what came of the answer. */
export class AiCallError extends Error {
  override readonly name = "AI_APICallError"
  /** Who was asked. Addresses are not told. */
  readonly url: string
  readonly requestBodyValues: unknown = {}
  /** The HTTP status that told of the failure. */
  readonly statusCode: number | undefined
  /** The beginning of the response's body. */
  readonly responseBody: string | undefined
  /** Always false: what was worth another request has had it. `failure.isRetryable` tells whether a later call may succeed. */
  readonly isRetryable = false
  /** What went wrong, for programs. */
  readonly errorType: GenerateFailure["errorType"]
  /** The failure as data. */
  readonly failure: GenerateFailure

  constructor(failure: GenerateFailure) {
    super(failure.error)
    this.url = failure.metadata.provider
    this.statusCode = failure.status
    this.responseBody = failure.body
    this.errorType = failure.errorType
    this.failure = failure
    Object.assign(this, marks)
  }
}
