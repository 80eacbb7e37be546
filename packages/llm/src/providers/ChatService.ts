/**
 * Any service that speaks Chat Completions with a bearer key. OpenAI, the LiteLLM proxy and every compatible service are
 * this at another address; a new one is a row in `services`, not a file of code.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import * as ChatCompletions from "../protocols/chat-completions/ChatCompletions.ts"
import * as HttpProvider from "../transport/HttpProvider.ts"
import { type ProviderOptions, usableKey } from "./ProviderOptions.ts"
import * as Setting from "../settings/Setting.ts"

/** A service, and the names under which its settings are known in errors. */
export interface ChatServiceDefinition {
  readonly provider: string
  readonly apiBase: string
  readonly keySetting: string
  readonly baseSetting: string
  /** A service that answers without a key, as local ones do. */
  readonly keyOptional?: boolean
}

/** A Layer of `LlmProvider` for one service. */
export const layer = (service: ChatServiceDefinition, options: ProviderOptions): Layer.Layer<LlmProvider, LlmError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { headers, model } = options
      const apiBase = yield* Setting.webAddress(
        service.baseSetting,
        options.apiBase ?? service.apiBase,
        service.apiBase,
      )
      const key =
        service.keyOptional === true && options.apiKey === undefined
          ? undefined
          : yield* usableKey(service.keySetting, options.apiKey, "sk-…")
      const base = apiBase.replace(/\/chat\/completions$/, "")
      const url = `${base}/chat/completions`
      return HttpProvider.layer({
        provider: service.provider,
        protocol: ChatCompletions.protocol,
        model,
        url: () => url,
        headers: Effect.succeed({ ...headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) }),
        capabilities: () => options.capabilities,
      })
    }),
  )

const service = (provider: string, apiBase: string, keyOptional = false): ChatServiceDefinition => {
  const prefix = provider.toUpperCase().replaceAll("-", "_")
  return { provider, apiBase, keySetting: `${prefix}_API_KEY`, baseSetting: `${prefix}_API_BASE`, keyOptional }
}

/** Compatible services by the name that stands before the slash in `provider/model`. Addresses as their own documentation gives them. */
export const services: Readonly<Record<string, ChatServiceDefinition>> = {
  openrouter: service("openrouter", "https://openrouter.ai/api/v1"),
  groq: service("groq", "https://api.groq.com/openai/v1"),
  deepseek: service("deepseek", "https://api.deepseek.com/v1"),
  mistral: service("mistral", "https://api.mistral.ai/v1"),
  xai: service("xai", "https://api.x.ai/v1"),
  together: service("together", "https://api.together.xyz/v1"),
  fireworks: service("fireworks", "https://api.fireworks.ai/inference/v1"),
  cerebras: service("cerebras", "https://api.cerebras.ai/v1"),
  perplexity: service("perplexity", "https://api.perplexity.ai"),
  ollama: service("ollama", "http://localhost:11434/v1", true),
  vllm: service("vllm", "http://localhost:8000/v1", true),
}
