/** Parameters for requests that say nothing: the request's own always win. */
import * as Effect from "effect/Effect"
import type { LlmRequest } from "../model/LlmRequest.ts"
import * as Policy from "./Policy.ts"

/** What a request may leave to the stack. */
export type RequestDefaults = Pick<LlmRequest, "temperature" | "maxTokens">

/** Fills in what a request leaves open. */
export const withDefaults = (defaults: RequestDefaults): Policy.Policy => {
  const { maxTokens, temperature } = defaults
  const filled = (request: LlmRequest): LlmRequest =>
    temperature === undefined && maxTokens === undefined
      ? request
      : { ...request, temperature: request.temperature ?? temperature, maxTokens: request.maxTokens ?? maxTokens }
  return Policy.make((inner) =>
    Effect.succeed({
      name: inner.name,
      generate: (request: LlmRequest) => inner.generate(filled(request)),
      stream: (request: LlmRequest) => inner.stream(filled(request)),
    }),
  )
}
