/** What a provider sends over Responses, piece by piece. Its failures are those of Chat Completions: one maker's words. */
import { chat, fullText, serverSentEvent, type WireErrorName, type WireText } from "./WireText.ts"

const usage = {
  input_tokens: 9,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 14,
}
const message = (text: string | undefined, status: string) => ({
  id: "msg_fault",
  type: "message",
  status,
  role: "assistant",
  content: text === undefined ? [] : [{ type: "output_text", text, annotations: [], logprobs: [] }],
})
const response = (status: string, output: ReadonlyArray<unknown>) => ({
  id: "resp_fault",
  object: "response",
  created_at: 1795305600,
  status,
  error: null,
  incomplete_details: null,
  model: "gpt-5-mini-2025-08-07",
  output,
  usage: status === "in_progress" ? null : usage,
})
const named = (data: { readonly type: string; readonly [field: string]: unknown }) => serverSentEvent(data, data.type)
const place = { item_id: "msg_fault", output_index: 0, content_index: 0 }

const finish = (status: string): string =>
  named({ type: "response.output_text.done", ...place, text: fullText, logprobs: [] }) +
  named({ type: "response.content_part.done", ...place, part: message(fullText, status).content[0] }) +
  named({ type: "response.output_item.done", output_index: 0, item: message(fullText, status) })

const errorEvent = (name: WireErrorName): string => {
  const { error } = JSON.parse(chat.error(name).body) as { readonly error: object }
  return named({ type: "error", sequence_number: 9, error })
}

/** OpenAI's Responses; Azure and other services speak it too. */
export const responses: WireText = {
  name: "responses",
  path: "/v1/responses",
  answer: (text) => JSON.stringify(response("completed", [message(text, "completed")])),
  opening:
    named({ type: "response.created", sequence_number: 0, response: response("in_progress", []) }) +
    named({ type: "response.in_progress", sequence_number: 1, response: response("in_progress", []) }) +
    named({ type: "response.output_item.added", output_index: 0, item: message(undefined, "in_progress") }) +
    named({ type: "response.content_part.added", ...place, part: { type: "output_text", text: "", annotations: [] } }),
  piece: (text) =>
    named({ type: "response.output_text.delta", ...place, delta: text, obfuscation: "Xy1", logprobs: [] }),
  finish: finish("completed"),
  terminal: named({ type: "response.completed", response: response("completed", [message(fullText, "completed")]) }),
  ping: named({ type: "keepalive" }),
  unknownEvents:
    named({ type: "weather", forecast: "fair" }) +
    serverSentEvent({ type: "weather", forecast: "fair" }) +
    named({ type: "response.weather.delta", output_index: 0, delta: "fair" }) +
    named({ type: "response.web_search_call.searching", output_index: 3, item_id: "ws_1" }),
  unknownFinish: finish("high_tide"),
  error: chat.error,
  errorEvent,
}
