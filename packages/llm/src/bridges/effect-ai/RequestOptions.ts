/** What a prompt of effect/ai has no place for: settings of the requests that a program's turns become. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { LlmRequest } from "../../model/LlmRequest.ts"

/** Settings of a request: everything but what the prompt, the toolkit and the schema say. */
export type RequestOptions = Omit<
  LlmRequest,
  "messages" | "tools" | "toolChoice" | "responseFormat" | "previousResponseId"
>

/** The settings of the requests that are made within; none by default. */
export const RequestOptions = Context.Reference<RequestOptions>("@wiseflow/llm/effect-ai/RequestOptions", {
  defaultValue: () => ({}),
})

/**
 * Runs a program whose turns have these settings, beside those that are set around it: `withRequestOptions({ temperature: 0 })`.
 * They hold for streams that are made and read within.
 */
export const withRequestOptions =
  (options: RequestOptions) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(effect, RequestOptions, (outer) => ({ ...outer, ...options }))
