/** Anthropic: the Messages API with its key in `x-api-key` and a version in `anthropic-version`. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import * as Messages from "../protocols/messages/Messages.ts"
import * as HttpProvider from "../transport/HttpProvider.ts"
import { type ProviderOptions, usableKey } from "./ProviderOptions.ts"
import * as Setting from "../settings/Setting.ts"

/** `apiKey` and `model` are enough; `apiBase` defaults to `https://api.anthropic.com`, `apiVersion` to `2023-06-01`. */
export interface AnthropicOptions extends ProviderOptions {
  readonly apiVersion?: string | undefined
}

const defaultBase = "https://api.anthropic.com"
const defaultVersion = "2023-06-01"

/** A provider with these options. Fails with `ConfigurationError` where the key or the base cannot be used. */
export const layer = (options: AnthropicOptions): Layer.Layer<LlmProvider, LlmError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const key = yield* usableKey("ANTHROPIC_API_KEY", options.apiKey, "sk-ant-…")
      const base = yield* Setting.webAddress("ANTHROPIC_API_BASE", options.apiBase ?? defaultBase, defaultBase)
      const url = `${base.replace(/\/v1(\/messages)?$/, "")}/v1/messages`
      return HttpProvider.layer({
        provider: "anthropic",
        protocol: Messages.protocol,
        model: options.model,
        url: () => url,
        headers: Effect.succeed({
          ...options.headers,
          "x-api-key": key,
          "anthropic-version": options.apiVersion ?? defaultVersion,
        }),
        capabilities: () => options.capabilities,
      })
    }),
  )

/** The variables this provider reads. */
export const variables: Setting.ProviderVariables = {
  apiKey: "ANTHROPIC_API_KEY",
  apiBase: "ANTHROPIC_API_BASE",
  apiVersion: "ANTHROPIC_API_VERSION",
}

/** From `ANTHROPIC_API_KEY`, `ANTHROPIC_API_BASE`, `ANTHROPIC_API_VERSION` (or `LLM_API_KEY`, `LLM_API_BASE`) and `PRIMARY_MODEL`. */
export const layerConfig: Layer.Layer<LlmProvider, LlmError> = Layer.unwrap(
  Effect.gen(function* () {
    const model = yield* Setting.text("PRIMARY_MODEL")
    return layer({ ...(yield* Setting.chosen("anthropic", variables)), model })
  }),
)
