/** One provider to ask, as data, and the Layer that it means. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import * as Anthropic from "../providers/Anthropic.ts"
import * as AzureOpenAi from "../providers/AzureOpenAi.ts"
import * as ChatService from "../providers/ChatService.ts"
import * as LiteLlmProxy from "../providers/LiteLlmProxy.ts"
import * as OpenAi from "../providers/OpenAi.ts"
import * as Setting from "../settings/Setting.ts"
import { providerNames } from "./ModelRoute.ts"

/** `provider` is `openai`, `anthropic`, `azure`, `litellm` or the name of a compatible service. */
export interface Target {
  readonly provider: string
  readonly model?: string | undefined
  readonly apiKey?: Redacted.Redacted | string | undefined
  readonly apiBase?: string | undefined
  readonly apiVersion?: string | undefined
}

/** The variables of a provider, by its name. */
const variablesOf = (provider: string): Setting.ProviderVariables => {
  if (provider === "openai") return OpenAi.variables
  if (provider === "anthropic") return Anthropic.variables
  if (provider === "azure") return AzureOpenAi.variables
  if (provider === "litellm") return LiteLlmProxy.variables
  const service = ChatService.services[provider]
  return { apiKey: service?.keySetting ?? "LLM_API_KEY", apiBase: service?.baseSetting ?? "LLM_API_BASE" }
}

/** Reads a provider's own settings; the general ones stand in where `isChosen`. */
export const readTarget = (
  provider: string,
  model: string | undefined,
  isChosen: boolean,
): Effect.Effect<Target, LlmError> =>
  Effect.map(Setting.provider(variablesOf(provider), isChosen), (settings) => ({ provider, model, ...settings }))

/** True where the target has what it needs to be asked. */
export const isConfigured = (target: Target): boolean =>
  target.provider === "litellm" ? target.apiBase !== undefined : target.apiKey !== undefined

/** The Layer of one target, without any policy. */
export const layerOf = (target: Target): Layer.Layer<LlmProvider, LlmError> => {
  const { apiBase, provider } = target
  if (provider === "openai") return OpenAi.layer(target)
  if (provider === "anthropic") return Anthropic.layer(target)
  if (provider === "azure") return AzureOpenAi.layer(target)
  if (provider === "litellm") {
    return apiBase === undefined
      ? Layer.unwrap(
          Effect.fail(
            Setting.invalid("LLM_API_BASE", "is not set; write for example LLM_API_BASE=http://localhost:4000"),
          ),
        )
      : LiteLlmProxy.layer({ ...target, apiBase })
  }
  const service = ChatService.services[provider]
  return service === undefined
    ? Layer.unwrap(
        Effect.fail(Setting.invalid("LLM_PROVIDER", `"${provider}" is not one of ${providerNames.join(", ")}`)),
      )
    : ChatService.layer(service, target)
}
