/**
 * What a model answered, and what it took to get there. The same object comes from `generate` and from folding the
 * events of `stream` (law 5: folding the events of `stream` gives the response of `generate`).
 */
import * as Schema from "effect/Schema"
import { ImagePart, OtherPart, ReasoningPart, RefusalPart, TextPart, ToolCallPart } from "./LlmRequest.ts"

/**
 * Tokens of one answer. `inputTokens` is everything the model read, `cachedInputTokens` and `cacheWriteTokens` are parts
 * of it (disjoint from each other); `outputTokens` is everything it wrote, `reasoningTokens` is a part of it (some
 * OpenAI-compatible services, xAI among them, count reasoning beside the output: there only `totalTokens` holds it). A
 * bucket that the provider did not report is absent, never 0.
 */
export const Usage = Schema.Struct({
  inputTokens: Schema.optional(Schema.Finite),
  outputTokens: Schema.optional(Schema.Finite),
  totalTokens: Schema.optional(Schema.Finite),
  cachedInputTokens: Schema.optional(Schema.Finite),
  cacheWriteTokens: Schema.optional(Schema.Finite),
  reasoningTokens: Schema.optional(Schema.Finite),
})
export type Usage = typeof Usage.Type

/** `reported`: the provider's final figures. `partial`: figures from an answer cut short. `unknown`: none came. */
export const UsageStatus = Schema.Literals(["reported", "partial", "unknown"])
export type UsageStatus = typeof UsageStatus.Type

/**
 * Why the answer ended. `content-filter` covers refusals too (their text is a `refusal` part), `pause` is Anthropic's
 * `pause_turn`; a value this library does not know is `other`, with the raw value in `metadata.rawFinishReason`.
 */
export const FinishReason = Schema.Literals(["stop", "length", "tool-calls", "content-filter", "pause", "other"])
export type FinishReason = typeof FinishReason.Type

/** A part of an answer, in the order in which the model produced it. */
export const ResponsePart = Schema.Union([TextPart, ImagePart, ReasoningPart, RefusalPart, ToolCallPart, OtherPart])
export type ResponsePart = typeof ResponsePart.Type

/** A function the model wants called; `arguments` is parsed JSON. */
export const ToolCall = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  arguments: Schema.Unknown,
})
export type ToolCall = typeof ToolCall.Type

/**
 * One request made or refused on behalf of a call (law 17). `started` is ISO 8601; `queuedMs` is the wait for a permit,
 * `waitedMs` the backoff before this attempt, `durationMs` the attempt itself without either.
 */
export const AttemptRecord = Schema.Struct({
  provider: Schema.String,
  model: Schema.optional(Schema.String),
  servedModel: Schema.optional(Schema.String),
  targetIndex: Schema.Finite,
  started: Schema.String,
  queuedMs: Schema.Finite,
  waitedMs: Schema.Finite,
  firstOutputMs: Schema.optional(Schema.Finite),
  durationMs: Schema.Finite,
  status: Schema.optional(Schema.Finite),
  requestId: Schema.optional(Schema.String),
  errorType: Schema.optional(Schema.String),
  retryAfterMs: Schema.optional(Schema.Finite),
  usage: Schema.optional(Usage),
  costUsd: Schema.NullOr(Schema.Finite),
})
export type AttemptRecord = typeof AttemptRecord.Type

/**
 * What surrounds an answer. `model` is the one asked for, `servedModel` the one that answered. `latencyMs` counts from
 * the call to its end, queue and waits included; `timestamp` (ISO 8601) is the call's start. `costUsd` is null where the
 * model's price is not known. `degraded` is true only for a configured fallback text.
 */
export const ResponseMetadata = Schema.Struct({
  provider: Schema.String,
  model: Schema.optional(Schema.String),
  servedModel: Schema.optional(Schema.String),
  temperature: Schema.optional(Schema.Finite),
  maxTokens: Schema.optional(Schema.Finite),
  usage: Usage,
  usageStatus: UsageStatus,
  latencyMs: Schema.Finite,
  timestamp: Schema.String,
  requestId: Schema.optional(Schema.String),
  rawFinishReason: Schema.optional(Schema.String),
  costUsd: Schema.NullOr(Schema.Finite),
  attempts: Schema.Array(AttemptRecord),
  warnings: Schema.Array(Schema.String),
  degraded: Schema.Boolean,
})
export type ResponseMetadata = typeof ResponseMetadata.Type

/** One complete answer. `text` is every text part joined with nothing between. */
export const LlmResponse = Schema.Struct({
  text: Schema.String,
  parts: Schema.Array(ResponsePart),
  toolCalls: Schema.Array(ToolCall),
  finishReason: FinishReason,
  metadata: ResponseMetadata,
})
export type LlmResponse = typeof LlmResponse.Type

/** The response that these parts make: `text` and `toolCalls` are read from `parts`, so that they can never disagree. */
export const fromParts = (
  parts: ReadonlyArray<ResponsePart>,
  finishReason: FinishReason,
  metadata: ResponseMetadata,
): LlmResponse => {
  let text = ""
  const toolCalls: Array<ToolCall> = []
  for (const part of parts) {
    if (part.type === "text") text += part.text
    else if (part.type === "tool-call") toolCalls.push({ id: part.id, name: part.name, arguments: part.arguments })
  }
  return { text, parts, toolCalls, finishReason, metadata }
}
