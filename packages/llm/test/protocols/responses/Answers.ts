/** Pieces of which tests make answers of Responses, and what is read from them whole and in a stream. */
import { Result } from "effect"
import * as Responses from "../../../src/protocols/responses/Responses.ts"
import { replay } from "../Replay.ts"

const usage = { input_tokens: 9, output_tokens: 5, total_tokens: 14 }
export const response = (output: ReadonlyArray<unknown>, more: object = {}) => ({
  id: "resp_1",
  object: "response",
  status: "completed",
  model: "gpt-5-mini-2025-08-07",
  error: null,
  incomplete_details: null,
  output,
  usage,
  ...more,
})
export const message = (text: string, more: object = {}) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text, annotations: [] }],
  ...more,
})
export const refusal = { type: "message", role: "assistant", content: [{ type: "refusal", refusal: "No." }] }
export const call = {
  id: "fc_1",
  type: "function_call",
  call_id: "call_1",
  name: "f",
  arguments: '{"a":1}',
  status: "completed",
}

export const decode = (body: unknown) => {
  const decoded = Responses.protocol.decode(body)
  return Result.isSuccess(decoded)
    ? { ...decoded.success, fault: undefined }
    : { parts: [], finishReason: undefined, fault: decoded.failure }
}

export type Event = { readonly type?: string; readonly [field: string]: unknown }
export const stream = (...events: ReadonlyArray<Event>) =>
  replay(
    Responses.protocol,
    events.map((event, sequence_number) => ({
      name: event.type,
      data: JSON.stringify({ ...event, sequence_number }),
    })),
  )
export const created: Event = {
  type: "response.created",
  response: response([], { status: "in_progress", usage: null }),
}
export const text = (delta: string, output_index = 0): Event => ({
  type: "response.output_text.delta",
  output_index,
  content_index: 0,
  delta,
})
export const added = (item: object, output_index = 0): Event => ({
  type: "response.output_item.added",
  output_index,
  item,
})
export const done = (item: object, output_index = 0): Event => ({
  type: "response.output_item.done",
  output_index,
  item,
})
export const completed = (output: ReadonlyArray<unknown> = [], more: object = {}): Event => ({
  type: "response.completed",
  response: response(output, more),
})
