/** What every provider takes. */
import type { ModelCapabilities } from "../protocols/encoding/ModelCapabilities.ts"
import type { TransportOptions } from "../transport/Transport.ts"
import type { Credential } from "./Credential.ts"

/**
 * How to reach a provider. `apiKey` is a `Redacted`, a plain string, or an Effect or a function that is asked for the key
 * before each request; `model` is the default for requests that name none; `headers` are added to every request;
 * `capabilities` overrides what the model's name says it accepts (an Azure deployment's name says nothing). `name` is what
 * errors, metadata and `providerOptions` call this provider, for a service that the registry does not know. `proxy` and
 * `fetch` say how its requests travel.
 */
export interface ProviderOptions extends TransportOptions {
  readonly apiKey?: Credential | undefined
  readonly apiBase?: string | undefined
  readonly model?: string | undefined
  readonly name?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly capabilities?: Partial<ModelCapabilities> | undefined
}

/** Which of OpenAI's two interfaces is spoken: Chat Completions or Responses. */
export type WireApi = "chat" | "responses"

/** Every option that a setting can give to some provider; a provider ignores what it does not know. */
export interface TargetOptions extends ProviderOptions {
  readonly apiVersion?: string | undefined
  readonly wireApi?: WireApi | undefined
}
