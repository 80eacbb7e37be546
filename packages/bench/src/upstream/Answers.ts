/**
 * What the loopback upstream says, byte for byte as the two APIs say it. It answers every question alike: a body of about
 * 1.5 KB, or a stream of pieces of five characters.
 */

/** The two wire formats that the upstream speaks. */
export type Wire = "chat" | "messages"

/** The pieces of a stream, five characters each, one after the other and again from the first. */
export const pieces = ["Once ", "more ", "unto ", "the b", "reach", ",\n\nde", "ar fr", "iends"] as const

/** How long each of them is. */
export const pieceLength = 5

/** The answer of an unstreamed call; with the envelope around it about 1.5 KB. */
export const answer = "The quick brown fox jumps over the lazy dog. ".repeat(20).trimEnd()

const chatUsage = {
  prompt_tokens: 19,
  completion_tokens: 210,
  total_tokens: 229,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
}

const messagesUsage = {
  input_tokens: 19,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: 210,
  service_tier: "standard",
}

const chatBody = JSON.stringify({
  id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
  object: "chat.completion",
  created: 1741569952,
  model: "gpt-5-mini-2025-08-07",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: answer, refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: "stop",
    },
  ],
  usage: chatUsage,
  service_tier: "default",
  system_fingerprint: "fp_44709d6fcb",
})

const messagesBody = JSON.stringify({
  model: "claude-sonnet-5",
  id: "msg_01XFDUDYJgAACzvnptvVoYEL",
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: answer }],
  stop_reason: "end_turn",
  stop_sequence: null,
  stop_details: null,
  usage: messagesUsage,
})

const head = (contentType: string, framing: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\n${framing}\r\n` +
  "x-request-id: req_b4f8e8f7c6d5a4b3\r\nopenai-processing-ms: 412\r\nx-ratelimit-limit-requests: 10000\r\n" +
  "x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-reset-requests: 6ms\r\n" +
  "connection: keep-alive\r\nkeep-alive: timeout=600\r\n\r\n"

const whole = (body: string): Buffer =>
  Buffer.from(head("application/json", `content-length: ${Buffer.byteLength(body)}`) + body)

/** A complete unstreamed response. */
export const wholeResponse: Record<Wire, Buffer> = { chat: whole(chatBody), messages: whole(messagesBody) }

/** The start of a streamed response; chunks follow. */
export const streamHead: Buffer = Buffer.from(head("text/event-stream; charset=utf-8", "transfer-encoding: chunked"))

const chatEvent = (delta: object, finishReason: string | null, extra: object = {}): string =>
  `data: ${JSON.stringify({
    id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
    object: "chat.completion.chunk",
    created: 1741569952,
    model: "gpt-5-mini-2025-08-07",
    service_tier: "default",
    system_fingerprint: "fp_44709d6fcb",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...extra,
  })}\n\n`

const messagesEvent = (event: { readonly type: string; readonly [key: string]: unknown }): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

/** The pieces of a stream as events. */
export const pieceEvents: Record<Wire, ReadonlyArray<string>> = {
  chat: pieces.map((content) => chatEvent({ content }, null)),
  messages: pieces.map((text) =>
    messagesEvent({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
  ),
}

/** What comes before the pieces of a stream. */
export const openingEvents: Record<Wire, string> = {
  chat: chatEvent({ role: "assistant", content: "", refusal: null }, null),
  messages:
    messagesEvent({
      type: "message_start",
      message: {
        model: "claude-sonnet-5",
        id: "msg_01XFDUDYJgAACzvnptvVoYEL",
        type: "message",
        role: "assistant",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...messagesUsage, output_tokens: 1 },
      },
    }) + messagesEvent({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
}

/** What comes after them; `pieces` becomes the count of output tokens. */
export const closingEvents = (wire: Wire, pieces: number): string =>
  wire === "chat"
    ? chatEvent({}, "stop") +
      `data: ${JSON.stringify({
        id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        object: "chat.completion.chunk",
        created: 1741569952,
        model: "gpt-5-mini-2025-08-07",
        service_tier: "default",
        system_fingerprint: "fp_44709d6fcb",
        choices: [],
        usage: { ...chatUsage, completion_tokens: pieces, total_tokens: 19 + pieces },
      })}\n\n` +
      "data: [DONE]\n\n"
    : messagesEvent({ type: "content_block_stop", index: 0 }) +
      messagesEvent({
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: { output_tokens: pieces },
      }) +
      messagesEvent({ type: "message_stop" })
