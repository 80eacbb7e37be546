/** Equal answers, whole and in pieces, as each wire says them: for the laws that compare the two. */
import type { FinishReason } from "../../src/index.ts"
import { fullText, goodStream, type WireText } from "../faults/WireText.ts"
import type { Final, TwoForms } from "./AnswerForms.ts"
import { responsesAnswers, responsesFinal } from "./ResponsesAnswers.ts"

const chatUsage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 }
const chatEvent = (delta: unknown, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: "1", model: "gpt-5-mini-2025-08-07", choices: [{ index: 0, delta, finish_reason }] })}\n\n`
const chatEnd = (finish: string) =>
  `${chatEvent({}, finish)}data: ${JSON.stringify({ id: "1", choices: [], usage: chatUsage })}\n\ndata: [DONE]\n\n`
const chatBody = (message: object, finish_reason: string) =>
  JSON.stringify({
    id: "1",
    model: "gpt-5-mini-2025-08-07",
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason }],
    usage: chatUsage,
  })

const call = (index: number, name: string, args: string) => ({
  index,
  id: `call_${index}`,
  type: "function",
  function: { name, arguments: args },
})

const chatAnswers: ReadonlyArray<TwoForms> = [
  {
    name: "a refusal",
    body: chatBody({ content: null, refusal: "I cannot help with that." }, "stop"),
    events: [
      chatEvent({ role: "assistant", refusal: "I cannot " }),
      chatEvent({ refusal: "help with that." }),
      chatEnd("stop"),
    ],
  },
  {
    name: "text and two tool calls",
    body: chatBody(
      { content: "Let me see.", tool_calls: [call(0, "weather", '{"city":"Bern"}'), call(1, "time", "{}")] },
      "tool_calls",
    ),
    events: [
      chatEvent({ role: "assistant", content: "Let me " }),
      chatEvent({ content: "see." }),
      chatEvent({ tool_calls: [call(0, "weather", "")] }),
      chatEvent({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
      chatEvent({ tool_calls: [{ index: 0, function: { arguments: '"Bern"}' } }] }),
      chatEvent({ tool_calls: [call(1, "time", "{}")] }),
      chatEnd("tool_calls"),
    ],
  },
]

const named = (data: { readonly type: string; readonly [field: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const messagesUsage = { input_tokens: 9, cache_read_input_tokens: 4, cache_creation_input_tokens: 2, output_tokens: 5 }
const messagesBody = (content: ReadonlyArray<object>, stop_reason: string) =>
  JSON.stringify({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-5",
    content,
    stop_reason,
    stop_sequence: null,
    usage: messagesUsage,
  })
const block = (index: number, content_block: object, ...deltas: ReadonlyArray<object>) => [
  named({ type: "content_block_start", index, content_block }),
  ...deltas.map((delta) => named({ type: "content_block_delta", index, delta })),
  named({ type: "content_block_stop", index }),
]
const messagesStream = (stop_reason: string, ...blocks: ReadonlyArray<ReadonlyArray<string>>) => [
  named({
    type: "message_start",
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude-sonnet-5",
      content: [],
      stop_reason: null,
      usage: { ...messagesUsage, output_tokens: 1 },
    },
  }),
  ...blocks.flat(),
  named({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } }),
  named({ type: "message_stop" }),
]

const messagesAnswers: ReadonlyArray<TwoForms> = [
  {
    name: "thinking, text and a tool call",
    body: messagesBody(
      [
        { type: "thinking", thinking: "The city is Bern.", signature: "c2ln" },
        { type: "text", text: "Let me see." },
        { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Bern" } },
      ],
      "tool_use",
    ),
    events: messagesStream(
      "tool_use",
      block(
        0,
        { type: "thinking", thinking: "", signature: "" },
        { type: "thinking_delta", thinking: "The city " },
        { type: "thinking_delta", thinking: "is Bern." },
        { type: "signature_delta", signature: "c2ln" },
      ),
      block(
        1,
        { type: "text", text: "" },
        { type: "text_delta", text: "Let me " },
        { type: "text_delta", text: "see." },
      ),
      block(
        2,
        { type: "tool_use", id: "toolu_1", name: "weather", input: {} },
        { type: "input_json_delta", partial_json: '{"city":' },
        { type: "input_json_delta", partial_json: '"Bern"}' },
      ),
    ),
  },
  {
    name: "redacted thinking and two texts",
    body: messagesBody(
      [
        { type: "redacted_thinking", data: "b3BhcXVl" },
        { type: "text", text: "One." },
        { type: "text", text: "Two." },
      ],
      "end_turn",
    ),
    events: messagesStream(
      "end_turn",
      block(0, { type: "redacted_thinking", data: "b3BhcXVl" }),
      block(1, { type: "text", text: "" }, { type: "text_delta", text: "One." }),
      block(2, { type: "text", text: "" }, { type: "text_delta", text: "Two." }),
    ),
  },
]

const answers: Readonly<Record<WireText["name"], ReadonlyArray<TwoForms>>> = {
  chat: chatAnswers,
  messages: messagesAnswers,
  responses: responsesAnswers,
}

/** Answers of every kind of part. */
export const goodAnswers = (wire: WireText): ReadonlyArray<TwoForms> => [
  { name: "text in pieces", body: wire.answer(fullText), events: goodStream(wire) },
  ...answers[wire.name],
]

const endings: Readonly<Record<WireText["name"], Readonly<Record<string, FinishReason>>>> = {
  chat: {
    stop: "stop",
    length: "length",
    tool_calls: "tool-calls",
    content_filter: "content-filter",
    high_tide: "other",
  },
  messages: {
    end_turn: "stop",
    stop_sequence: "stop",
    max_tokens: "length",
    model_context_window_exceeded: "length",
    tool_use: "tool-calls",
    refusal: "content-filter",
    pause_turn: "pause",
    high_tide: "other",
  },
  responses: {
    completed: "stop",
    "incomplete:max_output_tokens": "length",
    "incomplete:content_filter": "content-filter",
    "incomplete:steered": "other",
    high_tide: "other",
  },
}

const finals: Readonly<Record<WireText["name"], (raw: string) => Pick<Final, "answer" | "events">>> = {
  chat: (raw) => ({ answer: chatBody({ content: "Hi" }, raw), events: [chatEvent({ content: "Hi" }), chatEnd(raw)] }),
  messages: (raw) => ({
    answer: messagesBody([{ type: "text", text: "Hi" }], raw),
    events: messagesStream(raw, block(0, { type: "text", text: "" }, { type: "text_delta", text: "Hi" })),
  }),
  responses: responsesFinal,
}

/** Every ending of a wire. */
export const finalEvents = (wire: WireText): ReadonlyArray<Final> =>
  Object.entries(endings[wire.name]).map(([raw, finishReason]) => ({
    raw,
    finishReason,
    ...finals[wire.name](raw),
  }))
