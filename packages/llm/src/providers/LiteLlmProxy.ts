/**
 * The LiteLLM proxy: Chat Completions with a bearer key, models by the alias in its `model_list`. It is asked not to retry
 * (`x-litellm-num-retries: 0`, docs.litellm.ai "Request Headers"): retries have one owner, or they multiply.
 */
import type * as Layer from "effect/Layer"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import * as ChatService from "./ChatService.ts"
import type { ProviderOptions } from "./ProviderOptions.ts"
import type * as Setting from "../settings/Setting.ts"

/** `apiBase` is the proxy's address; `apiKey` is left out for a proxy that wants none. */
export type LiteLlmProxyOptions = ProviderOptions & { readonly apiBase: string }

const definition: ChatService.ChatServiceDefinition = {
  provider: "litellm",
  apiBase: "http://localhost:4000",
  keySetting: "LLM_API_KEY",
  baseSetting: "LLM_API_BASE",
  keyOptional: true,
}

/** A provider with these options. */
export const layer = (options: LiteLlmProxyOptions): Layer.Layer<LlmProvider, LlmError> =>
  ChatService.layer(definition, { ...options, headers: { "x-litellm-num-retries": "0", ...options.headers } })

/** The proxy's own variables, as LiteLLM's documentation names them. */
export const variables: Setting.ProviderVariables = {
  apiKey: "LITELLM_PROXY_API_KEY",
  apiBase: "LITELLM_PROXY_API_BASE",
}
