/**
 * What a program asks of a model. Plain, serialisable data: no URL, no key, no provider's wire name.
 * Every provider accepts every request; what a target cannot take is dropped with a warning or refused by name.
 */
import * as Schema from "effect/Schema"
import { Message } from "./Message.ts"

export * from "./Message.ts"

/** A function the model may call. `parameters` is a JSON Schema object. `strict` asks the provider to enforce it. */
export const ToolDefinition = Schema.Struct({
  name: Schema.String,
  description: Schema.optional(Schema.String),
  parameters: Schema.Record(Schema.String, Schema.Unknown),
  strict: Schema.optional(Schema.Boolean),
})
/** A function the model may call. */
export interface ToolDefinition {
  /** What the model calls it by. */
  readonly name: string
  /** When and why to call it, for the model. */
  readonly description?: string | undefined
  /** A JSON Schema object for its arguments. */
  readonly parameters: { readonly [x: string]: unknown }
  /** True to have the provider enforce `parameters`. */
  readonly strict?: boolean | undefined
}

/** `text` (the default), `json` (any JSON object), or `json-schema` (an object that the provider holds to `schema`). */
export const ResponseFormat = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text") }),
  Schema.Struct({ type: Schema.Literal("json") }),
  Schema.Struct({
    type: Schema.Literal("json-schema"),
    name: Schema.optional(Schema.String),
    schema: Schema.Record(Schema.String, Schema.Unknown),
    strict: Schema.optional(Schema.Boolean),
  }),
])
export type ResponseFormat = TextFormat | JsonFormat | JsonSchemaFormat

/** Free text. */
export interface TextFormat {
  readonly type: "text"
}

/** Any JSON object. */
export interface JsonFormat {
  readonly type: "json"
}

/** A JSON object that the provider holds to a schema. */
export interface JsonSchemaFormat {
  readonly type: "json-schema"
  /** What the provider is told the object is called. Default `answer`. */
  readonly name?: string | undefined
  /** A JSON Schema object. */
  readonly schema: { readonly [x: string]: unknown }
  /** True to have the provider enforce the schema to the letter. */
  readonly strict?: boolean | undefined
}

/** How much a model thinks, from not at all to as much as it can. */
export const ReasoningEffort = Schema.Literals(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max"

const Positive = Schema.Int.check(Schema.isGreaterThan(0))

/**
 * How a model thinks before it answers. `effort` is what `reasoningEffort` is, and wins over it. `budgetTokens` bounds the
 * thinking of models that take a number; others get the effort. `summary` asks for the thinking in words. `tag` reads what
 * a model thinks in its text, between tags.
 */
export const ReasoningOptions = Schema.Struct({
  effort: Schema.optional(ReasoningEffort),
  budgetTokens: Schema.optional(Positive),
  summary: Schema.optional(Schema.Literals(["none", "auto", "concise", "detailed"])),
  tag: Schema.optional(Schema.String.check(Schema.isPattern(/^[A-Za-z][\w.:-]{0,63}$/))),
  startsInTag: Schema.optional(Schema.Boolean),
})
/** How a model thinks before it answers. What a target has no option for is dropped with a warning. */
export interface ReasoningOptions {
  /** How much it thinks; the nearest that the model knows is taken. */
  readonly effort?: ReasoningEffort | undefined
  /** The most tokens that it thinks for. A whole number above 0. */
  readonly budgetTokens?: number | undefined
  /** Whether the answer tells the thinking in words, and at what length; `none` leaves it out. */
  readonly summary?: "none" | "auto" | "concise" | "detailed" | undefined
  /**
   * The tag between which the model writes its thinking into its text, where nothing on the way reads it: `think` for
   * `<think>…</think>`. What stands between becomes reasoning parts, and `text` is without it. A letter, then at most 63
   * letters, digits, or `_ . : -`.
   */
  readonly tag?: string | undefined
  /** True where the answer begins inside `tag`, because the model's prompt template has the opening one. Default false. */
  readonly startsInTag?: boolean | undefined
}

/**
 * One question to a model. Only `messages` is required.
 *
 * - `model` overrides the target's default model.
 * - `maxTokens` counts output tokens, reasoning included, and is a whole number above 0.
 * - `toolChoice` is `auto`, `none`, `required`, or the one tool to call.
 * - `previousResponseId` continues an answer that the provider stored (`metadata.responseId`): `messages` then holds only
 *   what is new. Only the Responses API has it; a target that speaks another one refuses the request.
 * - `providerOptions[provider]` is merged into that provider's request body untouched and last; keys are wire names.
 */
export const LlmRequest = Schema.Struct({
  messages: Schema.Array(Message).check(Schema.isMinLength(1)),
  model: Schema.optional(Schema.NonEmptyString),
  temperature: Schema.optional(Schema.Finite),
  topP: Schema.optional(Schema.Finite),
  maxTokens: Schema.optional(Positive),
  stop: Schema.optional(Schema.Array(Schema.String)),
  seed: Schema.optional(Schema.Int),
  frequencyPenalty: Schema.optional(Schema.Finite),
  presencePenalty: Schema.optional(Schema.Finite),
  tools: Schema.optional(Schema.Array(ToolDefinition)),
  toolChoice: Schema.optional(
    Schema.Union([Schema.Literals(["auto", "none", "required"]), Schema.Struct({ name: Schema.NonEmptyString })]),
  ),
  parallelToolCalls: Schema.optional(Schema.Boolean),
  responseFormat: Schema.optional(ResponseFormat),
  reasoningEffort: Schema.optional(ReasoningEffort),
  reasoning: Schema.optional(ReasoningOptions),
  user: Schema.optional(Schema.String),
  previousResponseId: Schema.optional(Schema.NonEmptyString),
  providerOptions: Schema.optional(Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown))),
})
/** One question to a model. Only `messages` is required. */
export interface LlmRequest {
  /** The conversation so far, the question last. At least one message. */
  readonly messages: ReadonlyArray<Message>
  /** The model to ask, in place of the target's default; `provider/model` where a stack routes by model. */
  readonly model?: string | undefined
  /** How freely the model chooses its words: 0 for the likeliest. Left out, the provider's default. */
  readonly temperature?: number | undefined
  /** Chooses among the likeliest words that together have this probability, above 0 and up to 1. */
  readonly topP?: number | undefined
  /** The most tokens the answer may take, reasoning included. A whole number above 0. */
  readonly maxTokens?: number | undefined
  /** Texts before which the answer ends. */
  readonly stop?: ReadonlyArray<string> | undefined
  /** Asks for the same answer to the same request, as far as the provider can. A whole number. */
  readonly seed?: number | undefined
  /** Lowers the chance of words by how often they have come, -2 to 2. */
  readonly frequencyPenalty?: number | undefined
  /** Lowers the chance of words that have come at all, -2 to 2. */
  readonly presencePenalty?: number | undefined
  /** The functions that the model may call. */
  readonly tools?: ReadonlyArray<ToolDefinition> | undefined
  /** Whether the model calls a function: as it likes (`auto`), not at all, at least one, or this one. */
  readonly toolChoice?: "auto" | "none" | "required" | { readonly name: string } | undefined
  /** False for at most one tool call in an answer. */
  readonly parallelToolCalls?: boolean | undefined
  /** What the answer is: free text, JSON, or JSON of a schema. */
  readonly responseFormat?: ResponseFormat | undefined
  /** How much the model thinks before it answers; models that do not reason ignore it with a warning. */
  readonly reasoningEffort?: ReasoningEffort | undefined
  /** The same and more: a budget in tokens, and whether the thinking is told in words. */
  readonly reasoning?: ReasoningOptions | undefined
  /** The end user on whose behalf the program asks, for the provider's abuse detection. No name and no address. */
  readonly user?: string | undefined
  /** Continues an answer that the provider stored (`metadata.responseId`); only the Responses API has it. */
  readonly previousResponseId?: string | undefined
  /** By provider: fields of its own request body, in its own words, that are sent untouched and last. */
  readonly providerOptions?: { readonly [x: string]: { readonly [x: string]: unknown } } | undefined
}
