/** What every provider takes. */
import type { BatchLimits } from "../model/EmbeddingProvider.ts"
import type { OwnPrices } from "../prices/OwnPrices.ts"
import type { ModelCapabilities } from "../protocols/encoding/ModelCapabilities.ts"
import type { TransportOptions } from "../transport/Transport.ts"
import type { Credential } from "./Credential.ts"

/**
 * How to reach a provider. `apiKey` is a `Redacted`, a plain string, or an Effect or a function that is asked for the key
 * before each request, and `keyHeader` the header that holds it; `model` is the default for requests that name none; `headers`
 * are added to every request; `capabilities` overrides what the model's name says it accepts (an Azure deployment's name says
 * nothing). `name` is what errors, metadata and `providerOptions` call this provider, for a service that the registry does not
 * know. `prices` says what its answers cost; `proxy` and `fetch` say how its requests travel.
 */
export interface ProviderOptions extends TransportOptions {
  /** The key, or an Effect or a function that is asked for it before each request. */
  readonly apiKey?: Credential | undefined
  /** The header that holds the key and nothing else, as in `x-api-key`. Default: the provider's own. */
  readonly keyHeader?: string | undefined
  /** The address that requests go to. Default: the provider's own. */
  readonly apiBase?: string | undefined
  /** The model of requests that name none. */
  readonly model?: string | undefined
  /** What errors, metadata and `providerOptions` call this provider. Default: its name in the registry. */
  readonly name?: string | undefined
  /** Added to every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** What the model accepts, where its name does not tell (an Azure deployment). */
  readonly capabilities?: Partial<ModelCapabilities> | undefined
  /** Prices of your own, in place of the built-in table: rates by the names of models, or a function. */
  readonly prices?: OwnPrices | undefined
}

/** Which of OpenAI's two interfaces is spoken: Chat Completions or Responses. */
export type WireApi = "chat" | "responses"

/** What every provider of embeddings takes. */
export interface EmbeddingOptions extends Omit<ProviderOptions, "capabilities"> {
  /** How much one request may hold. Default: what the service documents. */
  readonly batchLimits?: BatchLimits | undefined
  /**
   * How vectors are asked for; `none` says nothing about it, for a service that refuses the field. Vectors are read in
   * either form, whatever was asked. Default: `base64` where the service documents it, which is a quarter of the text.
   */
  readonly encodingFormat?: "base64" | "float" | "none" | undefined
}

/** Every option that a setting can give to some provider; a provider ignores what it does not know. */
export interface TargetOptions extends ProviderOptions {
  /** The version of the interface, for providers that ask for one. */
  readonly apiVersion?: string | undefined
  /** `chat` (the default) or `responses`, for providers that speak both. */
  readonly wireApi?: WireApi | undefined
}
