/**
 * A loopback provider that calls tools as it is told and holds a conversation to its wire's rules: each call has its
 * result, in its place, before the next turn. What breaks a rule gets the 400 that the provider would send.
 */
import type { Answer, RecordedRequest } from "../faults/FaultServer.ts"
import { FaultServer, stall } from "../faults/FaultServer.ts"
import { stream, whole } from "../faults/HttpText.ts"
import type { WireName } from "../faults/WireText.ts"

/** What the model says in one turn. `arguments` that are a text go out as they are, JSON or not. */
export interface Turn {
  readonly text?: string
  readonly calls?: ReadonlyArray<{ readonly id?: string; readonly name: string; readonly arguments: unknown }>
  readonly finishReason?: "stop" | "length" | "content-filter"
  readonly refusal?: string
  /** No answer at all. */
  readonly stalls?: boolean
  /** A failure instead: its status. */
  readonly status?: number
}

/** The turn for a request; `index` counts the turns that were not refused, from 0. */
export type Play = (index: number, request: RecordedRequest) => Turn

export type Wire = WireName

type Json = Record<string, any>

const finishReasons = {
  chat: { stop: "stop", length: "length", "content-filter": "content_filter", calls: "tool_calls" },
  messages: { stop: "end_turn", length: "max_tokens", "content-filter": "refusal", calls: "tool_use" },
} as const

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))

const reasonOf = (turn: Turn, wire: "chat" | "messages"): string =>
  finishReasons[wire][turn.finishReason ?? (turn.calls === undefined ? "stop" : "calls")]

const usage = {
  chat: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  messages: { input_tokens: 10, output_tokens: 5 },
}

const idsOf = (turn: Turn, index: number): ReadonlyArray<string> =>
  (turn.calls ?? []).map(({ id }, place) => id ?? `call_${index}_${place}`)

const chatAnswer = (turn: Turn, index: number, streamed: boolean): Answer => {
  const ids = idsOf(turn, index)
  const toolCalls = turn.calls?.map((call, place) => ({
    index: place,
    id: ids[place],
    type: "function",
    function: { name: call.name, arguments: textOf(call.arguments) },
  }))
  const message = {
    role: "assistant",
    content: turn.text ?? null,
    ...(turn.refusal === undefined ? {} : { refusal: turn.refusal }),
    ...(toolCalls === undefined ? {} : { tool_calls: toolCalls }),
  }
  const base = { id: "chatcmpl-1", model: "gpt-5-mini", created: 1 }
  if (!streamed) {
    const choice = { index: 0, message, finish_reason: reasonOf(turn, "chat") }
    return whole(JSON.stringify({ ...base, object: "chat.completion", choices: [choice], usage: usage.chat }))
  }
  const chunk = (delta: object, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  const half = (text: string) => [text.slice(0, Math.ceil(text.length / 2)), text.slice(Math.ceil(text.length / 2))]
  const pieces = [chunk({ role: "assistant", content: "" })]
  if (turn.text !== undefined) for (const piece of half(turn.text)) pieces.push(chunk({ content: piece }))
  if (turn.refusal !== undefined) pieces.push(chunk({ refusal: turn.refusal }))
  for (const call of toolCalls ?? []) {
    const [first, second] = half(call.function.arguments)
    pieces.push(chunk({ tool_calls: [{ ...call, function: { name: call.function.name, arguments: first } }] }))
    pieces.push(chunk({ tool_calls: [{ index: call.index, function: { arguments: second } }] }))
  }
  pieces.push(chunk({}, reasonOf(turn, "chat")))
  pieces.push(`data: ${JSON.stringify({ ...base, choices: [], usage: usage.chat })}\n\n`, "data: [DONE]\n\n")
  return stream(...pieces)
}

const messagesAnswer = (turn: Turn, index: number, streamed: boolean): Answer => {
  const ids = idsOf(turn, index)
  const blocks: ReadonlyArray<Json> = [
    ...(turn.text === undefined ? [] : [{ type: "text", text: turn.text }]),
    ...(turn.calls ?? []).map((call, place) => ({
      type: "tool_use",
      id: ids[place],
      name: call.name,
      input: call.arguments,
    })),
  ]
  const base = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-5" }
  const stop_reason = reasonOf(turn, "messages")
  const stop_details =
    turn.refusal === undefined ? {} : { stop_details: { type: "refusal", explanation: turn.refusal } }
  if (!streamed) {
    return whole(JSON.stringify({ ...base, content: blocks, stop_reason, ...stop_details, usage: usage.messages }))
  }
  const event = (data: Json) => `event: ${data["type"]}\ndata: ${JSON.stringify(data)}\n\n`
  const pieces = [event({ type: "message_start", message: { ...base, content: [], usage: usage.messages } })]
  for (const [place, block] of blocks.entries()) {
    const isText = block["type"] === "text"
    const start = isText ? { ...block, text: "" } : { ...block, input: {} }
    pieces.push(event({ type: "content_block_start", index: place, content_block: start }))
    const written = isText ? block["text"] : textOf(block["input"])
    for (const piece of [written.slice(0, 3), written.slice(3)]) {
      const delta = isText ? { type: "text_delta", text: piece } : { type: "input_json_delta", partial_json: piece }
      pieces.push(event({ type: "content_block_delta", index: place, delta }))
    }
    pieces.push(event({ type: "content_block_stop", index: place }))
  }
  pieces.push(event({ type: "message_delta", delta: { stop_reason, ...stop_details }, usage: usage.messages }))
  pieces.push(event({ type: "message_stop" }))
  return stream(...pieces)
}

const responsesAnswer = (turn: Turn, index: number, streamed: boolean): Answer => {
  const ids = idsOf(turn, index)
  const says = turn.refusal === undefined ? turn.text : undefined
  const content = [
    ...(says === undefined ? [] : [{ type: "output_text", text: says, annotations: [] }]),
    ...(turn.refusal === undefined ? [] : [{ type: "refusal", refusal: turn.refusal }]),
  ]
  const output: ReadonlyArray<Json> = [
    ...(content.length === 0
      ? []
      : [{ type: "message", id: `msg_${index}`, role: "assistant", status: "completed", content }]),
    ...(turn.calls ?? []).map((call, place) => ({
      type: "function_call",
      id: `fc_${index}_${place}`,
      call_id: ids[place],
      name: call.name,
      arguments: textOf(call.arguments),
      status: "completed",
    })),
  ]
  const broken =
    turn.finishReason === "length" || (turn.finishReason === "content-filter" && turn.refusal === undefined)
  const response = {
    id: "resp_1",
    object: "response",
    model: "gpt-5-mini",
    status: broken ? "incomplete" : "completed",
    incomplete_details: broken
      ? { reason: turn.finishReason === "length" ? "max_output_tokens" : "content_filter" }
      : null,
    output,
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  }
  if (!streamed) return whole(JSON.stringify(response))
  const event = (data: Json) => `event: ${data["type"]}\ndata: ${JSON.stringify(data)}\n\n`
  const pieces = [event({ type: "response.created", response: { ...response, status: "in_progress", output: [] } })]
  for (const [place, item] of output.entries()) {
    const base = { output_index: place, item_id: item["id"] }
    const isCall = item["type"] === "function_call"
    const opened = isCall ? { ...item, arguments: "" } : { ...item, content: [] }
    pieces.push(event({ type: "response.output_item.added", output_index: place, item: opened }))
    const text: string = isCall ? item["arguments"] : (item["content"][0].text ?? item["content"][0].refusal)
    const kind = isCall ? "function_call_arguments" : item["content"][0].type === "refusal" ? "refusal" : "output_text"
    const part = isCall ? {} : { content_index: 0 }
    if (!isCall)
      pieces.push(
        event({ type: "response.content_part.added", ...base, ...part, part: { ...item["content"][0], text: "" } }),
      )
    for (const delta of [text.slice(0, 3), text.slice(3)]) {
      pieces.push(event({ type: `response.${kind}.delta`, ...base, ...part, delta }))
    }
    pieces.push(event({ type: "response.output_item.done", output_index: place, item }))
  }
  pieces.push(event({ type: broken ? "response.incomplete" : "response.completed", response }))
  return stream(...pieces)
}

/** What Responses refuses of its input. */
const responsesProblem = (body: Json): string | undefined => {
  if (body["tool_choice"] !== undefined && body["tools"] === undefined) return "tool_choice without tools"
  let open: Array<string> = []
  for (const item of Array.isArray(body["input"]) ? body["input"] : []) {
    if (item.type === "function_call") open.push(item.call_id)
    else if (item.type === "function_call_output") {
      if (!open.includes(item.call_id))
        return `No tool call found for function call output with call_id ${item.call_id}`
      open = open.filter((id) => id !== item.call_id)
    } else if (item.role === "user" && open.length > 0)
      return `No tool output found for function call ${open.join(", ")}`
    if (new Set(open).size < open.length) return "two calls of one id"
  }
  return open.length > 0 ? `No tool output found for function call ${open.join(", ")}` : undefined
}

/** What Chat Completions refuses of a conversation. */
const chatProblem = (body: Json): string | undefined => {
  if (body["tool_choice"] !== undefined && body["tools"] === undefined) return "tool_choice without tools"
  let open: Array<string> = []
  for (const message of body["messages"]) {
    if (message.role === "tool") {
      if (!open.includes(message.tool_call_id)) return `no call for the result ${message.tool_call_id}`
      open = open.filter((id) => id !== message.tool_call_id)
      continue
    }
    if (open.length > 0) return `no result for the calls ${open.join(", ")}`
    open = (message.tool_calls ?? []).map((call: Json) => call["id"])
    if (new Set(open).size < open.length) return "two calls of one id"
    if (open.some((id) => id === "" || id.length > 40)) return "an id of no or too many characters"
  }
  return open.length > 0 ? `no result for the calls ${open.join(", ")}` : undefined
}

/** What Messages refuses of a conversation. */
const messagesProblem = (body: Json): string | undefined => {
  if (body["tool_choice"] !== undefined && body["tools"] === undefined) return "tool_choice without tools"
  let open: Array<string> = []
  let role = "assistant"
  for (const message of body["messages"]) {
    if (message.role === role) return "roles do not alternate"
    role = message.role
    const blocks: ReadonlyArray<Json> = typeof message.content === "string" ? [] : message.content
    const results = blocks.filter(({ type }) => type === "tool_result").map((block) => block["tool_use_id"])
    if (blocks.slice(0, results.length).some(({ type }) => type !== "tool_result")) return "results do not come first"
    if ([...results].sort().join() !== [...open].sort().join()) {
      return `tool_use ids were found without tool_result blocks immediately after: ${open.join(", ")}`
    }
    const uses = blocks.filter(({ type }) => type === "tool_use")
    if (uses.some(({ input }) => typeof input !== "object" || input === null)) return "an input that is not an object"
    open = uses.map((block) => block["id"])
    if (open.some((id) => !/^[a-zA-Z0-9_-]+$/.test(id))) return "an id of other characters"
    if (new Set(open).size < open.length) return "two calls of one id"
  }
  return open.length > 0 ? `no result for ${open.join(", ")}` : undefined
}

/** The results that a request brings for the turn before it, as text, in order. */
export const resultsIn = (request: RecordedRequest | undefined): ReadonlyArray<string> => {
  const body: Json = request?.json ?? {}
  const items: ReadonlyArray<Json> = Array.isArray(body["input"]) ? body["input"] : []
  const said = items.findLastIndex((item) => item["type"] === "function_call" || item["role"] === "assistant")
  if (items.length > 0) {
    return items
      .slice(said + 1)
      .flatMap((item) => (item["type"] === "function_call_output" ? [textOf(item["output"])] : []))
  }
  const messages: ReadonlyArray<Json> = body["messages"] ?? []
  const from = messages.findLastIndex((message) => message["role"] === "assistant")
  return messages.slice(from + 1).flatMap((message): ReadonlyArray<string> => {
    if (message["role"] === "tool") return [textOf(message["content"])]
    if (!Array.isArray(message["content"])) return []
    return message["content"].flatMap((block: Json) =>
      block["type"] === "tool_result" ? [textOf(block["content"])] : [],
    )
  })
}

const problems = { chat: chatProblem, messages: messagesProblem, responses: responsesProblem }
const answers = { chat: chatAnswer, messages: messagesAnswer, responses: responsesAnswer }

/** Starts an upstream. Its `refusals` are the rules that were broken. */
export const listen = async (
  wire: Wire,
  play: Play,
): Promise<FaultServer & { readonly refusals: ReadonlyArray<string> }> => {
  const refusals: Array<string> = []
  let turns = 0
  const server = await FaultServer.start((request) => {
    const body: Json = request.json ?? {}
    const problem = problems[wire](body)
    if (problem !== undefined) {
      refusals.push(problem)
      return whole(JSON.stringify({ error: { type: "invalid_request_error", message: problem } }), 400)
    }
    const turn = play(turns, request)
    if (turn.stalls === true) return [stall]
    if (turn.status !== undefined) {
      return whole(JSON.stringify({ error: { type: "server_error", message: "scripted" } }), turn.status)
    }
    turns += 1
    const streamed = body["stream"] === true
    return answers[wire](turn, turns, streamed)
  })
  return Object.assign(server, { refusals })
}
