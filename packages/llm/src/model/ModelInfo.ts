/** The service that tells of models: which ones a provider lists, and how many tokens a request is for one of them. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LlmError } from "./LlmError.ts"
import type { LlmRequest } from "./LlmRequest.ts"
import { ResponseMetadata } from "./LlmResponse.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** One model, as far as its service describes it. */
export const ModelDescription = Schema.Struct({
  id: Schema.NonEmptyString,
  displayName: Schema.optional(Schema.String),
  createdAt: Schema.optional(Schema.String),
  retiresAt: Schema.optional(Schema.String),
  contextTokens: Schema.optional(Count),
  maxOutputTokens: Schema.optional(Count),
  owner: Schema.optional(Schema.String),
})
/** One model, as far as its service describes it. What it did not say is absent. */
export interface ModelDescription {
  /** The name to ask it by, as the service writes it. */
  readonly id: string
  /** The name for people. */
  readonly displayName?: string | undefined
  /** When the service says that the model was made or released, ISO 8601. */
  readonly createdAt?: string | undefined
  /** When the model is to be shut down, ISO 8601; absent where nothing is announced. */
  readonly retiresAt?: string | undefined
  /** The most tokens of one request, or of a request and its answer together: services differ in which one they tell. */
  readonly contextTokens?: number | undefined
  /** The most tokens of one answer. */
  readonly maxOutputTokens?: number | undefined
  /** Who made the model or owns it, in the service's words. */
  readonly owner?: string | undefined
}

/** The models of a provider, in the order in which it lists them. */
export const ModelList = Schema.Struct({
  models: Schema.Array(ModelDescription),
  metadata: ResponseMetadata,
})
/** The models of a provider. */
export interface ModelList {
  /** One for each model, in the order in which the service lists them. */
  readonly models: ReadonlyArray<ModelDescription>
  /** What surrounds them: who, how long, how many requests. No tokens are used. */
  readonly metadata: ResponseMetadata
}

/** How many tokens a request is, and how far that can be trusted. */
export const TokenCount = Schema.Union([
  Schema.Struct({ type: Schema.Literal("exact"), inputTokens: Count }),
  Schema.Struct({
    type: Schema.Literal("estimate"),
    inputTokens: Count,
    errorBound: Schema.Finite,
    tokenizer: Schema.String,
  }),
  Schema.Struct({ type: Schema.Literal("unknown"), reason: Schema.String }),
])
/** How many tokens a request is, and how far that can be trusted. */
export type TokenCount =
  | {
      /** Counted by the service that would answer. */
      readonly type: "exact"
      /** The tokens that the model would read, tools and schema included. */
      readonly inputTokens: number
    }
  | {
      /** Computed here, from a tokenizer and a formula. */
      readonly type: "estimate"
      /** The tokens that the model would read, tools and schema included. */
      readonly inputTokens: number
      /** How far the true count may be from `inputTokens`, as a share of it: with 0.1, 10 % more or less. */
      readonly errorBound: number
      /** What the texts were counted with, such as `o200k_base`. */
      readonly tokenizer: string
    }
  | {
      /** Neither counted nor estimated: any number would be a guess. */
      readonly type: "unknown"
      /** Why, in one line. */
      readonly reason: string
    }

/** The count of one request. */
export const CountedTokens = Schema.Struct({ count: TokenCount, metadata: ResponseMetadata })
/** The count of one request. */
export interface CountedTokens {
  /** The tokens: exact, an estimate with its error bound, or unknown. */
  readonly count: TokenCount
  /** What surrounds it: who, how long, how many requests; none for a count that was made here. */
  readonly metadata: ResponseMetadata
}

/** Tells of models. Fails with `LlmError` only; interrupting it closes its connection. */
export class ModelInfo extends Context.Service<
  ModelInfo,
  {
    /** What the provider is called in errors, attempts and logs. */
    readonly name: string
    /** The model that tokens are counted for where a request names none, where the provider has one. */
    readonly model?: string | undefined
    /** How many targets may be asked one after another for one request; 1 where absent. */
    readonly targets?: number | undefined
    /** The models that the service lists for this key. A service that lists none fails as it answers, with a 404 mostly. */
    readonly models: Effect.Effect<ModelList, LlmError>
    /** The tokens of a request, which is checked as `generate` checks it. Nothing is generated. */
    readonly countTokens: (request: LlmRequest) => Effect.Effect<CountedTokens, LlmError>
  }
>()("@wiseflow/llm/ModelInfo") {}
