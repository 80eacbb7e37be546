/**
 * Azure OpenAI: Chat Completions at a deployment's address, with a key in `api-key` or an Entra token as bearer. Model
 * names are deployment names here.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { estimateRequest } from "../counting/RequestTokens.ts"
import type { EmbeddingProvider } from "../model/EmbeddingProvider.ts"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { ModelInfo } from "../model/ModelInfo.ts"
import { capabilitiesOf, isKnownModel, type ModelCapabilities } from "../protocols/encoding/ModelCapabilities.ts"
import { openAiService } from "../protocols/encoding/ServiceCapabilities.ts"
import { protocol } from "../protocols/models/ModelPage.ts"
import * as Setting from "../settings/Setting.ts"
import type { ServiceAddress } from "../transport/Endpoint.ts"
import * as ProviderLayer from "../transport/ProviderLayer.ts"
import * as ApiBase from "./addresses/ApiBase.ts"
import { azureAddress, firstWithResponses } from "./addresses/AzureAddress.ts"
import { wireApis } from "./ChatService.ts"
import * as Credential from "./Credential.ts"
import { checked } from "./OptionCheck.ts"
import { configured, type Overrides } from "./Overrides.ts"
import { embeddingEndpoint, openAiLimits } from "./EmbeddingService.ts"
import { withoutPrices } from "./ModelService.ts"
import type { EmbeddingOptions, ProviderOptions, WireApi } from "./ProviderOptions.ts"
import type { EmbeddingRow, ModelRow, ProviderRow } from "./ProviderRow.ts"

/**
 * `apiBase` is the resource (`https://{resource}.openai.azure.com`, `*.services.ai.azure.com`,
 * `*.cognitiveservices.azure.com`), with or without `/openai`, `/openai/v1` or a whole deployment URL behind it.
 * `apiVersion` defaults to `2023-05-15`; `v1` means the `/openai/v1` route. `entraToken` replaces `apiKey`: an Effect or a
 * function (which may return a promise) is run before each request, so that it may renew the token.
 */
export interface AzureOpenAiOptions extends ProviderOptions {
  /** The `api-version` of the classic routes, or `v1`. Default `2023-05-15`. */
  readonly apiVersion?: string | undefined
  /** `chat` (Chat Completions), the default, or `responses`. */
  readonly wireApi?: WireApi | undefined
  /** A token of Microsoft Entra ID, or what gives one before each request; in place of `apiKey`. */
  readonly entraToken?: Credential.Credential | undefined
}

/** How to reach a deployment of an embedding model: as the others, but for `wireApi` and `capabilities`. */
export interface AzureEmbeddingOptions
  extends EmbeddingOptions, Pick<AzureOpenAiOptions, "apiVersion" | "entraToken"> {}

const facts: Omit<ProviderRow, "embeddings" | "endpoint" | "models"> = {
  name: "azure",
  title: "Azure OpenAI",
  aliases: [],
  variables: {
    apiKey: "AZURE_API_KEY",
    apiBase: "AZURE_API_BASE",
    apiVersion: "AZURE_API_VERSION",
    wireApi: "AZURE_WIRE_API",
    // What OpenAI's own library reads for Azure.
    neighbours: {
      apiKey: "AZURE_OPENAI_API_KEY",
      apiBase: "AZURE_OPENAI_ENDPOINT",
      apiVersion: "OPENAI_API_VERSION",
    },
  },
  apiBase: undefined,
  protocols: ["chat-completions", "responses"],
  keyHeader: "api-key",
  isKeyOptional: false,
  example: {
    keyVariable: "AZURE_API_KEY",
    apiKey: "0123abcd…",
    baseVariable: "AZURE_API_BASE",
    apiBase: "https://my-resource.openai.azure.com",
  },
  telemetryName: "azure.ai.openai",
  fallbackModel: undefined,
  families: [],
  servesFamiliesOf: ["openai"],
  hasOwnModelNames: true,
  isRouter: false,
  priceList: "azure",
}

/** The hosts of Azure's own resources (learn.microsoft.com, "Azure OpenAI endpoints"). */
const ownHost = /^https:\/\/[^/]+\.(openai|services\.ai|cognitiveservices)\.azure\.com$/

/** A deployment's address, and how a request to it is authorized. `call` is the path of the call behind it. */
const reach = Effect.fnUntraced(function* (options: AzureEmbeddingOptions, call: string) {
  yield* checked(options)
  const { example } = facts
  if (options.apiBase === undefined) {
    const problem = `is not set; write for example ${example.baseVariable}=${example.apiBase}`
    return yield* Setting.invalid(example.baseVariable, problem)
  }
  const base = yield* ApiBase.read(example.baseVariable, options.apiBase, example.apiBase)
  const address = azureAddress(base, options.apiVersion, call)
  const { entraToken, headers, keyHeader = facts.keyHeader } = options
  const authorized = yield* entraToken === undefined
    ? Credential.authorization(options.apiKey, {
        setting: example.keyVariable,
        example: example.apiKey,
        keyHeader,
        headers,
      })
    : Credential.authorization(entraToken, { setting: "entraToken", example: "eyJ0…", keyHeader: undefined, headers })
  const reached: ServiceAddress = {
    ...authorized,
    transport: options,
    provider: options.name ?? facts.name,
    telemetryName: options.name ?? facts.telemetryName,
    // A gateway in front of Azure may lead to other services too.
    priceList: ownHost.test(base.origin) ? facts.priceList : undefined,
    prices: options.prices,
    pricesModelAsked: !facts.hasOwnModelNames,
    model: options.model ?? address.deployment,
    exampleModel: "my-deployment",
    url: address.url,
  }
  return { reached, version: address.version }
})

const endpoint = Effect.fnUntraced(function* (options: AzureOpenAiOptions) {
  yield* checked(options)
  const { path, protocolOf } = wireApis[options.wireApi ?? "chat"]
  const { reached, version } = yield* reach(options, path)
  if (options.wireApi === "responses" && /^20\d\d-/.test(version) && version < firstWithResponses) {
    const problem = `${version} has no Responses API; write v1, or ${firstWithResponses} or later`
    return yield* Setting.invalid("AZURE_API_VERSION", problem)
  }
  return {
    ...reached,
    protocol: yield* protocolOf(options.name ?? facts.name),
    capabilities: (model: string) => ({
      ...acceptedBy(version, model),
      // Chat Completions has no part for documents there (pydantic-ai 2026-08); Responses has.
      ...(options.wireApi === "responses" ? {} : { files: [] }),
      ...options.capabilities,
    }),
  }
})

/** Deployments are named by their owner: no beginning of a name means one. */
const embeddings: EmbeddingRow = {
  families: [],
  exampleModel: "my-deployment",
  endpoint: (options) =>
    Effect.map(reach(options, "/embeddings"), ({ reached }) =>
      embeddingEndpoint(
        reached,
        { limits: openAiLimits, encodingFormat: "base64", exampleModel: "my-deployment" },
        // Another name is no other service here.
        { ...options, name: undefined },
      ),
    ),
}

/** The base models of the resource, which are not its deployments; Azure counts no tokens. */
const models: ModelRow = {
  endpoint: (options: AzureOpenAiOptions) =>
    Effect.map(reach(options, "/models"), ({ reached }) => ({
      ...withoutPrices(reached),
      protocol,
      // A deployment is taken for the model that it is named after.
      estimate: (request, model) =>
        estimateRequest(request, model, { provider: reached.provider, wire: options.wireApi ?? "chat" }),
    })),
}

/** What the registry knows of Azure OpenAI. */
export const row: ProviderRow = { ...facts, endpoint, embeddings, models }

/**
 * A deployment is taken for one of OpenAI's models unless its name says otherwise. Versions before 2024-09 know neither
 * `max_completion_tokens` nor `stream_options`; a model that reasons wants the former all the same.
 */
const acceptedBy = (version: string, model: string): Partial<ModelCapabilities> => {
  const unnamed: Partial<ModelCapabilities> = isKnownModel(model)
    ? {}
    : { ...openAiService, maxTokensField: "max_completion_tokens" }
  if (!/^20\d\d-/.test(version) || version >= "2024-09") return unnamed
  const reasons = capabilitiesOf(model, undefined).sampling !== "accepted"
  return { ...unnamed, streamUsage: false, ...(reasons ? {} : { maxTokensField: "max_tokens" }) }
}

/** A provider with these options. Fails with `ConfigurationError` where key, base or version cannot be used. */
export const layer = (options: AzureOpenAiOptions): Layer.Layer<LlmProvider, LlmError> =>
  ProviderLayer.layer(endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerHttpClient = (
  options: AzureOpenAiOptions,
): Layer.Layer<LlmProvider, LlmError, ProviderLayer.HttpClient> => ProviderLayer.layerHttpClient(endpoint(options))

/**
 * From `AZURE_API_KEY`, `AZURE_API_BASE`, `AZURE_API_VERSION` (or `LLM_API_KEY`, `LLM_API_BASE`) and `PRIMARY_MODEL`, as
 * far as `overrides` do not say otherwise.
 */
export const layerConfig = (overrides: Overrides<AzureOpenAiOptions> = {}): Layer.Layer<LlmProvider, LlmError> =>
  ProviderLayer.layer(Effect.flatMap(configured(row, overrides), endpoint))

/**
 * Embeddings of a deployment, on the classic and on the v1 routes. A request may hold what OpenAI documents (2,048
 * inputs); put `withBatches()` around it for more.
 */
export const layerEmbeddings = (options: AzureEmbeddingOptions): Layer.Layer<EmbeddingProvider, LlmError> =>
  ProviderLayer.layerEmbeddings(embeddings.endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerEmbeddingsHttpClient = (
  options: AzureEmbeddingOptions,
): Layer.Layer<EmbeddingProvider, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerEmbeddingsHttpClient(embeddings.endpoint(options))

/**
 * The base models that the resource can deploy, and the tokens of requests: estimated for a deployment that is named after
 * its model, where the package `gpt-tokenizer` is installed. Azure lists no deployments here, and counts no tokens.
 */
export const layerModels = (options: AzureOpenAiOptions): Layer.Layer<ModelInfo, LlmError> =>
  ProviderLayer.layerModels(models.endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerModelsHttpClient = (
  options: AzureOpenAiOptions,
): Layer.Layer<ModelInfo, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerModelsHttpClient(models.endpoint(options))
