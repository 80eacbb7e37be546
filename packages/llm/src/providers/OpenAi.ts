/**
 * OpenAI: Chat Completions with a bearer key. With another `apiBase` it is any service that speaks the same (Ollama, vLLM,
 * OpenRouter, Groq, DeepSeek, Mistral, xAI, Together …).
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import * as ChatService from "./ChatService.ts"
import type { ProviderOptions } from "./ProviderOptions.ts"
import * as Setting from "../settings/Setting.ts"

/** `apiKey` and `model` are enough; `apiBase` defaults to `https://api.openai.com/v1`. */
export type OpenAiOptions = ProviderOptions

const definition: ChatService.ChatServiceDefinition = {
  provider: "openai",
  apiBase: "https://api.openai.com/v1",
  keySetting: "OPENAI_API_KEY",
  baseSetting: "OPENAI_API_BASE",
}

/** OpenAI's own host without a path means its one version. */
const versioned = (apiBase: string | undefined): string | undefined =>
  apiBase !== undefined && /^https:\/\/api\.openai\.com\/?$/.test(apiBase) ? definition.apiBase : apiBase

/** A provider with these options. Fails with `ConfigurationError` where the key or the base cannot be used. */
export const layer = (options: OpenAiOptions): Layer.Layer<LlmProvider, LlmError> =>
  ChatService.layer(definition, { ...options, apiBase: versioned(options.apiBase) })

/** The variables this provider reads. */
export const variables: Setting.ProviderVariables = { apiKey: "OPENAI_API_KEY", apiBase: "OPENAI_API_BASE" }

/** From `OPENAI_API_KEY`, `OPENAI_API_BASE` (or `LLM_API_KEY`, `LLM_API_BASE`) and `PRIMARY_MODEL`. */
export const layerConfig: Layer.Layer<LlmProvider, LlmError> = Layer.unwrap(
  Effect.gen(function* () {
    const model = yield* Setting.text("PRIMARY_MODEL")
    return layer({ ...(yield* Setting.chosen("openai", variables)), model })
  }),
)
