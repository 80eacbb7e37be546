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
/** Tokens of one answer. A bucket that the provider did not report is absent, never 0. */
export interface Usage {
  /** Everything the model read. */
  readonly inputTokens?: number | undefined
  /** Everything the model wrote, reasoning included. */
  readonly outputTokens?: number | undefined
  /** The provider's own total. */
  readonly totalTokens?: number | undefined
  /** The part of `inputTokens` that came from the provider's cache. */
  readonly cachedInputTokens?: number | undefined
  /** The part of `inputTokens` that was written to the provider's cache. */
  readonly cacheWriteTokens?: number | undefined
  /** The part of `outputTokens` that the model thought. */
  readonly reasoningTokens?: number | undefined
}

/**
 * Where a cost comes from: `service`, the service itself in its answer; `custom`, prices that the user brought;
 * `table 2026-09-23`, the built-in price table, whose source for this model is of that day.
 */
export const PriceSource = Schema.Union([
  Schema.Literals(["service", "custom"]),
  Schema.TemplateLiteral(["table ", Schema.String]),
])
export type PriceSource = "service" | "custom" | `table ${string}`

/** `reported`: the provider's final figures. `partial`: figures from an answer cut short. `unknown`: none came. */
export const UsageStatus = Schema.Literals(["reported", "partial", "unknown"])
export type UsageStatus = typeof UsageStatus.Type

/** How a service billed one answer, beside the tokens that it counted. What it did not say is absent. */
export interface Billing {
  /** The tier that served the answer, in the service's own word: `flex`, `priority`, `batch`, `fast`. */
  readonly serviceTier?: string | undefined
  /** The part of `cacheWriteTokens` that is kept longer than the shortest time: an hour at Anthropic, 12 at OpenAI. */
  readonly longCacheWriteTokens?: number | undefined
  /** Where the model ran, in the service's own word, where that has a price. */
  readonly region?: string | undefined
  /** What the service itself says the answer cost, in US dollars. */
  readonly costUsd?: number | undefined
}

/**
 * Why the answer ended. `content-filter` covers refusals too (their text is a `refusal` part), `pause` is Anthropic's
 * `pause_turn`; a value this library does not know is `other`, with the raw value in `metadata.rawFinishReason`.
 */
export const FinishReason = Schema.Literals(["stop", "length", "tool-calls", "content-filter", "pause", "other"])
export type FinishReason = typeof FinishReason.Type

/** A part of an answer, in the order in which the model produced it. */
export const ResponsePart = Schema.Union([TextPart, ImagePart, ReasoningPart, RefusalPart, ToolCallPart, OtherPart])
export type ResponsePart = TextPart | ImagePart | ReasoningPart | RefusalPart | ToolCallPart | OtherPart

/** A function the model wants called; `arguments` is parsed JSON. */
export const ToolCall = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  arguments: Schema.Unknown,
})
/** A function the model wants called. */
export interface ToolCall {
  /** Which call this is; its result names it. */
  readonly id: string
  /** The function. */
  readonly name: string
  /** Parsed JSON, or the raw text where the model wrote invalid JSON. */
  readonly arguments: unknown
}

const amount = Schema.optional(Schema.Finite)
const limit = Schema.optional(Schema.Struct({ limit: amount, remaining: amount, resetMs: amount }))
const RateLimitsSchema = Schema.Struct({ requests: limit, tokens: limit, inputTokens: limit, outputTokens: limit })
const Headers = Schema.Record(Schema.String, Schema.String)

/** One rate limit. What the service does not tell is absent. */
export interface RateLimit {
  /** How many the account may use in one window. */
  readonly limit?: number | undefined
  /** How many are left. */
  readonly remaining?: number | undefined
  /** How long until it is whole again, in milliseconds. */
  readonly resetMs?: number | undefined
}

/** The rate limits of the account, as a response's headers tell them. What is not told is absent. */
export interface RateLimits {
  /** Requests. */
  readonly requests?: RateLimit | undefined
  /** Tokens, input and output together. */
  readonly tokens?: RateLimit | undefined
  /** Input tokens. */
  readonly inputTokens?: RateLimit | undefined
  /** Output tokens. */
  readonly outputTokens?: RateLimit | undefined
}
const ChosenBy = Schema.Literals(["weighted", "least-in-flight", "latency", "sticky", "only", "soonest", "next"])

/**
 * One request made or refused on behalf of a call (law 17). `started` is ISO 8601; `queuedMs` is the wait for a permit,
 * `waitedMs` the backoff before this attempt, `durationMs` the attempt itself without either.
 */
export const AttemptRecord = Schema.Struct({
  provider: Schema.String,
  model: Schema.optional(Schema.String),
  servedModel: Schema.optional(Schema.String),
  targetIndex: Schema.Finite,
  deployment: Schema.optional(Schema.String),
  chosenBy: Schema.optional(ChosenBy),
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
  priceSource: Schema.optional(PriceSource),
  limits: Schema.optional(RateLimitsSchema),
  responseHeaders: Schema.optional(Headers),
})
/** One request made or refused on behalf of a call. */
export interface AttemptRecord {
  /** The provider that was asked. */
  readonly provider: string
  /** The model that was asked for. */
  readonly model?: string | undefined
  /** The model that answered, as the provider names it. */
  readonly servedModel?: string | undefined
  /** Which target of a fallback was asked; the first is 0. */
  readonly targetIndex: number
  /** Which of several deployments of the model was asked (`withBalance`). */
  readonly deployment?: string | undefined
  /** Why that one: by a strategy, by the call's key, because no other could be asked, as the first to be free, or after a failure. */
  readonly chosenBy?: "weighted" | "least-in-flight" | "latency" | "sticky" | "only" | "soonest" | "next" | undefined
  /** When the attempt began, ISO 8601. */
  readonly started: string
  /** The wait for a permit before it, in milliseconds. */
  readonly queuedMs: number
  /** The wait before a retry, in milliseconds. */
  readonly waitedMs: number
  /** From its start to the first piece of the answer, in milliseconds. */
  readonly firstOutputMs?: number | undefined
  /** The attempt itself, without the waits before it, in milliseconds. */
  readonly durationMs: number
  /** The HTTP status of its response. */
  readonly status?: number | undefined
  /** The provider's id of the request, for its support. */
  readonly requestId?: string | undefined
  /** How it failed: the tag of its `LlmError`'s reason. */
  readonly errorType?: string | undefined
  /** How many milliseconds the provider asked to wait. */
  readonly retryAfterMs?: number | undefined
  /** The tokens that it took, as far as they are known. */
  readonly usage?: Usage | undefined
  /** Its price in US dollars; null where it is not known. */
  readonly costUsd: number | null
  /** Where the price comes from; absent where `costUsd` is null. */
  readonly priceSource?: PriceSource | undefined
  /** The account's rate limits, where the call asked for them (`includeResponseHeaders`). */
  readonly limits?: RateLimits | undefined
  /** The headers of its response, names in lower case, where the call asked for them (`includeResponseHeaders`). */
  readonly responseHeaders?: Readonly<Record<string, string>> | undefined
}

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
  responseId: Schema.optional(Schema.String),
  rawFinishReason: Schema.optional(Schema.String),
  costUsd: Schema.NullOr(Schema.Finite),
  priceSource: Schema.optional(PriceSource),
  attempts: Schema.Array(AttemptRecord),
  warnings: Schema.Array(Schema.String),
  degraded: Schema.Boolean,
  cached: Schema.optional(Schema.Boolean),
  limits: Schema.optional(RateLimitsSchema),
  responseHeaders: Schema.optional(Headers),
})
/** What surrounds an answer. */
export interface ResponseMetadata {
  /** The provider that answered. */
  readonly provider: string
  /** The model that was asked for. */
  readonly model?: string | undefined
  /** The model that answered, as the provider names it. */
  readonly servedModel?: string | undefined
  /** The temperature that was sent. */
  readonly temperature?: number | undefined
  /** The limit of output tokens that was sent. */
  readonly maxTokens?: number | undefined
  /** The tokens of the answer. */
  readonly usage: Usage
  /** How far `usage` can be trusted. */
  readonly usageStatus: UsageStatus
  /** From the call to its end, queue and waits included, in milliseconds. */
  readonly latencyMs: number
  /** When the call began, ISO 8601. */
  readonly timestamp: string
  /** The provider's id of the request, for its support. */
  readonly requestId?: string | undefined
  /** Why the answer ended, in the provider's own word. */
  readonly rawFinishReason?: string | undefined
  /** The provider's id of the answer, for `previousResponseId` where it is stored; only the Responses API gives one. */
  readonly responseId?: string | undefined
  /** The price in US dollars; null where it is not known. */
  readonly costUsd: number | null
  /** Where the price comes from: the service, the user's own prices, or the built-in table with its date. Absent where unknown. */
  readonly priceSource?: PriceSource | undefined
  /** Every request made or refused, in order. */
  readonly attempts: ReadonlyArray<AttemptRecord>
  /** What was dropped or changed on the way to the provider, in words. */
  readonly warnings: ReadonlyArray<string>
  /** True only for a configured fallback text, which no model wrote. */
  readonly degraded: boolean
  /**
   * True where no request was made for this call: the answer came from a cache, or from the request of an equal call under
   * way. `costUsd` is then 0, `attempts` has none of that request, and `usage` is what the answer took when it was made.
   */
  readonly cached?: boolean | undefined
  /** The account's rate limits after the last response, where the call asked for them (`includeResponseHeaders`). */
  readonly limits?: RateLimits | undefined
  /** The headers of the last response, names in lower case, where the call asked for them (`includeResponseHeaders`). */
  readonly responseHeaders?: Readonly<Record<string, string>> | undefined
}

/** One complete answer. `text` is every text part joined with nothing between. */
export const LlmResponse = Schema.Struct({
  text: Schema.String,
  parts: Schema.Array(ResponsePart),
  toolCalls: Schema.Array(ToolCall),
  finishReason: FinishReason,
  metadata: ResponseMetadata,
})
/** One complete answer. */
export interface LlmResponse {
  /** Every text part, joined with nothing between. */
  readonly text: string
  /** Everything the model said, in order; the content of an assistant message that goes on with it. */
  readonly parts: ReadonlyArray<ResponsePart>
  /** The functions that the model wants called. */
  readonly toolCalls: ReadonlyArray<ToolCall>
  /** Why the answer ended. */
  readonly finishReason: FinishReason
  /** What surrounds the answer: who, how much, how long, at what price. */
  readonly metadata: ResponseMetadata
}

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
