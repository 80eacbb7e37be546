/**
 * Reads what an assistant says in Chat Completions. A whole message is one large delta, so `decode` and the stream read
 * through this one door and cannot disagree (law 5). It knows neither chunks nor endings.
 */
import { GrowingText } from "../../model/GrowingText.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import { AnswerReader } from "../AnswerReader.ts"
import { elements, isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"
import { Carried } from "./Carried.ts"
import { imageOf } from "./Media.ts"
import { Details, type Thought, thoughtOf } from "./Reasoning.ts"
import { ToolCallReader } from "./ToolCallReader.ts"

/** The protocol's name, under which answers keep what they have no part for (`OtherPart.provider`). */
export const protocolName = "chat-completions"

/** The part under way that grows. */
interface OpenPart {
  readonly type: "text" | "reasoning" | "refusal"
  readonly index: number
}

/** Reasoning under way: its text, and what its service may want back. */
interface OpenReasoning {
  readonly index: number
  readonly field: string
  readonly text: GrowingText
  readonly details: Details
}

export class MessageReader extends AnswerReader {
  private open: OpenPart | undefined = undefined
  private reasoning: OpenReasoning | undefined = undefined
  /** Made with the first tool call: most answers have none. */
  private calls: ToolCallReader | undefined = undefined
  private readonly carried = new Carried(this)
  /** The text so far, for services that end with the whole message instead of its last piece. */
  private readonly text = new GrowingText()
  private textLength = 0
  private sawReasoning = false
  private sawImage = false

  constructor() {
    super(protocolName)
  }

  /** Reads a piece of a message, and appends what it says to `events`. */
  read(delta: WireObject, events: Array<LlmEvent>): void {
    this.readSaid(delta, events)
    if (hasCalls(delta)) this.callReader().read(delta, events)
    this.carried.read(delta)
  }

  /**
   * Reads a whole message. Where pieces of it have come already, it is the same answer once more, and only what they have
   * not said is read.
   */
  readWhole(message: WireObject, events: Array<LlmEvent>): void {
    this.readSaid(this.unsaid(message), events)
    if (hasCalls(message)) this.callReader().readWhole(message, events)
    this.carried.readAgain(message)
  }

  /** What stands beside the message and belongs to the answer: sources, and how likely its tokens were. */
  readBeside(body: WireObject, choice: WireObject | undefined): void {
    this.carried.readBeside(body)
    if (choice !== undefined) this.carried.readChoice(choice)
  }

  end(events: Array<LlmEvent>): void {
    this.close(events)
    this.calls?.end(events)
    this.carried.end(events)
  }

  private callReader(): ToolCallReader {
    return (this.calls ??= new ToolCallReader(this, (events) => this.close(events)))
  }

  private readSaid(delta: WireObject, events: Array<LlmEvent>): void {
    const thought = thoughtOf(delta)
    if (thought !== undefined) this.think(thought, events)
    if (Array.isArray(delta.reasoning_details)) this.readDetails(delta.reasoning_details)
    const { content } = delta
    if (typeof content === "string") this.say("text", content, events)
    else if (Array.isArray(content)) this.readParts(content, events)
    if (typeof delta.refusal === "string") this.say("refusal", delta.refusal, events)
    if (Array.isArray(delta.images)) this.readParts(delta.images, events)
  }

  /** What a whole message says that the pieces before it have not. */
  private unsaid(message: WireObject): WireObject {
    if (this.isSilent) return message
    const { content, images, reasoning, reasoning_content, reasoning_details, refusal } = message
    return {
      content: this.textLength === 0 ? content : this.restOf(content),
      ...(this.sawImage ? {} : { images }),
      ...(this.refused ? {} : { refusal }),
      ...(this.sawReasoning ? {} : { reasoning, reasoning_content, reasoning_details }),
    }
  }

  /** True where no piece has said anything yet. */
  private get isSilent(): boolean {
    return this.textLength === 0 && !this.refused && !this.sawImage && !this.sawReasoning
  }

  /** What a text adds to the text so far; nothing where it is another. */
  private restOf(content: unknown): string {
    const text = typeof content === "string" ? content : textOf(elements(content))
    return text.startsWith(`${this.text}`) ? text.slice(this.textLength) : ""
  }

  private say(type: "text" | "refusal", delta: string, events: Array<LlmEvent>): void {
    if (delta === "") return
    const { index } = this.begin(type, events)
    if (type === "text") {
      this.text.add(delta)
      this.textLength += delta.length
      events.push({ type: "text-delta", index, delta })
    } else {
      this.refused = true
      events.push({ type: "refusal-delta", index, delta })
    }
  }

  private think({ field, text }: Thought, events: Array<LlmEvent>): void {
    const { index } = this.begin("reasoning", events)
    this.reasoning ??= { index, field, text: new GrowingText(), details: new Details() }
    this.reasoning.text.add(text)
    this.sawReasoning = true
    events.push({ type: "reasoning-delta", index, delta: text })
  }

  /** Details that come with or after reasoning belong to it; others are the message's. */
  private readDetails(details: ReadonlyArray<unknown>): void {
    for (const detail of details) {
      if (!isWireObject(detail)) continue
      if (this.reasoning === undefined) this.carried.addDetail(detail)
      else this.reasoning.details.add(detail, () => this.note("reasoning_details"))
    }
  }

  private begin(type: OpenPart["type"], events: Array<LlmEvent>): OpenPart {
    if (this.open?.type === type) return this.open
    this.close(events)
    this.open = { type, index: this.nextIndex() }
    return this.open
  }

  /** The part under way ends, because another begins. */
  private close(events: Array<LlmEvent>): void {
    const { reasoning } = this
    this.open = undefined
    this.reasoning = undefined
    if (reasoning === undefined) return
    const { details, field, index, text } = reasoning
    const data = details.isSealed ? { field, reasoning_details: details.whole } : { field }
    const part = { type: "reasoning", text: `${text}`, protocolData: { [protocolName]: data } } as const
    events.push({ type: "part-end", index, part })
  }

  private readParts(parts: ReadonlyArray<unknown>, events: Array<LlmEvent>): void {
    let text = ""
    for (const part of parts) {
      if (this.excess !== undefined) return
      const said = plainTextOf(part)
      if (said !== undefined) {
        text += said
        continue
      }
      this.say("text", text, events)
      text = ""
      if (isWireObject(part)) this.readPart(part, events)
    }
    this.say("text", text, events)
  }

  private readPart(part: WireObject, events: Array<LlmEvent>): void {
    if (part.type === "thinking" || part.type === "reasoning") return this.readThinking(part, events)
    if (part.type === "refusal" && typeof part.refusal === "string") return this.say("refusal", part.refusal, events)
    const image = imageOf(part)
    if (image === undefined && nonEmpty(part.type) === undefined) return
    this.close(events)
    if (image === undefined) return this.keep(part, events)
    this.sawImage = true
    events.push({ type: "part-end", index: this.nextIndex(), part: image })
  }

  /** Mistral's thinking is a list of text parts, and of references between them, inside a content part. */
  private readThinking(part: WireObject, events: Array<LlmEvent>): void {
    const thinking = part.thinking ?? part.text
    const text = typeof thinking === "string" ? thinking : textOf(elements(thinking))
    if (text !== "") this.think({ text, field: "thinking" }, events)
    for (const other of elements(thinking)) {
      if (!isWireObject(other) || typeof other.text === "string") continue
      this.close(events)
      this.keep({ type: "thinking", thinking: [other] }, events)
    }
  }
}

const hasCalls = ({ function_call, tool_calls }: WireObject): boolean =>
  tool_calls !== undefined || function_call !== undefined

/** The text of a part that is nothing but text; undefined of another. */
const plainTextOf = (part: unknown): string | undefined => {
  if (typeof part === "string") return part
  if (!isWireObject(part) || typeof part.text !== "string") return undefined
  return part.type === "thinking" || part.type === "reasoning" || part.type === "refusal" ? undefined : part.text
}

/** The text of content parts, one after the other. */
const textOf = (parts: ReadonlyArray<unknown>): string => {
  let text = ""
  for (const part of parts) {
    if (typeof part === "string") text += part
    else if (isWireObject(part) && typeof part.text === "string") text += part.text
  }
  return text
}
