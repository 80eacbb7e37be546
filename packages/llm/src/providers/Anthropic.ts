/** Anthropic: the Messages API with its key in `x-api-key` and a version in `anthropic-version`. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { ModelInfo } from "../model/ModelInfo.ts"
import { messages } from "#protocols"
import { noEstimate } from "../counting/RequestTokens.ts"
import { protocol } from "../protocols/models/ModelPage.ts"
import { anthropic } from "../protocols/models/TokenCounting.ts"
import type { ModelEndpoint } from "../transport/Endpoint.ts"
import * as ProviderLayer from "../transport/ProviderLayer.ts"
import * as ApiBase from "./addresses/ApiBase.ts"
import * as Credential from "./Credential.ts"
import { checked } from "./OptionCheck.ts"
import { configured, type Overrides } from "./Overrides.ts"
import { withoutPrices } from "./ModelService.ts"
import type { ProviderOptions } from "./ProviderOptions.ts"
import type { ModelRow, ProviderRow } from "./ProviderRow.ts"

/** `apiKey` and `model` are enough; `apiBase` defaults to `https://api.anthropic.com`, `apiVersion` to `2023-06-01`. */
export interface AnthropicOptions extends ProviderOptions {
  /** The version of the interface (`anthropic-version`). Default `2023-06-01`. */
  readonly apiVersion?: string | undefined
}

const facts: Omit<ProviderRow, "endpoint" | "models"> = {
  name: "anthropic",
  title: "Anthropic",
  aliases: [],
  variables: {
    apiKey: "ANTHROPIC_API_KEY",
    apiBase: "ANTHROPIC_API_BASE",
    apiVersion: "ANTHROPIC_API_VERSION",
    // What Anthropic's own library reads.
    neighbours: { apiBase: "ANTHROPIC_BASE_URL" },
  },
  apiBase: "https://api.anthropic.com",
  protocols: ["messages"],
  keyHeader: "x-api-key",
  isKeyOptional: false,
  example: {
    keyVariable: "ANTHROPIC_API_KEY",
    apiKey: "sk-ant-…",
    baseVariable: "ANTHROPIC_API_BASE",
    apiBase: "https://api.anthropic.com",
  },
  telemetryName: "anthropic",
  fallbackModel: "claude-sonnet-5",
  families: ["claude"],
  servesFamiliesOf: [],
  hasOwnModelNames: false,
  isRouter: false,
  priceList: "anthropic",
}

const defaultVersion = "2023-06-01"

/** Where a call is answered, at a path below the base, and how a request to it is authorized. */
const reach = Effect.fnUntraced(function* (options: AnthropicOptions) {
  yield* checked(options)
  const { example } = facts
  const base = yield* ApiBase.read(example.baseVariable, options.apiBase ?? example.apiBase, example.apiBase)
  const authorized = yield* Credential.authorization(options.apiKey, {
    setting: example.keyVariable,
    example: example.apiKey,
    keyHeader: options.keyHeader ?? facts.keyHeader,
    headers: { ...options.headers, "anthropic-version": options.apiVersion ?? defaultVersion },
  })
  const root = { ...base, path: base.path.replace(/\/v1(\/messages)?$/, "") }
  const reached = {
    ...authorized,
    transport: options,
    provider: options.name ?? facts.name,
    telemetryName: options.name ?? facts.telemetryName,
    // A service at another address has prices of its own.
    priceList: ApiBase.isAt(base, facts.apiBase) ? facts.priceList : undefined,
    prices: options.prices,
    pricesModelAsked: true,
    model: options.model,
    exampleModel: facts.fallbackModel,
  }
  return { reached, urlOf: (path: string) => ApiBase.urlOf(root, path) }
})

const endpoint = Effect.fnUntraced(function* (options: AnthropicOptions) {
  const { reached, urlOf } = yield* reach(options)
  const url = urlOf("/v1/messages")
  return { ...reached, protocol: yield* messages(), url: () => url, capabilities: () => options.capabilities }
})

/** The most that one page may hold (@anthropic-ai/sdk 1.12, `PageParams.limit`). */
const pageLength = 1000

const models: ModelRow = {
  endpoint: Effect.fnUntraced(function* (options: AnthropicOptions) {
    const { reached, urlOf } = yield* reach(options)
    const url = urlOf("/v1/models")
    const counter = {
      protocol: yield* messages(),
      form: anthropic,
      url: urlOf("/v1/messages/count_tokens"),
      capabilities: () => options.capabilities,
    }
    return {
      ...withoutPrices({ ...reached, url: () => url }),
      protocol,
      counter,
      estimate: noEstimate(facts.title),
      pageQuery: (next) => `limit=${pageLength}${next === undefined ? "" : `&after_id=${encodeURIComponent(next)}`}`,
    } satisfies ModelEndpoint
  }),
}

/** What the registry knows of Anthropic. */
export const row: ProviderRow = { ...facts, endpoint, models }

/** A provider with these options. Fails with `ConfigurationError` where the key or the base cannot be used. */
export const layer = (options: AnthropicOptions): Layer.Layer<LlmProvider, LlmError> =>
  ProviderLayer.layer(row.endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerHttpClient = (
  options: AnthropicOptions,
): Layer.Layer<LlmProvider, LlmError, ProviderLayer.HttpClient> => ProviderLayer.layerHttpClient(row.endpoint(options))

/**
 * From `ANTHROPIC_API_KEY`, `ANTHROPIC_API_BASE`, `ANTHROPIC_API_VERSION` (or `LLM_API_KEY`, `LLM_API_BASE`) and
 * `PRIMARY_MODEL`, as far as `overrides` do not say otherwise.
 */
export const layerConfig = (overrides: Overrides<AnthropicOptions> = {}): Layer.Layer<LlmProvider, LlmError> =>
  ProviderLayer.layer(Effect.flatMap(configured(row, overrides), row.endpoint))

/** The models that the key may ask, and the tokens of requests, which Anthropic counts. */
export const layerModels = (options: AnthropicOptions): Layer.Layer<ModelInfo, LlmError> =>
  ProviderLayer.layerModels(models.endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerModelsHttpClient = (
  options: AnthropicOptions,
): Layer.Layer<ModelInfo, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerModelsHttpClient(models.endpoint(options))
