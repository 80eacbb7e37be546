/**
 * What providers send, piece by piece, for the wires that the fault scenarios speak. Every event is complete, blank
 * line included; how the pieces are framed and where they break is for `HttpText` and the scenario to say.
 */

export type WireName = "chat" | "messages" | "responses"

/** A failure in the provider's own words, with the status it normally comes under. */
export interface WireError {
  readonly status: number
  readonly body: string
}

export type WireErrorName =
  | "rate-limit"
  | "quota"
  | "spend-limit"
  | "credit-balance"
  | "overloaded"
  | "unavailable"
  | "server"
  | "unknown"
  | "authentication"

export interface WireText {
  readonly name: WireName
  /** Where the provider serves it, below the server's URL. */
  readonly path: string
  /** A whole JSON answer. */
  readonly answer: (text: string) => string
  /** The events before the first text. */
  readonly opening: string
  /** The event of one piece of text. */
  readonly piece: (text: string) => string
  /** The events that say why the answer ended, and its usage. */
  readonly finish: string
  /** The last event. */
  readonly terminal: string
  /** What keeps an idle connection open: a ping event, or a comment where the wire has none. */
  readonly ping: string
  /** Events, fields and chunks that no client knows: they mean nothing and fail nothing. */
  readonly unknownEvents: string
  /** Like `finish`, with a finish reason from the future. */
  readonly unknownFinish: string
  readonly error: (name: WireErrorName) => WireError
  /** The same failure as an event inside a stream. */
  readonly errorEvent: (name: WireErrorName) => string
}

/** The pieces that scenarios send, with characters of two and four bytes. */
export const pieces = ["Hel", "lo, w", "örld ", "🌍!"] as const
/** The whole text of a good answer. */
export const fullText = pieces.join("")
/** What has been sent when a scenario breaks off after text. */
export const partialText = pieces[0] + pieces[1]

export const comment = (text = "keep-alive"): string => `: ${text}\n\n`

/** One event: its data as JSON, and its name where it has one. */
export const serverSentEvent = (data: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`

/** The events of a whole good stream, one string an event group: opening, pieces, finish, terminal. */
export const goodStream = (wire: WireText, texts: ReadonlyArray<string> = pieces): ReadonlyArray<string> => [
  wire.opening,
  ...texts.map(wire.piece),
  wire.finish,
  wire.terminal,
]

// Chat Completions

const chatChunk = (choices: ReadonlyArray<unknown>, more: object = {}) => ({
  id: "chatcmpl-fault",
  object: "chat.completion.chunk",
  created: 1795305600,
  model: "gpt-5-mini-2025-08-07",
  service_tier: "default",
  choices,
  usage: null,
  ...more,
})
const chatDelta = (delta: object, finishReason: string | null = null) =>
  serverSentEvent(chatChunk([{ index: 0, delta, logprobs: null, finish_reason: finishReason }]))
const chatUsage = {
  prompt_tokens: 9,
  completion_tokens: 5,
  total_tokens: 14,
  prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0 },
}
const chatUsageEvent = serverSentEvent(chatChunk([], { usage: chatUsage }))

const chatErrors: Readonly<
  Record<WireErrorName, readonly [status: number, type: string | null, code: string | null, message: string]>
> = {
  "rate-limit": [
    429,
    "requests",
    "rate_limit_exceeded",
    "Rate limit reached for gpt-5-mini on requests per min (RPM).",
  ],
  quota: [
    429,
    "insufficient_quota",
    "insufficient_quota",
    "You exceeded your current quota, please check your plan and billing details.",
  ],
  "spend-limit": [
    429,
    "insufficient_quota",
    "organization_spend_limit_exceeded",
    "Your organization has reached its spend limit.",
  ],
  "credit-balance": [429, "insufficient_quota", "credit_balance_exhausted", "Your credit balance is exhausted."],
  overloaded: [529, "overloaded_error", null, "Overloaded"],
  unavailable: [503, null, null, "The engine is currently overloaded, please try again later."],
  server: [500, "server_error", null, "The server had an error while processing your request."],
  unknown: [500, "tide_error", "high_tide", "The tide is too high."],
  authentication: [401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."],
}

const chatError = (name: WireErrorName) => {
  const [status, type, code, message] = chatErrors[name]
  return { status, body: JSON.stringify({ error: { message, type, param: null, code } }) }
}

/** OpenAI's Chat Completions; LiteLLM and Azure speak it too. */
export const chat: WireText = {
  name: "chat",
  path: "/v1/chat/completions",
  answer: (text) =>
    JSON.stringify({
      ...chatChunk([
        {
          index: 0,
          message: { role: "assistant", content: text, refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ]),
      object: "chat.completion",
      usage: chatUsage,
    }),
  opening: chatDelta({ role: "assistant", content: "", refusal: null }),
  piece: (text) => chatDelta({ content: text }),
  finish: chatDelta({}, "stop") + chatUsageEvent,
  terminal: serverSentEvent("[DONE]"),
  ping: comment(),
  unknownEvents:
    serverSentEvent({ object: "chat.completion.weather", forecast: "fair" }, "weather") +
    serverSentEvent({ object: "chat.completion.weather", forecast: "fair" }) +
    serverSentEvent(chatChunk([], { prompt_filter_results: [] })) +
    serverSentEvent(chatChunk([{ index: 0, finish_reason: null, content_filter_offsets: { start_offset: 0 } }])) +
    chatDelta({ weather: "fair" }),
  unknownFinish: chatDelta({}, "high_tide") + chatUsageEvent,
  error: chatError,
  errorEvent: (name) => serverSentEvent(chatError(name).body),
}

// Messages

const messagesMessage = (text: string | undefined, stopReason: string | null, outputTokens: number) => ({
  id: "msg_fault",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-5",
  content: text === undefined ? [] : [{ type: "text", text }],
  stop_reason: stopReason,
  stop_sequence: null,
  usage: { input_tokens: 9, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: outputTokens },
})
const messagesEvent = (data: { readonly type: string; readonly [field: string]: unknown }) =>
  serverSentEvent(data, data.type)
const messagesFinish = (stopReason: string) =>
  messagesEvent({ type: "content_block_stop", index: 0 }) +
  messagesEvent({
    type: "message_delta",
    delta: { stop_reason: stopReason, stop_sequence: null },
    usage: { output_tokens: 5 },
  })

const messagesErrors: Readonly<
  Record<WireErrorName, readonly [status: number, type: string, message: string, details?: object]>
> = {
  "rate-limit": [429, "rate_limit_error", "This request would exceed your organization's rate limit."],
  quota: [402, "billing_error", "There is an issue with your organization's billing."],
  "spend-limit": [
    429,
    "rate_limit_error",
    "You have reached your spend limit.",
    { error_code: "enforced_spend_limit_reached" },
  ],
  "credit-balance": [400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."],
  overloaded: [529, "overloaded_error", "Overloaded"],
  unavailable: [503, "overloaded_error", "Overloaded"],
  server: [500, "api_error", "Internal server error"],
  unknown: [500, "tide_error", "The tide is too high."],
  authentication: [401, "authentication_error", "invalid x-api-key"],
}

const messagesError = (name: WireErrorName) => {
  const [status, type, message, details] = messagesErrors[name]
  const error = details === undefined ? { type, message } : { type, message, details }
  return { status, body: JSON.stringify({ type: "error", error, request_id: "req_fault" }) }
}

/** Anthropic's Messages. */
export const messages: WireText = {
  name: "messages",
  path: "/v1/messages",
  answer: (text) => JSON.stringify(messagesMessage(text, "end_turn", 5)),
  opening:
    messagesEvent({ type: "message_start", message: messagesMessage(undefined, null, 1) }) +
    messagesEvent({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
  piece: (text) => messagesEvent({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
  finish: messagesFinish("end_turn"),
  terminal: messagesEvent({ type: "message_stop" }),
  ping: messagesEvent({ type: "ping" }),
  unknownEvents:
    messagesEvent({ type: "weather", forecast: "fair" }) +
    serverSentEvent({ type: "weather", forecast: "fair" }) +
    messagesEvent({ type: "content_block_delta", index: 0, delta: { type: "weather_delta", forecast: "fair" } }),
  unknownFinish: messagesFinish("high_tide"),
  error: messagesError,
  errorEvent: (name) => serverSentEvent(messagesError(name).body, "error"),
}
