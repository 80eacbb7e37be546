/**
 * Writes a conversation as the input items of a Responses request: messages, calls, their outputs, and reasoning, in the
 * order in which they came. Item ids are left out of what this library names: an id refers to a stored item, and a
 * request that mixes stored items with rewritten ones is refused (recorded).
 */
import type {
  AssistantMessage,
  LlmRequest,
  Message,
  OtherPart,
  ReasoningPart,
  ToolCallPart,
  ToolMessage,
} from "../../model/LlmRequest.ts"
import { chosenMarks, droppedMarks, lifetimeAmong } from "../encoding/CacheMarks.ts"
import { type CallIdRule, withCallIds } from "../encoding/CallIds.ts"
import type { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import { isBlank, speakingMessages } from "../encoding/RequestEncoding.ts"
import { isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"
import { protocolName } from "./Content.ts"
import { encodeContent, type Item } from "./UserContent.ts"

/** 1 to 64 characters (OpenAI's OpenAPI 2.3). Other makers write longer ones. */
const responsesCallIds: CallIdRule = { maxLength: 64, alphabet: "any" }

/** What Responses wants back with each call, by the id of the call (`ToolCallPart.protocolData`). */
type CallDetails = ReadonlyMap<string, WireObject | undefined>

const callDetailsOf = (messages: ReadonlyArray<Message>): CallDetails => {
  const details = new Map<string, WireObject | undefined>()
  for (const { content } of messages) {
    for (const part of typeof content === "string" ? [] : content) {
      if (part.type === "tool-call") details.set(part.id, part.protocolData?.[protocolName])
    }
  }
  return details
}

const isCustom = (id: string, details: CallDetails): boolean => details.get(id)?.type === "custom_tool_call"

const encodeCall = (part: ToolCallPart, details: CallDetails, encoding: ConversationEncoding): Item => {
  const call_id = part.id
  const { name } = part
  if (isCustom(part.id, details)) {
    return { type: "custom_tool_call", call_id, name, input: encoding.argumentsText(part.arguments) }
  }
  const { caller, namespace } = details.get(part.id) ?? {}
  return {
    type: "function_call",
    call_id,
    name,
    arguments: encoding.argumentsText(part.arguments),
    ...(namespace === undefined ? {} : { namespace }),
    ...(caller === undefined ? {} : { caller }),
  }
}

const isOurs = (part: OtherPart): boolean => part.provider === protocolName && isWireObject(part.value)

/** True for what only completes a message: its phase and its sources. */
const isDetail = (value: WireObject): boolean => value.type === "message" && value.content === undefined

const summaryOf = (texts: ReadonlyArray<string>): ReadonlyArray<Item> =>
  texts.filter((text) => text !== "").map((text) => ({ type: "summary_text", text }))

/** Writes the items of one assistant turn. */
class AssistantTurn {
  private readonly items: Array<Item>
  private readonly encoding: ConversationEncoding
  private readonly provider: string
  private message: Item | undefined = undefined
  /** Summaries of reasoning that wait for the part that holds the reasoning itself. */
  private summaries: Array<string> = []
  /** A picture that waits for the item that it was taken out of. */
  private picture: string | undefined = undefined

  constructor(items: Array<Item>, encoding: ConversationEncoding, provider: string) {
    this.items = items
    this.provider = provider
    this.encoding = encoding
  }

  /** Texts that follow each other are one message: other providers cut a text wherever they cite. */
  text(text: string): void {
    this.settle()
    if (isBlank(text)) return
    const { message } = this
    if (typeof message?.content === "string") message.content += text
    else this.begin(text)
  }

  refusal(refusal: string): void {
    this.settle()
    this.begin([{ type: "refusal", refusal }])
  }

  /** Reasoning goes back as its own service wrote it; other services can read neither it nor its summary. */
  reasoning(part: ReasoningPart): void {
    this.message = undefined
    const source = part.protocolData?.[protocolName]?.provider
    if (source !== undefined && source !== this.provider) {
      this.summaries = []
      this.dropReasoning()
    } else if (part.protocol === protocolName && part.redacted !== undefined) {
      const summary = summaryOf([...this.summaries, part.text])
      this.items.push({ type: "reasoning", summary, encrypted_content: part.redacted })
      this.summaries = []
    } else if (part.protocol === protocolName) {
      this.settle()
      this.items.push({ type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: part.text }] })
    } else if (part.protocol === undefined && part.signature === undefined && part.redacted === undefined) {
      this.summaries.push(part.text)
    } else this.dropReasoning()
  }

  /** A picture goes back inside the item that made it; the wire has no place for it alone. */
  image(data: string | undefined): void {
    this.settle()
    if (data === undefined) this.dropPicture()
    else this.picture = data
  }

  item(item: Item): void {
    const { picture } = this
    const isWhole = item.type !== "image_generation_call" || item.result !== undefined || picture === undefined
    if (!isWhole) this.picture = undefined
    this.settle()
    this.message = undefined
    this.items.push(isWhole ? item : { ...item, result: picture })
  }

  /** Ends the message under way. Its phase has to come back; its sources are the model's own and do not. */
  details(value: WireObject): void {
    const phase = nonEmpty(value.phase)
    if (this.message !== undefined && phase !== undefined) this.message.phase = phase
    this.message = undefined
  }

  /** Drops what is left without its partner: a summary without its reasoning, a picture without its item. */
  settle(): void {
    if (this.picture !== undefined) this.dropPicture()
    this.picture = undefined
    if (this.summaries.length === 0) return
    this.summaries = []
    this.dropReasoning()
  }

  private begin(content: unknown): void {
    this.message = { role: "assistant", content }
    this.items.push(this.message)
  }

  private dropPicture(): void {
    this.encoding.warn("a picture was dropped: Responses takes none from an assistant but the one that it made itself")
  }

  private dropReasoning(): void {
    this.encoding.warn("reasoning was dropped: it holds nothing that the provider could read again")
  }
}

const encodeAssistant = (
  message: AssistantMessage,
  path: string,
  details: CallDetails,
  encoding: ConversationEncoding,
  provider: string,
): ReadonlyArray<Item> => {
  if (typeof message.content === "string") return [{ role: "assistant", content: message.content }]
  const items: Array<Item> = []
  const turn = new AssistantTurn(items, encoding, provider)
  for (const part of message.content) {
    if (part.type === "text") turn.text(part.text)
    else if (part.type === "refusal") turn.refusal(part.text)
    else if (part.type === "reasoning") turn.reasoning(part)
    else if (part.type === "tool-call") turn.item(encodeCall(part, details, encoding))
    else if (part.type === "image") turn.image(part.data)
    else if (!isOurs(part) || !isWireObject(part.value)) {
      encoding.warn(`an "other" part of ${part.provider} in ${path} was dropped: Responses has no item for it`)
    } else if (isDetail(part.value)) turn.details(part.value)
    else {
      // Output only (openai 7.57, toResponseInputItems).
      const { created_by: _, ...item } = part.value
      turn.item(item)
    }
  }
  turn.settle()
  if (items.length === 0) encoding.warn(`${path} was dropped: Responses has no item for anything in it`)
  return items
}

const encodeToolResults = (
  message: ToolMessage,
  path: string,
  details: CallDetails,
  encoding: ConversationEncoding,
): ReadonlyArray<Item> =>
  message.content.map((result, place) => {
    if (result.isError === true) encoding.warn("isError of a tool result was dropped: Responses has no field for it")
    return {
      type: isCustom(result.toolCallId, details) ? "custom_tool_call_output" : "function_call_output",
      call_id: result.toolCallId,
      output: encodeContent(result.content, `${path}.content[${place}]`, undefined, encoding),
    }
  })

/** OpenAI writes four marks a request, of which it sets one itself (openai 7.57 types). */
const writeMarks = (items: ReadonlyArray<Item>, encoding: ConversationEncoding): void => {
  const { capabilities, marks } = encoding
  if (marks.isEmpty || capabilities.cacheMarks !== "prompt_cache_breakpoint") return
  const parts = items.flatMap(({ content }) => (Array.isArray(content) ? content : []))
  const marked = marks.among(parts)
  if (marked.length > 3) encoding.warn(droppedMarks(marked.length - 3, 3))
  for (const { block, ttl } of chosenMarks(marked, 3)) {
    const lifetime = ttl === undefined ? {} : { ttl: lifetimeAmong(ttl, ["30m", "12h"]) }
    block.prompt_cache_breakpoint = { mode: "explicit", ...lifetime }
  }
}

/**
 * The input items of a request. System messages are items too, wherever they stand: `instructions` would not be carried
 * over by `previous_response_id`, beside which xAI refuses it, and JSON mode does not see it (recorded).
 */
export const encodeConversation = (
  request: LlmRequest,
  encoding: ConversationEncoding,
  provider: string,
): ReadonlyArray<Item> => {
  const role = encoding.capabilities.systemRole
  const messages = withCallIds(request.messages, responsesCallIds)
  const details = callDetailsOf(messages)
  const isContinued = request.previousResponseId !== undefined
  const items = speakingMessages(messages, encoding, isContinued).flatMap(({ message, path }): ReadonlyArray<Item> => {
    if (message.role === "tool" || message.role === "assistant") encoding.dropMarks(message, path)
    switch (message.role) {
      case "system":
        return [{ role, content: encodeContent(message.content, path, message.cache, encoding) }]
      case "user":
        return [{ role: "user", content: encodeContent(message.content, path, message.cache, encoding) }]
      case "tool":
        return encodeToolResults(message, path, details, encoding)
      case "assistant":
        return encodeAssistant(message, path, details, encoding, provider)
    }
  })
  writeMarks(items, encoding)
  return items
}
