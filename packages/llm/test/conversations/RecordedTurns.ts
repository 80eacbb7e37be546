/**
 * Turns of recorded conversations: an answer, and the next recorded request to the same provider that sent it back as
 * history. What this library would send back for the same answer stands beside what the provider accepted.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { assemble, type LlmEvent } from "../../src/model/LlmEvent.ts"
import type { Message, ToolResultPart } from "../../src/model/LlmRequest.ts"
import type { ResponsePart } from "../../src/model/LlmResponse.ts"
import type { ModelCapabilities } from "../../src/protocols/encoding/ModelCapabilities.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import type { Protocol } from "../../src/protocols/Protocol.ts"
import * as Responses from "../../src/protocols/responses/Responses.ts"
import { find } from "../../src/providers/Registry.ts"
import { type Exchange, loadChat, loadMessages, loadResponses } from "../Corpus.ts"

type Json = Readonly<Record<string, any>>

export const protocols = {
  chat: ChatCompletions.protocol,
  messages: Messages.protocol,
  responses: Responses.protocol,
} as const

export type WireName = keyof typeof protocols

/** An answer that was sent back, and how. */
export interface RecordedTurn {
  readonly id: string
  readonly wire: WireName
  readonly provider: string
  readonly model: string
  readonly parts: ReadonlyArray<ResponsePart>
  /** What the next recorded request says of this turn: one message, or several items. */
  readonly accepted: ReadonlyArray<Json>
}

const load: Readonly<Record<WireName, () => ReadonlyArray<Exchange>>> = {
  chat: loadChat,
  messages: loadMessages,
  responses: loadResponses,
}

export const providerOf = ({ tags }: Exchange): string =>
  (tags.find((tag) => tag.startsWith("provider:")) ?? "").slice("provider:".length)

/** The parts of a recorded answer; none where it failed. */
export const partsOf = ({ kind, response }: Exchange, protocol: Protocol): ReadonlyArray<ResponsePart> => {
  if (kind === "json") {
    const answer = protocol.decode(response.body)
    return Result.isSuccess(answer) ? answer.success.parts : []
  }
  const decoder = protocol.decodeStream()
  const events: Array<LlmEvent> = []
  for (const block of String(response.body).split(/\r?\n\r?\n/)) {
    const name = /^event: ?(.*)$/m.exec(block)?.[1]
    const data = [...block.matchAll(/^data: ?(.*)$/gm)].map(([, text]) => text).join("\n")
    if (data !== "") decoder.push(name, data, events)
  }
  decoder.end(events)
  const assembly = assemble()
  for (const event of events) assembly.add(event)
  return assembly.parts()
}

/** What the row of a service says that it accepts of a model. */
export const capabilitiesAt = (provider: string, model: string): Partial<ModelCapabilities> | undefined => {
  const row = find(provider)
  if (row === undefined) return undefined
  const options = { apiKey: "key", model, apiBase: row.apiBase ?? "https://example.openai.azure.com" }
  return Effect.runSync(row.endpoint(options)).capabilities?.(model)
}

const callIdsOf = (parts: ReadonlyArray<ResponsePart>): ReadonlyArray<string> =>
  parts.flatMap((part) => (part.type === "tool-call" ? [part.id] : []))

const itemsOf = (body: any): ReadonlyArray<Json> => body?.messages ?? (Array.isArray(body?.input) ? body.input : [])

/** The call ids that a message or an item makes. */
const callsIn = (item: Json): ReadonlyArray<string> => [
  ...(item["tool_calls"] ?? []).map(({ id }: Json) => id),
  ...(Array.isArray(item["content"]) ? item["content"] : []).flatMap((block: Json) =>
    block["type"] === "tool_use" ? [block["id"]] : [],
  ),
  ...(/^(function|custom_tool)_call$/.test(item["type"]) ? [item["call_id"]] : []),
]

/** Items of a model's turn in Responses: up to the message or the output before and after it. */
const isOfModel = (item: Json): boolean =>
  item["role"] === "assistant" || (item["role"] === undefined && !String(item["type"]).endsWith("_output"))

/** The text of an assistant's message or item. */
const textIn = ({ content, role }: Json): string =>
  role !== "assistant"
    ? ""
    : typeof content === "string"
      ? content
      : (content ?? []).map((block: Json) => (block["type"] === "thinking" ? "" : (block["text"] ?? ""))).join("")

/** The turn that made these calls or, without any, said this text, as a request has it; undefined where it has none. */
const turnIn = (
  items: ReadonlyArray<Json>,
  ids: ReadonlyArray<string>,
  text: string,
  wire: WireName,
): ReadonlyArray<Json> | undefined => {
  const place = items.findIndex((item) =>
    ids[0] === undefined ? text !== "" && textIn(item) === text : callsIn(item).includes(ids[0]),
  )
  if (place < 0) return undefined
  if (wire !== "responses") return items.slice(place, place + 1)
  let from = place
  while (from > 0 && isOfModel(items[from - 1] ?? {})) from--
  let to = place + 1
  while (to < items.length && isOfModel(items[to] ?? {})) to++
  return items.slice(from, to)
}

/** Every recorded turn with tool calls or reasoning that a later recorded request to the same provider sent back. */
export const recordedTurns = (wire: WireName): ReadonlyArray<RecordedTurn> => {
  const exchanges = load[wire]()
  const accepted = exchanges.filter(({ kind, request }) => kind !== "error" && request !== null)
  return exchanges.flatMap((exchange) => {
    if (exchange.kind === "error") return []
    const provider = providerOf(exchange)
    const parts = partsOf(exchange, wire === "responses" ? Responses.protocolOf(provider) : protocols[wire])
    const ids = callIdsOf(parts)
    if (ids.length === 0 && !parts.some(({ type }) => type === "reasoning")) return []
    const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("")
    for (const other of accepted) {
      if (providerOf(other) !== provider) continue
      const body = other.request?.body as Json
      const turn = turnIn(itemsOf(body), ids, text, wire)
      if (turn === undefined) continue
      const model: string = body["model"] ?? exchange.response.body?.model ?? "m"
      return [{ id: exchange.id, wire, provider, model, parts, accepted: turn }]
    }
    return []
  })
}

/** A conversation that ends with this turn and the results of its tools. */
export const conversationWith = (parts: ReadonlyArray<ResponsePart>): ReadonlyArray<Message> => {
  const results = callIdsOf(parts).map((toolCallId): ToolResultPart => ({
    type: "tool-result",
    toolCallId,
    content: "42",
  }))
  return [
    { role: "user", content: "Go on." },
    { role: "assistant", content: parts },
    ...(results.length === 0 ? [] : [{ role: "tool", content: results } as const]),
  ]
}

/** What this library writes for the model's turn of a conversation, and what it warns of. */
export const written = (
  wire: WireName,
  messages: ReadonlyArray<Message>,
  { model, provider }: { readonly model: string; readonly provider: string },
) => {
  const tools = [{ name: "f", parameters: { type: "object" } }]
  const options = { model, provider, stream: false, capabilities: capabilitiesAt(provider, model) }
  const encoded = protocols[wire].encode({ messages, tools }, options)
  if (Result.isFailure(encoded)) return { body: {}, turn: [], warnings: [], refused: encoded.failure.message }
  const { body, warnings } = encoded.success
  const items = itemsOf(body)
  const turn = wire === "responses" ? items.filter(isOfModel) : items.filter(({ role }) => role === "assistant")
  return { body: body as Json, turn, warnings, refused: undefined }
}
