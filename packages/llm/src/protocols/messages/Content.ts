/**
 * Reads the blocks of a Messages answer. A whole block is one that starts full and stops at once, so `decode` and the
 * stream read through this one door and cannot disagree (law 5). It knows neither messages nor endings.
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import { isWireObject, madeUpCallId, nonEmpty, parseArguments, parseJson, type WireObject } from "../WireReader.ts"

/** The protocol's name, under which answers keep what they have no part for (`OtherPart.provider`). */
export const protocolName = "messages"

/** A block under way. `index` is its part's; a block that says nothing becomes no part. */
interface OpenBlock {
  readonly type: string
  readonly start: WireObject
  index: number | undefined
  text: string
  json: string
  signature: string
  id: string
  name: string
  /** The block itself, where it is of a type that has no part of its own. */
  whole: Record<string, unknown> | undefined
  citations: Array<unknown> | undefined
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

export class BlockReader {
  readonly warnings: Array<string> = []
  /** True once a refusal was read. */
  refused = false
  private nextIndex = 0
  private callCount = 0
  private readonly open = new Map<unknown, OpenBlock>()

  /** A block begins. What it already says is said. */
  start(key: unknown, block: WireObject, events: Array<LlmEvent>): void {
    this.stop(key, events)
    const type = textOf(block.type)
    const opened: OpenBlock = {
      type,
      start: block,
      index: undefined,
      text: "",
      json: "",
      signature: "",
      id: "",
      name: "",
      whole: undefined,
      citations: undefined,
    }
    this.open.set(key, opened)
    switch (type) {
      case "text":
        this.say(opened, textOf(block.text), events)
        if (Array.isArray(block.citations)) opened.citations = [...block.citations]
        return
      case "thinking":
        this.say(opened, textOf(block.thinking), events)
        opened.signature = textOf(block.signature)
        return
      case "redacted_thinking":
        return
      case "tool_use":
        opened.index = this.nextIndex++
        opened.id = nonEmpty(block.id) ?? madeUpCallId(this.callCount)
        opened.name = textOf(block.name)
        this.callCount++
        events.push({ type: "tool-call-start", index: opened.index, id: opened.id, name: opened.name })
        return
      default:
        opened.index = this.nextIndex++
        opened.whole = { ...block }
    }
  }

  /** Why the model refused, where the message's `stop_details` say it: Anthropic writes no block for that. */
  refuse(details: unknown, events: Array<LlmEvent>): void {
    if (!isWireObject(details) || details.type !== "refusal") return
    this.refused = true
    const delta = nonEmpty(details.explanation)
    if (delta !== undefined) events.push({ type: "refusal-delta", index: this.nextIndex++, delta })
  }

  /** The next piece of a block. A piece whose block never began begins it. */
  delta(key: unknown, delta: WireObject, events: Array<LlmEvent>): void {
    let block = this.open.get(key)
    if (block === undefined) {
      const type = delta.type === "thinking_delta" ? "thinking" : delta.type === "text_delta" ? "text" : undefined
      if (type === undefined) return
      this.start(key, { type }, events)
      block = this.open.get(key)
      if (block === undefined) return
    }
    switch (delta.type) {
      case "text_delta":
        if (block.whole === undefined) return this.say(block, textOf(delta.text), events)
        break
      case "thinking_delta":
        if (block.whole === undefined) return this.say(block, textOf(delta.thinking), events)
        break
      case "input_json_delta": {
        const json = textOf(delta.partial_json)
        if (json === "") return
        block.json += json
        if (block.type === "tool_use" && block.index !== undefined) {
          events.push({ type: "tool-call-delta", index: block.index, delta: json })
        }
        return
      }
      case "signature_delta":
        block.signature += textOf(delta.signature)
        return
      case "citations_delta":
        block.citations ??= []
        block.citations.push(delta.citation)
        return
    }
    if (block.whole !== undefined) extendWhole(block.whole, delta)
  }

  /** A block ends. */
  stop(key: unknown, events: Array<LlmEvent>): void {
    const block = this.open.get(key)
    if (block === undefined) return
    this.open.delete(key)
    const { index } = block
    if (block.type === "tool_use") {
      if (index !== undefined) {
        events.push({ type: "tool-call-end", index, id: block.id, name: block.name, arguments: this.inputOf(block) })
      }
    } else if (block.type === "thinking") {
      if (block.signature === "") return
      events.push({
        type: "part-end",
        index: index ?? this.nextIndex++,
        part: { type: "reasoning", text: block.text, signature: block.signature },
      })
    } else if (block.type === "redacted_thinking") {
      const part = { type: "reasoning", text: "", redacted: textOf(block.start.data) } as const
      events.push({ type: "part-end", index: this.nextIndex++, part })
    } else if (block.whole !== undefined && index !== undefined) {
      if (block.json !== "") block.whole.input = parseJson(block.json) ?? block.json
      this.keep(index, block.whole, events)
    } else if (block.citations !== undefined && block.citations.length > 0) {
      this.keep(this.nextIndex++, { type: "citations", citations: block.citations }, events)
    }
  }

  /** Ends every block still open. */
  end(events: Array<LlmEvent>): void {
    for (const key of this.open.keys()) this.stop(key, events)
  }

  private keep(index: number, value: unknown, events: Array<LlmEvent>): void {
    events.push({ type: "part-end", index, part: { type: "other", provider: protocolName, value } })
  }

  private say(block: OpenBlock, delta: string, events: Array<LlmEvent>): void {
    if (delta === "") return
    const index = (block.index ??= this.nextIndex++)
    if (block.type === "text") events.push({ type: "text-delta", index, delta })
    else {
      block.text += delta
      events.push({ type: "reasoning-delta", index, delta })
    }
  }

  /** Arguments come in pieces, or whole with the start of their block (programmatic tool calls). */
  private inputOf(block: OpenBlock): unknown {
    if (block.json !== "") return parseArguments(block.json, block.name, this.warnings)
    const { input } = block.start
    if (typeof input === "string") return parseArguments(input, block.name, this.warnings)
    return input === undefined || input === null ? {} : input
  }
}

/** A piece of a block that has no part of its own (`compaction_delta`, and what is yet to come): texts grow, the rest is set. */
const extendWhole = (whole: Record<string, unknown>, delta: WireObject): void => {
  for (const [key, value] of Object.entries(delta)) {
    if (key === "type" || !isExtension(value)) continue
    const before = whole[key]
    whole[key] = typeof before === "string" && typeof value === "string" ? before + value : value
  }
}

const isExtension = (value: unknown): boolean => value !== null && value !== undefined
