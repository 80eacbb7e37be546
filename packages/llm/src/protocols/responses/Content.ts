/**
 * Reads the items of a Responses answer. A whole item is one that begins and ends at once, so `decode` and the stream
 * read through this one door and cannot disagree (law 5). It knows neither responses nor endings.
 *
 * Items are told apart by their place (`output_index`), never by their id: GitHub Copilot changes ids within one item
 * (recorded), and ids of different services have no common form.
 */
import { GrowingText } from "../../model/GrowingText.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { ReasoningPart } from "../../model/LlmRequest.ts"
import { AnswerReader } from "../AnswerReader.ts"
import { elements, isWireObject, nonEmpty, parseArguments, type WireObject } from "../WireReader.ts"
import { detailsOfCall, detailsOfMessage, PendingCalls, pictureOf } from "./Items.ts"

/** The protocol's name, under which its answers keep the items that have no part of their own (`OtherPart.provider`). */
export const protocolName = "responses"

/** What an item says in pieces: text, refusals, summaries of reasoning, and the reasoning itself. */
export type Kind = "text" | "refusal" | "summary" | "thought"

/** One text of an item: where it stands among the answer's parts, and how far it has come. */
interface Said {
  readonly kind: Kind
  readonly place: unknown
  readonly index: number
  readonly text: GrowingText
}

/** A function call under way. */
interface OpenCall {
  readonly index: number
  readonly id: string
  readonly name: string
  readonly text: GrowingText
}

/** An item under way. */
interface OpenItem {
  readonly item: WireObject
  /** Its texts, in order, and by where they stand. */
  readonly said: Map<string, Said>
  call: OpenCall | undefined
  annotations: Array<unknown>
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

export class ItemReader extends AnswerReader {
  /** What the caller has to answer before the model goes on. */
  readonly pending = new PendingCalls()
  /** Every item of the answer, once they are known. */
  output: ReadonlyArray<unknown> = []
  private count = 0
  private readonly open = new Map<unknown, OpenItem>()
  private readonly types = new Map<unknown, unknown>()
  /** The text that grew last, and the item it belongs to: most pieces continue it. */
  private lastKey: unknown = undefined
  private last: Said | undefined = undefined

  /** The provider that answers, where it is known: only the same one can read its reasoning again. */
  private readonly source: string | undefined

  constructor(source?: string) {
    super(protocolName)
    this.source = source
  }

  /** An item begins. */
  start(key: unknown, item: WireObject, events: Array<LlmEvent>): void {
    this.close(key, undefined, events)
    const opened = this.begin(key, item)
    if (item.type !== "function_call" && item.type !== "custom_tool_call") return
    const name = nonEmpty(item.name)
    if (name !== undefined) opened.call = this.beginCall(item, name, events)
  }

  /** The next piece of a text. A piece whose item never began begins it. */
  say(key: unknown, kind: Kind, place: unknown, delta: unknown, events: Array<LlmEvent>): void {
    if (typeof delta !== "string" || delta === "") return
    const { last } = this
    if (last !== undefined && last.place === place && last.kind === kind && this.lastKey === key) {
      return grow(last, delta, events)
    }
    const item = this.open.get(key) ?? this.begin(key, { type: kindTypes[kind] })
    let said = item.said.get(standing(kind, place))
    if (said === undefined) {
      said = { kind, place, index: this.nextIndex(), text: new GrowingText() }
      item.said.set(standing(kind, place), said)
      if (kind === "refusal") this.refused = true
    }
    this.last = said
    this.lastKey = key
    grow(said, delta, events)
  }

  /** A text as its service writes it at its end: what no piece brought is said now. */
  complete(key: unknown, kind: Kind, place: unknown, text: unknown, events: Array<LlmEvent>): void {
    if (typeof text !== "string") return
    const said = this.open.get(key)?.said.get(standing(kind, place))
    const before = said === undefined ? "" : `${said.text}`
    if (text.startsWith(before)) this.say(key, kind, place, text.slice(before.length), events)
  }

  /** The next piece of a call's arguments. */
  extendCall(key: unknown, delta: unknown, events: Array<LlmEvent>): void {
    const call = this.open.get(key)?.call
    if (call === undefined || typeof delta !== "string" || delta === "") return
    call.text.add(delta)
    events.push({ type: "tool-call-delta", index: call.index, delta })
  }

  /** Where a text comes from. */
  annotate(key: unknown, annotation: unknown): void {
    const item = this.open.get(key)
    if (item === undefined || (annotation ?? undefined) === undefined) return
    this.note("annotations")
    item.annotations.push(annotation)
  }

  /** An item ends, and this is the whole of it. */
  finish(key: unknown, item: WireObject, events: Array<LlmEvent>): void {
    if (!this.open.has(key)) this.start(key, item, events)
    this.close(key, item, events)
  }

  /**
   * Ends every item still open. `output` is the whole answer, which the last event of a stream carries: some services
   * send an item there only, and some send nothing there.
   */
  end(events: Array<LlmEvent>): void {
    const { output } = this
    const itemAt = (key: unknown): WireObject | undefined => {
      const item = typeof key === "number" ? output[key] : undefined
      return isWireObject(item) ? item : undefined
    }
    const agrees = [...this.types].every(([key, type]) => {
      const item = itemAt(key)
      return item !== undefined && item.type === type
    })
    for (const key of [...this.open.keys()]) this.close(key, agrees ? itemAt(key) : undefined, events)
    // Where places and types agree, an item at a place that no event named has not been read yet.
    if (!agrees || this.count >= output.length) return
    output.forEach((item, place) => {
      if (!this.types.has(place) && isWireObject(item)) this.finish(place, item, events)
    })
  }

  private begin(key: unknown, item: WireObject): OpenItem {
    const opened: OpenItem = { item, said: new Map(), call: undefined, annotations: [] }
    this.open.set(key, opened)
    this.types.set(key, item.type)
    this.count++
    this.last = undefined
    return opened
  }

  /** `whole` is undefined where the item's own last event never came. */
  private close(key: unknown, whole: WireObject | undefined, events: Array<LlmEvent>): void {
    const opened = this.open.get(key)
    if (opened === undefined) return
    const item = whole ?? opened.item
    if (item.type === "message") this.endMessage(key, opened, item, events)
    else if (item.type === "reasoning") this.endReasoning(key, opened, item, events)
    else if (item.type === "function_call" || item.type === "custom_tool_call") this.endCall(opened, item, events)
    else this.endOther(item, events)
    this.pending.note(item)
    this.open.delete(key)
    this.last = undefined
  }

  private endMessage(key: unknown, opened: OpenItem, item: WireObject, events: Array<LlmEvent>): void {
    for (const [place, part] of elements(item.content).entries()) {
      if (this.excess !== undefined) return
      if (!isWireObject(part)) continue
      this.noteAll("annotations", elements(part.annotations).length)
      if (part.type === "refusal") this.complete(key, "refusal", place, part.refusal, events)
      else if (typeof part.text === "string") this.complete(key, "text", place, part.text, events)
      else this.keep({ type: "message", role: "assistant", content: [part] }, events)
    }
    const details = detailsOfMessage(item, opened.annotations)
    if (details !== undefined) this.keep(details, events)
  }

  /**
   * A part for each summary, or for each piece of open reasoning; the last one carries what only the provider can read.
   * That is taken from the item's end: at its beginning it is another value (recorded).
   */
  private endReasoning(key: unknown, opened: OpenItem, item: WireObject, events: Array<LlmEvent>): void {
    const sayAll = (kind: Kind, parts: unknown) => {
      for (const [place, part] of elements(parts).entries()) {
        if (this.excess !== undefined) return
        if (isWireObject(part)) this.complete(key, kind, place, part.text, events)
      }
    }
    sayAll("summary", item.summary)
    sayAll("thought", item.content)
    const redacted = nonEmpty(item.encrypted_content)
    const said = [...opened.said.values()].filter(({ kind }) => kind === "summary" || kind === "thought")
    if (redacted === undefined) {
      for (const { index, kind, text } of said) if (kind === "thought") this.endThought(index, `${text}`, {}, events)
      return
    }
    const last = said.at(-1)
    this.endThought(last?.index ?? this.nextIndex(), last === undefined ? "" : `${last.text}`, { redacted }, events)
  }

  private endThought(index: number, text: string, more: Partial<ReasoningPart>, events: Array<LlmEvent>): void {
    const { source } = this
    const known = source === undefined ? {} : { protocolData: { [protocolName]: { provider: source } } }
    const part: ReasoningPart = { type: "reasoning", text, ...more, protocol: protocolName, ...known }
    events.push({ type: "part-end", index, part })
  }

  /** A picture, with what belongs to it, or an item without a part of its own. */
  private endOther(item: WireObject, events: Array<LlmEvent>): void {
    const [picture, rest] = pictureOf(item) ?? [undefined, item]
    if (picture !== undefined) events.push({ type: "part-end", index: this.nextIndex(), part: picture })
    this.keep(rest, events)
  }

  /** A function call with its parsed arguments, or a custom one with the text that the model wrote. */
  private endCall(opened: OpenItem, item: WireObject, events: Array<LlmEvent>): void {
    const call = opened.call ?? this.beginCall(item, textOf(item.name), events)
    const { id, index, name } = call
    const isCustom = item.type === "custom_tool_call"
    const written = isCustom ? item.input : item.arguments
    const text = typeof written === "string" && written !== "" ? written : `${call.text}`
    const args = isWireObject(written) ? written : isCustom ? text : parseArguments(text, name, this.warnings)
    const details = detailsOfCall(item)
    const kept = details === undefined ? {} : { protocolData: { [protocolName]: details } }
    events.push({ type: "tool-call-end", index, id, name, arguments: args, ...kept })
  }

  private beginCall(item: WireObject, name: string, events: Array<LlmEvent>): OpenCall {
    const id = this.callId(nonEmpty(item.call_id) ?? nonEmpty(item.id))
    const call: OpenCall = { index: this.nextIndex(), id, name, text: new GrowingText() }
    events.push({ type: "tool-call-start", index: call.index, id, name })
    return call
  }
}

/** The type of an item that begins with a piece of this kind. */
const kindTypes: Readonly<Record<Kind, string>> = {
  text: "message",
  refusal: "message",
  summary: "reasoning",
  thought: "reasoning",
}

/** Where a text stands within its item. Places are numbers; what else a service may write there is one place. */
const standing = (kind: Kind, place: unknown): string => `${kind} ${typeof place === "number" ? place : ""}`

const grow = ({ index, kind, text }: Said, delta: string, events: Array<LlmEvent>): void => {
  text.add(delta)
  events.push(
    kind === "text"
      ? { type: "text-delta", index, delta }
      : kind === "refusal"
        ? { type: "refusal-delta", index, delta }
        : { type: "reasoning-delta", index, delta },
  )
}
