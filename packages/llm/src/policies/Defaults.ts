/** Parameters for requests that say nothing: the request's own always win. */
import * as Effect from "effect/Effect"
import type { LlmRequest } from "../model/LlmRequest.ts"
import { type Asked, type Around, kindOf } from "./mechanisms/Around.ts"
import * as Policy from "./Policy.ts"

/** What a request for an answer may leave to the stack. */
export type RequestDefaults = Pick<LlmRequest, "temperature" | "maxTokens">

/** Fills in what a request for an answer leaves open. */
export const withDefaults = (defaults: RequestDefaults): Policy.ServicePolicy => {
  const { maxTokens, temperature } = defaults
  if (maxTokens === undefined && temperature === undefined) return (layer) => layer
  return Policy.mechanism(() => Effect.succeed(filling(defaults)))
}

const filling = ({ maxTokens, temperature }: RequestDefaults): Around => {
  const filled = <Q extends Asked>(request: Q): Q => {
    if (kindOf(request) !== "answer") return request
    return { ...request, temperature: request.temperature ?? temperature, maxTokens: request.maxTokens ?? maxTokens }
  }
  return {
    effect: (request, run) => run(filled(request)),
    stream: (request, run) => run(filled(request)),
  }
}
