/**
 * The LiteLLM proxy: Chat Completions with a bearer key, models by the alias in its `model_list`. It is asked not to retry
 * (`x-litellm-num-retries: 0`, docs.litellm.ai "Request Headers"): retries have one owner, or they multiply.
 */
import * as ChatService from "./ChatService.ts"
import { embeddingRow } from "./EmbeddingService.ts"
import { liteLlmModels } from "./ModelService.ts"
import type { EmbeddingOptions, ProviderOptions, WireApi } from "./ProviderOptions.ts"
import type { EmbeddingRow, ModelRow, ProviderRow } from "./ProviderRow.ts"

/** `apiBase` is the proxy's address; `apiKey` is left out for a proxy that wants none. */
export type LiteLlmProxyOptions = ProviderOptions & {
  readonly apiBase: string
  readonly wireApi?: WireApi | undefined
}

/** How to reach an embedding model behind a proxy. */
export interface LiteLlmEmbeddingOptions extends EmbeddingOptions {
  /** The proxy's address. */
  readonly apiBase: string
}

const headers = { "x-litellm-num-retries": "0" }

/** Its variables are named as LiteLLM's documentation names them. */
const service = ChatService.row({
  name: "litellm",
  title: "LiteLLM proxy",
  prefix: "LITELLM_PROXY",
  // The names under which most people set them.
  example: { keyVariable: "LLM_API_KEY", baseVariable: "LLM_API_BASE", apiBase: "http://localhost:4000" },
  isKeyOptional: true,
  isRouter: true,
  protocols: ["chat-completions", "responses"],
  headers,
})

/** What the model behind an alias accepts is not known here: limits are those that nearly every service accepts. */
export const embeddings: EmbeddingRow = embeddingRow(service, { exampleModel: "text-embedding-3-small" }, headers)

/** Its models are the aliases of its `model_list`. */
export const models: ModelRow = { endpoint: (options) => liteLlmModels(service, options, headers) }

/** What the registry knows of the LiteLLM proxy. */
export const row: ProviderRow = { ...service, embeddings, models }
