/**
 * Azure OpenAI: Chat Completions at a deployment's address, with a key in `api-key` or an Entra token as bearer. Model
 * names are deployment names here.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AuthenticationError, type LlmError, type LlmErrorReason } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import * as ChatCompletions from "../protocols/chat-completions/ChatCompletions.ts"
import { capabilitiesOf, type ModelCapabilities } from "../protocols/encoding/ModelCapabilities.ts"
import * as HttpProvider from "../transport/HttpProvider.ts"
import { azureAddress, exampleBase } from "./AzureAddress.ts"
import { type ProviderOptions, usableKey } from "./ProviderOptions.ts"
import * as Setting from "../settings/Setting.ts"

/**
 * `apiBase` is the resource (`https://{resource}.openai.azure.com`, `*.services.ai.azure.com`,
 * `*.cognitiveservices.azure.com`), with or without `/openai`, `/openai/v1` or a whole deployment URL behind it.
 * `apiVersion` defaults to `2023-05-15`; `v1` means the `/openai/v1` route. `entraToken` replaces `apiKey`: called for each
 * request, so that it may renew the token.
 */
export interface AzureOpenAiOptions extends ProviderOptions {
  readonly apiVersion?: string | undefined
  readonly entraToken?: (() => Promise<string>) | undefined
}

/** A provider with these options. Fails with `ConfigurationError` where key, base or version cannot be used. */
export const layer = (options: AzureOpenAiOptions): Layer.Layer<LlmProvider, LlmError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { entraToken, headers } = options
      if (options.apiBase === undefined) {
        return yield* Setting.invalid("AZURE_API_BASE", `is not set; write for example AZURE_API_BASE=${exampleBase}`)
      }
      const apiBase = yield* Setting.webAddress("AZURE_API_BASE", options.apiBase, exampleBase)
      const address = azureAddress(apiBase, options.apiVersion)
      const key = entraToken === undefined ? yield* usableKey("AZURE_API_KEY", options.apiKey, "0123abcd…") : undefined
      return HttpProvider.layer({
        provider: "azure",
        protocol: ChatCompletions.protocol,
        model: options.model ?? address.deployment,
        url: address.url,
        headers:
          entraToken === undefined
            ? Effect.succeed({ ...headers, "api-key": key ?? "" })
            : Effect.map(token(entraToken), (bearer) => ({ ...headers, authorization: `Bearer ${bearer}` })),
        capabilities: (model) => ({ ...acceptedBy(address.version, model), ...options.capabilities }),
      })
    }),
  )

/**
 * Versions before 2024-09 know neither `max_completion_tokens` nor `stream_options`; a model that reasons wants the former
 * all the same.
 */
const acceptedBy = (version: string, model: string): Partial<ModelCapabilities> => {
  if (!/^20\d\d-/.test(version) || version >= "2024-09") return {}
  const reasons = capabilitiesOf(model, "azure", undefined).sampling !== "accepted"
  return reasons ? { streamUsage: false } : { streamUsage: false, maxTokensField: "max_tokens" }
}

const token = (entraToken: () => Promise<string>): Effect.Effect<string, LlmErrorReason> =>
  Effect.flatMap(
    Effect.tryPromise({
      try: entraToken,
      catch: () => new AuthenticationError({ message: "entraToken failed: no Entra token could be had" }),
    }),
    (bearer) =>
      Setting.isHeaderValue(bearer)
        ? Effect.succeed(bearer)
        : Effect.fail(new AuthenticationError({ message: "entraToken gave a text that is no token" })),
  )

/** The variables this provider reads. */
export const variables: Setting.ProviderVariables = {
  apiKey: "AZURE_API_KEY",
  apiBase: "AZURE_API_BASE",
  apiVersion: "AZURE_API_VERSION",
}

/** From `AZURE_API_KEY`, `AZURE_API_BASE`, `AZURE_API_VERSION` (or `LLM_API_KEY`, `LLM_API_BASE`) and `PRIMARY_MODEL`. */
export const layerConfig: Layer.Layer<LlmProvider, LlmError> = Layer.unwrap(
  Effect.gen(function* () {
    const model = yield* Setting.text("PRIMARY_MODEL")
    return layer({ ...(yield* Setting.chosen("azure", variables)), model })
  }),
)
