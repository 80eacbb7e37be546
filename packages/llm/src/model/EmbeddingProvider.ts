/** The service that turns texts into vectors. Like `LlmProvider`, it is one tag for providers, policies and tests. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LlmError } from "./LlmError.ts"
import { ResponseMetadata } from "./LlmResponse.ts"

/**
 * Texts to embed. Only `inputs` is required.
 *
 * - `model` overrides the provider's default model.
 * - `dimensions` asks for shorter vectors, where the model can shorten them.
 * - `providerOptions[provider]` is merged into that provider's request body untouched and last; keys are wire names.
 */
export const EmbeddingRequest = Schema.Struct({
  inputs: Schema.Array(Schema.String).check(Schema.isMinLength(1)),
  model: Schema.optional(Schema.NonEmptyString),
  dimensions: Schema.optional(Schema.Int.check(Schema.isGreaterThan(0))),
  user: Schema.optional(Schema.String),
  providerOptions: Schema.optional(Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown))),
})
/** Texts to embed. Only `inputs` is required. */
export interface EmbeddingRequest {
  /** The texts, none of them empty. At least one. */
  readonly inputs: ReadonlyArray<string>
  /** The model to ask, in place of the default; `provider/model` where a stack routes by model. */
  readonly model?: string | undefined
  /** The length of the vectors, where the model can shorten them. A whole number above 0. */
  readonly dimensions?: number | undefined
  /** The end user on whose behalf the program asks, for the provider's abuse detection. No name and no address. */
  readonly user?: string | undefined
  /** By provider: fields of its own request body, in its own words, that are sent untouched and last. */
  readonly providerOptions?: { readonly [x: string]: { readonly [x: string]: unknown } } | undefined
}

/** One vector for each input, in the order of `inputs`. */
export const EmbeddingResponse = Schema.Struct({
  embeddings: Schema.mutable(Schema.Array(Schema.mutable(Schema.Array(Schema.Finite)))),
  metadata: ResponseMetadata,
})
/** One vector for each input, in the order of `inputs`. */
export interface EmbeddingResponse {
  /** The vectors, all of one length. */
  readonly embeddings: Array<Array<number>>
  /** What surrounds them: who, how much, how long, at what price. */
  readonly metadata: ResponseMetadata
}

/** How much one request may hold, as the service documents it. */
export interface BatchLimits {
  /** The most inputs of one request. */
  readonly inputs: number
  /** The most tokens of all inputs of one request together; absent where the service names no such limit. */
  readonly tokens?: number | undefined
  /** True where the service documents no limit: then more is sent in one request if it is asked for. */
  readonly isAdvice?: boolean | undefined
}

/** Embeds texts. Fails with `LlmError` only; interrupting it closes its connection. */
export class EmbeddingProvider extends Context.Service<
  EmbeddingProvider,
  {
    /** What the provider is called in errors, attempts and logs. */
    readonly name: string
    /** The model that embeds requests that name none, where the provider has one. */
    readonly model?: string | undefined
    /** How many targets may be asked one after another for one request; 1 where absent. */
    readonly targets?: number | undefined
    /** How much one request to a model may hold; absent where nothing is known of it. `withBatches` reads it. */
    readonly batchLimits?: ((model: string | undefined) => BatchLimits | undefined) | undefined
    readonly embed: (request: EmbeddingRequest) => Effect.Effect<EmbeddingResponse, LlmError>
  }
>()("@wiseflow/llm/EmbeddingProvider") {}
