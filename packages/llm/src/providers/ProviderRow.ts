/** What the registry knows of one provider. A row is data and one function; it sends nothing. */
import type * as Effect from "effect/Effect"
import type { LlmError } from "../model/LlmError.ts"
import type { ProviderVariables } from "../settings/Setting.ts"
import type { EmbeddingEndpoint, Endpoint, ModelEndpoint } from "../transport/Endpoint.ts"
import type { EmbeddingOptions, TargetOptions } from "./ProviderOptions.ts"

/** The wire formats of this library, by the names of their folders. */
export type ProtocolName = "chat-completions" | "messages" | "responses" | "embeddings"

/** The embeddings of one provider. */
export interface EmbeddingRow {
  /** How the names of the embedding models begin that a name without a provider means; lower case. */
  readonly families: ReadonlyArray<string>
  /** A model as errors show it. */
  readonly exampleModel: string
  /** What reaches them with these options. Fails with `ConfigurationError` where the key or the address cannot be used. */
  readonly endpoint: (options: TargetOptions & Partial<EmbeddingOptions>) => Effect.Effect<EmbeddingEndpoint, LlmError>
}

/** What one provider tells of its models. */
export interface ModelRow {
  /** What reaches it with these options. Fails with `ConfigurationError` where the key or the address cannot be used. */
  readonly endpoint: (options: TargetOptions) => Effect.Effect<ModelEndpoint, LlmError>
}

/** One provider: what it is called, where it answers, what it reads from the environment, and how it is reached. */
export interface ProviderRow {
  /** The name in settings, errors and metadata, and before the slash in `provider/model`; lower case. */
  readonly name: string
  /** The name that its makers write. */
  readonly title: string
  /** Other names that mean the same in settings and before the slash. */
  readonly aliases: ReadonlyArray<string>
  /** The variables that its settings are read from. */
  readonly variables: ProviderVariables
  /** The address where none is set; undefined where every account has its own. */
  readonly apiBase: string | undefined
  /** The protocols it speaks, the default first. */
  readonly protocols: readonly [ProtocolName, ...ReadonlyArray<ProtocolName>]
  /** The header that holds its key and nothing else; left out where that is `Authorization: Bearer …`. */
  readonly keyHeader?: string | undefined
  /** Answers without a key, as local servers do. */
  readonly isKeyOptional: boolean
  /** What an error says to write where the key or the address is missing or malformed. */
  readonly example: {
    readonly keyVariable: string
    readonly apiKey: string
    readonly baseVariable: string
    readonly apiBase: string
  }
  /** `gen_ai.provider.name` in OpenTelemetry's GenAI conventions; the provider's own name where they have none. */
  readonly telemetryName: string
  /** The model that a fallback to this provider asks for where no setting names one. */
  readonly fallbackModel: string | undefined
  /** How the names of the models begin that a name without a provider means; lower case. */
  readonly families: ReadonlyArray<string>
  /** Providers whose families answer here too, where those providers have no key. */
  readonly servesFamiliesOf: ReadonlyArray<string>
  /** The account's owner names the models (deployments, aliases): a name tells neither maker nor price. */
  readonly hasOwnModelNames: boolean
  /** Where no address is set, models are routed to the other providers in this process. */
  readonly isRouter: boolean
  /** The part of the price table that it charges by; undefined where its prices are not known. It counts only at `apiBase`. */
  readonly priceList: string | undefined
  /** What reaches it with these options. Fails with `ConfigurationError` where the key or the address cannot be used. */
  readonly endpoint: (options: TargetOptions) => Effect.Effect<Endpoint, LlmError>
  /** Its embeddings; undefined where it serves none. */
  readonly embeddings?: EmbeddingRow | undefined
  /** Its list of models and its counting of tokens; undefined where it has neither. */
  readonly models?: ModelRow | undefined
}
