/**
 * Writes what an assistant said before in Chat Completions, with the reasoning and the signatures that its service wants
 * back. What another service thought stays behind, with a warning.
 */
import type { AssistantMessage, ReasoningPart, ToolCallPart } from "../../model/LlmRequest.ts"
import type { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import { elements, isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"
import { protocolName } from "./Content.ts"
import { type Body, textPart } from "./UserContent.ts"

const wire = "Chat Completions"

/** The field in which reasoning goes back as a tagged text, on request. */
const tags = "<think>"

class Turn {
  private readonly body: Body = { role: "assistant", content: null }
  private readonly encoding: ConversationEncoding
  /** False where reasoning goes back with tool calls only, and there are none. */
  private readonly returnsReasoning: boolean
  private text = ""
  private refusal = ""
  private readonly calls: Array<Body> = []
  private readonly thinking: Array<Body> = []

  constructor(encoding: ConversationEncoding, callsTools: boolean) {
    this.encoding = encoding
    this.returnsReasoning = callsTools || encoding.capabilities.reasoningReturn === "always"
  }

  say(text: string): void {
    this.text += text
  }

  refuse(text: string): void {
    this.refusal += text
  }

  call(part: ToolCallPart): void {
    const own = part.protocolData?.[protocolName]
    this.calls.push({
      ...this.returned(own ?? {}, "a signature of a tool call"),
      id: part.id,
      type: "function",
      function: { name: part.name, arguments: this.encoding.argumentsText(part.arguments) },
    })
  }

  reason(part: ReasoningPart): void {
    if (!this.returnsReasoning) return
    const own = part.protocolData?.[protocolName]
    if (own === undefined) return this.dropReasoning()
    const field = nonEmpty(own.field) ?? "reasoning_details"
    if (this.takes(tags)) this.text += `<think>${part.text}</think>`
    else if (Array.isArray(own.reasoning_details) && this.takes("reasoning_details")) {
      this.append("reasoning_details", own.reasoning_details)
    } else if (!this.takes(field)) this.dropReasoning()
    else if (field === "thinking") this.thinking.push({ type: "thinking", thinking: [textPart(part.text)] })
    else if (field === "reasoning_details") this.append(field, [{ type: "reasoning.text", text: part.text }])
    else this.body[field] = `${nonEmpty(this.body[field]) ?? ""}${part.text}`
  }

  /** Fields of the message itself, which this protocol kept. */
  keep(fields: WireObject): void {
    Object.assign(this.body, this.returned(fields, "a signature of the message"))
  }

  /** The message; undefined where nothing of the turn has a field here. */
  end(): Body | undefined {
    const { body, calls, encoding, refusal, text, thinking } = this
    const { foreignCall, foreignTurn } = encoding.capabilities
    if (text !== "") body.content = text
    if (thinking.length > 0) body.content = text === "" ? thinking : [...thinking, textPart(text)]
    if (refusal !== "") body.refusal = refusal
    const [first] = calls
    if (first === undefined) return text === "" && refusal === "" ? undefined : body
    body.tool_calls = calls
    if (foreignCall !== undefined && this.isForeign(foreignCall)) Object.assign(first, foreignCall)
    return { ...foreignTurn, ...body }
  }

  /** True where neither the message nor one of its calls has what the service signs its calls with. */
  private isForeign(signed: Readonly<Record<string, unknown>>): boolean {
    const has = (body: Body) => Object.keys(signed).some((field) => body[field] !== undefined)
    return !has(this.body) && this.body.thought_signature === undefined && !this.calls.some(has)
  }

  private takes(field: string): boolean {
    const { returnedFields } = this.encoding.capabilities
    return returnedFields === undefined ? field !== tags : returnedFields.includes(field)
  }

  private returned(fields: WireObject, what: string): Body {
    const kept = Object.entries(fields).filter(([field]) => this.takes(field))
    if (kept.length < Object.keys(fields).length) {
      this.encoding.warn(`${what} was dropped: ${this.encoding.model} does not take it back`)
    }
    return Object.fromEntries(kept)
  }

  private append(field: string, details: ReadonlyArray<unknown>): void {
    this.body[field] = [...elements(this.body[field]), ...details]
  }

  private dropReasoning(): void {
    const { encoding } = this
    encoding.warn(`the reasoning of earlier turns was dropped: ${encoding.model} does not take it back over ${wire}`)
  }
}

/** Undefined where nothing of the turn has a field in this protocol. */
export const encodeAssistant = (
  message: AssistantMessage,
  path: string,
  encoding: ConversationEncoding,
): Body | undefined => {
  if (typeof message.content === "string") return { role: "assistant", content: message.content }
  const turn = new Turn(
    encoding,
    message.content.some((part) => part.type === "tool-call"),
  )
  for (const part of message.content) {
    if (part.type === "text") turn.say(part.text)
    else if (part.type === "refusal") turn.refuse(part.text)
    else if (part.type === "tool-call") turn.call(part)
    else if (part.type === "image") {
      encoding.warn(`a picture in ${path} was dropped: ${wire} takes none from an assistant`)
    } else if (part.type === "reasoning") turn.reason(part)
    else if (part.provider === protocolName && isWireObject(part.value)) {
      // Those with a type only tell; the others are fields of the message, such as Gemini's signature.
      if (part.value.type === undefined) turn.keep(part.value)
    } else encoding.warn(`an "other" part of ${part.provider} in ${path} was dropped: ${wire} has no field for it`)
  }
  const body = turn.end()
  if (body === undefined) encoding.warn(`${path} was dropped: nothing of it has a field in ${wire}`)
  return body
}
