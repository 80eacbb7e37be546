/**
 * Reads what an assistant says in Chat Completions. A whole message is one large delta, so `decode` and the stream read
 * through this one door and cannot disagree (law 5). It knows neither chunks nor endings.
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import { elements, isWireObject, madeUpCallId, nonEmpty, parseArguments, type WireObject } from "../WireReader.ts"

/** The protocol's name, under which answers keep what they have no part for (`OtherPart.provider`). */
export const protocolName = "chat-completions"

type Kind = "text" | "reasoning" | "refusal"

/** A tool call under way. `index` is its part's, once it has begun: a call begins when its name is known. */
interface OpenCall {
  readonly key: number | undefined
  id: string | undefined
  name: string
  text: string
  index: number | undefined
}

/** The text of mistral's thinking, which is a list of text parts inside a content part, or of a plain one. */
const thinkingText = (value: unknown): string =>
  typeof value === "string"
    ? value
    : elements(value).reduce<string>(
        (text, part) => (isWireObject(part) && typeof part.text === "string" ? text + part.text : text),
        "",
      )

export class MessageReader {
  readonly warnings: Array<string> = []
  /** True once a refusal was read. */
  refused = false
  private nextIndex = 0
  private openKind: Kind | undefined = undefined
  private openIndex = 0
  private readonly calls: Array<OpenCall> = []
  private readonly details: Array<Record<string, unknown>> = []
  private readonly annotations: Array<unknown> = []

  /** Reads a message or a piece of one, and appends what it says to `events`. */
  read(delta: WireObject, events: Array<LlmEvent>): void {
    this.readReasoning(delta, events)
    const content = delta.content
    if (typeof content === "string") this.say("text", content, events)
    else if (Array.isArray(content)) this.readParts(content, events)
    if (typeof delta.refusal === "string") this.say("refusal", delta.refusal, events)
    if (Array.isArray(delta.tool_calls)) for (const call of delta.tool_calls) this.readCall(call, events)
    // The predecessor of tool_calls: one call, without an id.
    if (isWireObject(delta.function_call)) this.readFunction(delta.function_call, -1, undefined, events)
    if (Array.isArray(delta.annotations)) this.annotations.push(...delta.annotations)
  }

  /** Ends every tool call, and hands over what has no part of its own. */
  end(events: Array<LlmEvent>): void {
    for (const call of this.calls) {
      if (call.index === undefined) {
        // Neither a name nor arguments ever came: Snowflake sends such empty frames.
        if (call.text === "" && call.id === undefined) continue
        this.begin(call, events)
      }
      const args = parseArguments(call.text, call.name, this.warnings)
      const { id = "", index = 0, name } = call
      events.push({ type: "tool-call-end", index, id, name, arguments: args })
    }
    if (
      this.details.some((detail) => nonEmpty(detail.signature) !== undefined || nonEmpty(detail.data) !== undefined)
    ) {
      this.keep({ reasoning_details: this.details }, events)
    }
    if (this.annotations.length > 0) this.keep({ type: "annotations", annotations: this.annotations }, events)
  }

  private keep(value: unknown, events: Array<LlmEvent>): void {
    events.push({ type: "part-end", index: this.nextIndex++, part: { type: "other", provider: protocolName, value } })
  }

  private say(kind: Kind, delta: string, events: Array<LlmEvent>): void {
    if (delta === "") return
    if (this.openKind !== kind) {
      this.openKind = kind
      this.openIndex = this.nextIndex++
    }
    const index = this.openIndex
    if (kind === "text") events.push({ type: "text-delta", index, delta })
    else if (kind === "reasoning") events.push({ type: "reasoning-delta", index, delta })
    else {
      this.refused = true
      events.push({ type: "refusal-delta", index, delta })
    }
  }

  /**
   * Reasoning comes as `reasoning_content` (DeepSeek, xAI, Z.ai, llama.cpp), `reasoning` (OpenRouter, Groq, Together) or
   * only inside `reasoning_details` (Snowflake); services that send two of them send the same text twice.
   */
  private readReasoning(delta: WireObject, events: Array<LlmEvent>): void {
    const details = delta.reasoning_details
    const named = nonEmpty(delta.reasoning_content) ?? nonEmpty(delta.reasoning)
    if (named !== undefined) this.say("reasoning", named, events)
    if (!Array.isArray(details)) return
    for (const detail of details) {
      if (!isWireObject(detail)) continue
      if (named === undefined) this.say("reasoning", nonEmpty(detail.text) ?? nonEmpty(detail.summary) ?? "", events)
      this.keepDetail(detail)
    }
  }

  /** Puts the pieces of one detail together again: OpenRouter wants them back whole. */
  private keepDetail(detail: WireObject): void {
    const last = this.details.at(-1)
    const continues =
      last !== undefined &&
      last.type === detail.type &&
      last.index === detail.index &&
      (typeof detail.text === "string" || typeof detail.summary === "string" || typeof detail.signature === "string") &&
      nonEmpty(last.signature) === undefined &&
      nonEmpty(detail.data) === undefined
    if (!continues) {
      this.details.push({ ...detail })
      return
    }
    for (const [key, value] of Object.entries(detail)) {
      const before = last[key]
      if (value === null || value === undefined) continue
      last[key] =
        (key === "text" || key === "summary") && typeof before === "string" && typeof value === "string"
          ? before + value
          : value
    }
  }

  private readParts(parts: ReadonlyArray<unknown>, events: Array<LlmEvent>): void {
    for (const part of parts) {
      if (typeof part === "string") this.say("text", part, events)
      if (!isWireObject(part)) continue
      if (part.type === "thinking" || part.type === "reasoning") {
        this.say("reasoning", thinkingText(part.thinking ?? part.text), events)
      } else if (part.type === "refusal" && typeof part.refusal === "string") this.say("refusal", part.refusal, events)
      else if (typeof part.text === "string") this.say("text", part.text, events)
    }
  }

  private readCall(call: unknown, events: Array<LlmEvent>): void {
    if (!isWireObject(call)) return
    const key = typeof call.index === "number" ? call.index : undefined
    const called = isWireObject(call.function) ? call.function : isWireObject(call.custom) ? call.custom : undefined
    if (called !== undefined) this.readFunction(called, key, nonEmpty(call.id), events)
  }

  private readFunction(called: WireObject, key: number | undefined, id: string | undefined, events: Array<LlmEvent>) {
    const name = nonEmpty(called.name)
    const written = called.arguments ?? called.input ?? ""
    const text = typeof written === "string" ? written : JSON.stringify(written)
    let call = this.find(key, id, name)
    if (call === undefined) {
      if (name === undefined && text === "" && id === undefined) return
      call = { key, id, name: "", text: "", index: undefined }
      this.calls.push(call)
    }
    call.id ??= id
    if (name !== undefined && call.name === "") {
      call.name = name
      this.begin(call, events)
      if (call.text !== "") this.pass(call, call.text, events)
    }
    if (text === "") return
    call.text += text
    this.pass(call, text, events)
  }

  /** Arguments go out once their call has begun. */
  private pass(call: OpenCall, delta: string, events: Array<LlmEvent>): void {
    if (call.index !== undefined) events.push({ type: "tool-call-delta", index: call.index, delta })
  }

  /**
   * The call that a piece continues. Pieces name it by `index`; some services leave that out and name it by `id`, or by
   * nothing at all, and some give every call the index 0 and only the id tells them apart.
   */
  private find(key: number | undefined, id: string | undefined, name: string | undefined): OpenCall | undefined {
    for (let place = this.calls.length - 1; place >= 0; place--) {
      const call = this.calls[place]
      if (call === undefined) continue
      if (key === undefined) {
        if (id !== undefined ? call.id === id : name === undefined) return call
      } else if (call.key === key) {
        const another = name !== undefined && id !== undefined && call.id !== undefined && call.id !== id
        return another ? undefined : call
      }
    }
    return undefined
  }

  private begin(call: OpenCall, events: Array<LlmEvent>): void {
    call.index = this.nextIndex++
    call.id ??= madeUpCallId(this.calls.indexOf(call))
    this.openKind = undefined
    events.push({ type: "tool-call-start", index: call.index, id: call.id, name: call.name })
  }
}
