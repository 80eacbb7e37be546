/**
 * What a program asks of a model. Plain, serialisable data: no URL, no key, no provider's wire name.
 * Every provider accepts every request; what a target cannot take is dropped with a warning or refused by name.
 */
import * as Schema from "effect/Schema"

/** Plain text. */
export const TextPart = Schema.Struct({
  type: Schema.Literal("text"),
  text: Schema.String,
})
export type TextPart = typeof TextPart.Type

/** Bytes or a place to fetch them: exactly one of `url` (http, https or data) and `data` (base64, with `mediaType`). */
const mediaFields = {
  url: Schema.optional(Schema.String),
  data: Schema.optional(Schema.String),
  mediaType: Schema.optional(Schema.String),
}

/** A picture for the model to look at. `detail` is OpenAI's reading depth; other providers ignore it. */
export const ImagePart = Schema.Struct({
  type: Schema.Literal("image"),
  ...mediaFields,
  detail: Schema.optional(Schema.Literals(["auto", "low", "high", "original"])),
})
export type ImagePart = typeof ImagePart.Type

/** A document for the model to read, as bytes, as a URL, or by the id of a file uploaded to the provider before. */
export const FilePart = Schema.Struct({
  type: Schema.Literal("file"),
  ...mediaFields,
  fileId: Schema.optional(Schema.String),
  filename: Schema.optional(Schema.String),
})
export type FilePart = typeof FilePart.Type

/**
 * What the model thought before it answered. Send it back unchanged: Anthropic verifies `signature`, and `redacted`
 * holds thinking that only the provider can read. `protocol` names the wire format that it came over where no other
 * takes it (`responses`); a target that speaks another one leaves it out with a warning.
 */
export const ReasoningPart = Schema.Struct({
  type: Schema.Literal("reasoning"),
  text: Schema.String,
  signature: Schema.optional(Schema.String),
  redacted: Schema.optional(Schema.String),
  protocol: Schema.optional(Schema.String),
})
export type ReasoningPart = typeof ReasoningPart.Type

/** Why the model declined. Only assistants say this. */
export const RefusalPart = Schema.Struct({
  type: Schema.Literal("refusal"),
  text: Schema.String,
})
export type RefusalPart = typeof RefusalPart.Type

/** A function the model wants called. `arguments` is parsed JSON (the raw text where the model wrote invalid JSON). */
export const ToolCallPart = Schema.Struct({
  type: Schema.Literal("tool-call"),
  id: Schema.String,
  name: Schema.String,
  arguments: Schema.Unknown,
})
export type ToolCallPart = typeof ToolCallPart.Type

/** What the called function answered. `toolCallId` names a tool call of an earlier assistant message. */
export const ToolResultPart = Schema.Struct({
  type: Schema.Literal("tool-result"),
  toolCallId: Schema.String,
  content: Schema.Union([Schema.String, Schema.Array(Schema.Union([TextPart, ImagePart, FilePart]))]),
  isError: Schema.optional(Schema.Boolean),
})
export type ToolResultPart = typeof ToolResultPart.Type

/**
 * Something a provider said that this library has no name for, kept whole. `provider` is the name of the protocol that it
 * came through (`chat-completions`, `messages`, `responses`): sent back, it goes only where that protocol is spoken.
 */
export const OtherPart = Schema.Struct({
  type: Schema.Literal("other"),
  provider: Schema.String,
  value: Schema.Unknown,
})
export type OtherPart = typeof OtherPart.Type

export const SystemMessage = Schema.Struct({
  role: Schema.Literal("system"),
  content: Schema.Union([Schema.String, Schema.Array(TextPart)]),
})
export type SystemMessage = typeof SystemMessage.Type

export const UserMessage = Schema.Struct({
  role: Schema.Literal("user"),
  content: Schema.Union([Schema.String, Schema.Array(Schema.Union([TextPart, ImagePart, FilePart]))]),
})
export type UserMessage = typeof UserMessage.Type

export const AssistantMessage = Schema.Struct({
  role: Schema.Literal("assistant"),
  content: Schema.Union([
    Schema.String,
    Schema.Array(Schema.Union([TextPart, ReasoningPart, RefusalPart, ToolCallPart, OtherPart])),
  ]),
})
export type AssistantMessage = typeof AssistantMessage.Type

export const ToolMessage = Schema.Struct({
  role: Schema.Literal("tool"),
  content: Schema.Array(ToolResultPart),
})
export type ToolMessage = typeof ToolMessage.Type

export const Message = Schema.Union([SystemMessage, UserMessage, AssistantMessage, ToolMessage])
export type Message = typeof Message.Type

/** A function the model may call. `parameters` is a JSON Schema object. `strict` asks the provider to enforce it. */
export const ToolDefinition = Schema.Struct({
  name: Schema.String,
  description: Schema.optional(Schema.String),
  parameters: Schema.Record(Schema.String, Schema.Unknown),
  strict: Schema.optional(Schema.Boolean),
})
export type ToolDefinition = typeof ToolDefinition.Type

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
export type ResponseFormat = typeof ResponseFormat.Type

const Positive = Schema.Int.check(Schema.isGreaterThan(0))

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
  reasoningEffort: Schema.optional(Schema.Literals(["none", "minimal", "low", "medium", "high", "xhigh", "max"])),
  user: Schema.optional(Schema.String),
  previousResponseId: Schema.optional(Schema.NonEmptyString),
  providerOptions: Schema.optional(Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown))),
})
export type LlmRequest = typeof LlmRequest.Type
