/**
 * OpenAI: Chat Completions with a bearer key. With another `apiBase` (and a `name`) it is any service that speaks the same
 * (Ollama, vLLM, OpenRouter, Groq, DeepSeek, Mistral, xAI, Together …).
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type { EmbeddingProvider } from "../model/EmbeddingProvider.ts"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { ModelInfo } from "../model/ModelInfo.ts"
import * as ProviderLayer from "../transport/ProviderLayer.ts"
import * as ChatService from "./ChatService.ts"
import { configured, type Overrides } from "./Overrides.ts"
import { embeddingsAt, openAiLimits } from "./EmbeddingService.ts"
import { openAiModels } from "./ModelService.ts"
import type { EmbeddingOptions, ProviderOptions, WireApi } from "./ProviderOptions.ts"
import type { EmbeddingRow, ModelRow, ProviderRow } from "./ProviderRow.ts"

/**
 * `apiKey` and `model` are enough; `apiBase` defaults to `https://api.openai.com/v1`, `wireApi` to `chat` (Chat
 * Completions); `responses` is OpenAI's other interface.
 */
export interface OpenAiOptions extends ProviderOptions {
  /** `chat` (Chat Completions), the default, or `responses`. */
  readonly wireApi?: WireApi | undefined
}

const apiBase = "https://api.openai.com/v1"

const service = ChatService.row({
  name: "openai",
  title: "OpenAI",
  apiBase,
  families: ["gpt-", "chatgpt-", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9", "codex-", "davinci", "babbage"],
  fallbackModel: "gpt-5-mini",
  protocols: ["chat-completions", "responses"],
  priceList: "openai",
})

/** OpenAI's own host without a path means its one version. */
const versioned = (base: string | undefined): string | undefined =>
  Predicate.isString(base) && /^https:\/\/api\.openai\.com\/?$/.test(base) ? apiBase : base

const endpoint: ProviderRow["endpoint"] = (options) =>
  service.endpoint({ ...options, apiBase: versioned(options.apiBase) })

const exampleModel = "text-embedding-3-small"

const embeddings: EmbeddingRow = {
  families: ["text-embedding-3-", "text-embedding-ada-"],
  exampleModel,
  endpoint: (options) =>
    embeddingsAt(
      service,
      { limits: openAiLimits, encodingFormat: "base64", exampleModel },
      { ...options, apiBase: versioned(options.apiBase) },
    ),
}

const models: ModelRow = {
  endpoint: (options) => openAiModels(service, { ...options, apiBase: versioned(options.apiBase) }),
}

/** What the registry knows of OpenAI. */
export const row: ProviderRow = {
  ...service,
  variables: {
    ...service.variables,
    // What OpenAI's own library reads.
    neighbours: { apiBase: "OPENAI_BASE_URL" },
  },
  endpoint,
  embeddings,
  models,
}

/** A provider with these options. Fails with `ConfigurationError` where the key or the base cannot be used. */
export const layer = (options: OpenAiOptions): Layer.Layer<LlmProvider, LlmError> =>
  ProviderLayer.layer(endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerHttpClient = (options: OpenAiOptions): Layer.Layer<LlmProvider, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerHttpClient(endpoint(options))

/**
 * From `OPENAI_API_KEY`, `OPENAI_API_BASE` (or `LLM_API_KEY`, `LLM_API_BASE`) and `PRIMARY_MODEL`, as far as `overrides`
 * do not say otherwise.
 */
export const layerConfig = (overrides: Overrides<OpenAiOptions> = {}): Layer.Layer<LlmProvider, LlmError> =>
  ProviderLayer.layer(Effect.flatMap(configured(row, overrides), endpoint))

/**
 * Embeddings with these options: `apiKey` and `model` are enough. A request may hold what OpenAI documents (2,048 inputs);
 * put `withBatches()` around it for more.
 */
export const layerEmbeddings = (options: EmbeddingOptions): Layer.Layer<EmbeddingProvider, LlmError> =>
  ProviderLayer.layerEmbeddings(embeddings.endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerEmbeddingsHttpClient = (
  options: EmbeddingOptions,
): Layer.Layer<EmbeddingProvider, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerEmbeddingsHttpClient(embeddings.endpoint(options))

/**
 * The models that the key may ask, and the tokens of requests: counted by OpenAI with `wireApi: "responses"`, estimated for
 * Chat Completions where the package `gpt-tokenizer` is installed.
 */
export const layerModels = (options: OpenAiOptions): Layer.Layer<ModelInfo, LlmError> =>
  ProviderLayer.layerModels(models.endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerModelsHttpClient = (
  options: OpenAiOptions,
): Layer.Layer<ModelInfo, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerModelsHttpClient(models.endpoint(options))
