/** Recorded requests of OpenAI's and Azure's models as requests of this library, with the tokens that they were charged for. */
import type { LlmRequest, Message, ToolDefinition } from "../../src/model/LlmRequest.ts"
import type { Wire } from "../../src/counting/RequestTokens.ts"
import { type Exchange, loadCorpus } from "../Corpus.ts"

type Json = Readonly<Record<string, any>>

/** A request that was answered, and its count. */
export interface RecordedRequest {
  readonly id: string
  readonly wire: Wire
  readonly model: string
  readonly request: LlmRequest
  readonly inputTokens: number
}

const parsed = (text: unknown): unknown => {
  try {
    return JSON.parse(String(text))
  } catch {
    return text
  }
}

/** Texts as they are; anything else is a picture here: what it was is all the same to an estimate. */
const contentOf = (content: unknown): any =>
  Array.isArray(content)
    ? content.map((part: Json) =>
        typeof part["text"] === "string"
          ? { type: "text", text: part["text"] }
          : typeof part["refusal"] === "string"
            ? { type: "text", text: part["refusal"] }
            : { type: "image", data: "" },
      )
    : (content ?? "")

const callOf = (id: string, name: string, args: unknown) => ({
  type: "tool-call" as const,
  id,
  name,
  arguments: parsed(args),
})

const fromChat = (messages: ReadonlyArray<Json>): ReadonlyArray<Message> | undefined => {
  const read: Array<Message> = []
  for (const { content, name, role, tool_call_id: id, tool_calls: calls = [] } of messages) {
    if (name !== undefined && role !== "tool") return undefined
    if (role === "tool")
      read.push({ role, content: [{ type: "tool-result", toolCallId: id, content: contentOf(content) }] })
    else if (role === "assistant") {
      const texts =
        typeof content === "string" && content !== ""
          ? [{ type: "text" as const, text: content }]
          : contentOf(content ?? [])
      const called = (calls ?? []).map((call: Json) =>
        callOf(call["id"], call["function"].name, call["function"].arguments),
      )
      read.push({ role, content: [...(texts === "" ? [] : texts), ...called] })
    } else read.push({ role: role === "user" ? "user" : "system", content: contentOf(content) })
  }
  return read
}

const fromItems = (instructions: unknown, input: unknown): ReadonlyArray<Message> | undefined => {
  const read: Array<Message> = typeof instructions === "string" ? [{ role: "system", content: instructions }] : []
  if (typeof input === "string") return [...read, { role: "user", content: input }]
  if (!Array.isArray(input)) return undefined
  for (const item of input as ReadonlyArray<Json>) {
    const { arguments: args, call_id: id, content, name, output, role, type } = item
    if (type === "function_call") read.push({ role: "assistant", content: [callOf(id, name, args)] })
    else if (type === "function_call_output")
      read.push({ role: "tool", content: [{ type: "tool-result", toolCallId: id, content: contentOf(output) }] })
    else if (role === "assistant") read.push({ role, content: contentOf(content) })
    else if (role !== undefined) read.push({ role: role === "user" ? "user" : "system", content: contentOf(content) })
    else return undefined
  }
  return read
}

/** Fields that change what the model reads in ways that this library's requests do not say. */
const foreign = [
  "functions",
  "previous_response_id",
  "conversation",
  "prompt",
  "web_search_options",
  "audio",
  "personality",
]

const requestOf = ({ expect, id, request, tags }: Exchange): RecordedRequest | undefined => {
  const body = request?.body as Json | undefined
  const usage = expect["usage"]
  const inputTokens = usage?.prompt_tokens ?? usage?.input_tokens
  if (body === undefined || body === null || typeof body["model"] !== "string" || !(inputTokens > 0)) return undefined
  if (tags.includes("request-trimmed") || foreign.some((name) => body[name] !== undefined && body[name] !== null))
    return undefined
  if (!tags.some((tag) => tag === "provider:openai" || tag === "provider:azure")) return undefined
  const wire: Wire = body["messages"] === undefined ? "responses" : "chat"
  const messages = wire === "chat" ? fromChat(body["messages"]) : fromItems(body["instructions"], body["input"])
  const tools: ReadonlyArray<Json> = body["tools"] ?? []
  if (messages === undefined || messages.length === 0 || tools.some(({ type }) => type !== "function")) return undefined
  const format = wire === "chat" ? body["response_format"] : body["text"]?.format
  const schema = format?.json_schema?.schema ?? format?.schema
  return {
    id,
    wire,
    model: body["model"],
    inputTokens,
    request: {
      messages,
      ...(tools.length === 0
        ? {}
        : {
            tools: tools.map((tool): ToolDefinition => {
              const { description, name, parameters } = tool["function"] ?? tool
              return { name, ...(description ? { description } : {}), parameters: parameters ?? {} }
            }),
          }),
      ...(schema === undefined ? {} : { responseFormat: { type: "json-schema", schema } as const }),
    },
  }
}

/** Every recorded request whose tokens are known; none where the corpus is absent. */
export const recordedRequests = (): ReadonlyArray<RecordedRequest> =>
  (["openai-chat", "azure-chat", "openai-responses"] as const)
    .flatMap(loadCorpus)
    .flatMap((exchange) => requestOf(exchange) ?? [])
