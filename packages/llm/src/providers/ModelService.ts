/**
 * What services tell of their models: where each one lists them, how it counts the tokens of a request if it does, and what
 * stands in where it does not. It asks nothing.
 */
import * as Effect from "effect/Effect"
import { estimateRequest, noEstimate } from "../counting/RequestTokens.ts"
import type { LlmError } from "../model/LlmError.ts"
import { protocol } from "../protocols/models/ModelPage.ts"
import { liteLlm, openAi } from "../protocols/models/TokenCounting.ts"
import * as ChatCompletions from "../protocols/chat-completions/ChatCompletions.ts"
import type { ModelEndpoint, ServiceAddress, TokenCounter } from "../transport/Endpoint.ts"
import * as ChatService from "./ChatService.ts"
import type { TargetOptions } from "./ProviderOptions.ts"
import type { ModelRow, ProviderRow } from "./ProviderRow.ts"

/** A list costs nothing: prices are not read for it. */
export const withoutPrices = (reached: ServiceAddress): ServiceAddress => ({
  ...reached,
  priceList: undefined,
  prices: undefined,
})

type Facts = ChatService.ServiceFacts & Pick<ProviderRow, "title">

/** Where a service lists its models: `GET {base}/models`, OpenAI's, which nearly every other one has too. */
const listOf = (
  own: Facts,
  options: TargetOptions,
  headers: ChatService.Service["headers"],
): Effect.Effect<Omit<ModelEndpoint, "estimate">, LlmError> =>
  Effect.map(ChatService.address(own, options, headers, "/models"), (reached) => ({
    ...withoutPrices(reached),
    protocol,
  }))

/** A service that lists its models and counts nothing. */
export const modelRow = (own: Facts, headers?: ChatService.Service["headers"]): ModelRow => ({
  endpoint: (options) =>
    Effect.map(listOf(own, options, headers), (list) => ({
      ...list,
      estimate: noEstimate(options.name ?? own.title),
    })),
})

/** Where a service counts, at a path of its own. */
const urlAt = (own: Facts, options: TargetOptions, path: string): Effect.Effect<string | undefined, LlmError> =>
  Effect.map(ChatService.address(own, options, undefined, path), ({ url }) => {
    const at = url("")
    return typeof at === "string" ? at : undefined
  })

/** OpenAI counts requests of Responses; those of Chat Completions are estimated. A service of another name does neither. */
export const openAiModels = (own: Facts & Pick<ProviderRow, "protocols">, options: TargetOptions) =>
  Effect.gen(function* () {
    const list = yield* listOf(own, options, undefined)
    const { capabilities, name, wireApi = "chat" } = options
    if (name !== undefined && name !== own.name) return { ...list, estimate: noEstimate(name) }
    yield* ChatService.spoken(own, wireApi)
    const url = wireApi === "responses" ? yield* urlAt(own, options, "/responses/input_tokens") : undefined
    const wire = yield* ChatService.wireApis.responses.protocolOf(own.name)
    const counter: TokenCounter | undefined =
      url === undefined ? undefined : { protocol: wire, form: openAi, url, capabilities: () => capabilities }
    const estimate: ModelEndpoint["estimate"] = (request, model) =>
      estimateRequest(request, model, { provider: list.provider, wire: "chat" })
    return { ...list, counter, estimate } satisfies ModelEndpoint
  })

/** The LiteLLM proxy counts at its root, beside `/v1`, and asks the model's own service where that one counts. */
export const liteLlmModels = (own: Facts, options: TargetOptions, headers: ChatService.Service["headers"]) =>
  Effect.gen(function* () {
    const list = yield* listOf(own, options, headers)
    const at = yield* urlAt(own, options, "/utils/token_counter")
    const { capabilities } = options
    const url = at?.replace("/v1/utils/token_counter", "/utils/token_counter")
    const counter: TokenCounter | undefined =
      url === undefined
        ? undefined
        : {
            protocol: ChatCompletions.protocol,
            form: liteLlm,
            url: `${url}${url.includes("?") ? "&" : "?"}call_endpoint=true`,
            capabilities: () => capabilities,
          }
    return { ...list, counter, estimate: noEstimate(own.title) } satisfies ModelEndpoint
  })
