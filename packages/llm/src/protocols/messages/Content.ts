/**
 * Reads the blocks of a Messages answer. A whole block is one that starts full and stops at once, so `decode` and the
 * stream read through this one door and cannot disagree (law 5). It knows neither messages nor endings.
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import { AnswerReader } from "../AnswerReader.ts"
import { elements, isWireObject, nonEmpty, parseArguments, parseJson, type WireObject } from "../WireReader.ts"

/** The protocol's name, under which answers keep what they have no part for (`OtherPart.provider`). */
export const protocolName = "messages"

/** The part that a tool call is. */
interface CallPart {
  readonly index: number
  readonly id: string
  readonly name: string
}

/** A block that has no part of its own, and is kept as it is. */
interface KeptBlock {
  readonly index: number
  readonly value: Record<string, unknown>
}

/** A block under way. `index` is that of its text; a block that says nothing becomes no part. */
interface OpenBlock {
  readonly type: string
  readonly start: WireObject
  index: number | undefined
  text: string
  json: string
  signature: string
  call: CallPart | undefined
  kept: KeptBlock | undefined
  citations: Array<unknown> | undefined
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

type Home = "text" | "thinking"

/** The type of the block that a piece of text belongs in. */
const homeOf = (type: unknown): Home | undefined =>
  type === "text_delta" ? "text" : type === "thinking_delta" ? "thinking" : undefined

export class BlockReader extends AnswerReader {
  private readonly open = new Map<unknown, OpenBlock>()

  constructor() {
    super(protocolName)
  }

  /** Reads blocks that came whole. */
  readWhole(blocks: ReadonlyArray<unknown>, events: Array<LlmEvent>): void {
    for (const block of blocks) {
      if (this.excess !== undefined) return
      if (!isWireObject(block)) continue
      this.start(block, block, events)
      this.stop(block, events)
    }
  }

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
      signature: textOf(block.signature),
      call: undefined,
      kept: undefined,
      citations: undefined,
    }
    this.open.set(key, opened)
    switch (type) {
      case "text":
        this.say(opened, textOf(block.text), events)
        for (const citation of elements(block.citations)) this.cite(opened, citation)
        return
      case "thinking":
        this.say(opened, textOf(block.thinking), events)
        return
      case "redacted_thinking":
        return
      case "tool_use":
        this.call(opened, events)
        return
      default:
        opened.kept = { index: this.nextIndex(), value: { ...block } }
    }
  }

  /** Why the model refused, where the message's `stop_details` say it: Anthropic writes no block for that. */
  refuse(details: unknown, events: Array<LlmEvent>): void {
    if (!isWireObject(details) || details.type !== "refusal") return
    this.refused = true
    const delta = nonEmpty(details.explanation)
    if (delta !== undefined) events.push({ type: "refusal-delta", index: this.nextIndex(), delta })
  }

  /** The next piece of a block. A piece whose block never began begins it, and so does text of another kind. */
  delta(key: unknown, delta: WireObject, events: Array<LlmEvent>): void {
    const home = homeOf(delta.type)
    let block = this.open.get(key)
    if (home !== undefined && block?.type !== home && block?.kept === undefined) {
      if (block !== undefined && homeless.has(block.type)) return this.sayAlone(home, delta, events)
      this.start(key, { type: home }, events)
      block = this.open.get(key)
    }
    if (block === undefined) return
    if (block.kept !== undefined) return this.extend(block, block.kept.value, delta)
    switch (delta.type) {
      case "text_delta":
        return this.say(block, textOf(delta.text), events)
      case "thinking_delta":
        return this.say(block, textOf(delta.thinking), events)
      case "input_json_delta":
        return this.write(block, textOf(delta.partial_json), events)
      case "signature_delta":
        block.signature += textOf(delta.signature)
        return
      case "citations_delta":
        return this.cite(block, delta.citation)
    }
  }

  /** A block ends. */
  stop(key: unknown, events: Array<LlmEvent>): void {
    const block = this.open.get(key)
    if (block === undefined) return
    this.open.delete(key)
    const { call, citations, index, kept } = block
    if (call !== undefined) {
      const { id, name } = call
      events.push({ type: "tool-call-end", index: call.index, id, name, arguments: this.inputOf(block, name) })
    } else if (block.type === "thinking") {
      if (block.signature === "") return
      events.push({
        type: "part-end",
        index: index ?? this.nextIndex(),
        part: { type: "reasoning", text: block.text, signature: block.signature },
      })
    } else if (block.type === "redacted_thinking") {
      const part = { type: "reasoning", text: "", redacted: textOf(block.start.data) } as const
      events.push({ type: "part-end", index: this.nextIndex(), part })
    } else if (kept !== undefined) {
      const { value } = kept
      if (block.json !== "") value.input = parseJson(block.json) ?? block.json
      if (citations !== undefined) value.citations = citations
      events.push({ type: "part-end", index: kept.index, part: { type: "other", provider: protocolName, value } })
    } else if (citations !== undefined) this.keep({ type: "citations", citations }, events)
  }

  /** Ends every block still open. */
  end(events: Array<LlmEvent>): void {
    for (const key of this.open.keys()) this.stop(key, events)
  }

  private sayAlone(home: Home, delta: WireObject, events: Array<LlmEvent>): void {
    const text = textOf(home === "text" ? delta.text : delta.thinking)
    const type = home === "text" ? "text-delta" : "reasoning-delta"
    if (text !== "") events.push({ type, index: this.nextIndex(), delta: text })
  }

  private cite(block: OpenBlock, citation: unknown): void {
    this.note("citations")
    block.citations ??= []
    block.citations.push(citation)
  }

  private call(block: OpenBlock, events: Array<LlmEvent>): void {
    const { start } = block
    const call = { index: this.nextIndex(), id: this.callId(nonEmpty(start.id)), name: textOf(start.name) }
    block.call = call
    this.calledTools = true
    events.push({ type: "tool-call-start", index: call.index, id: call.id, name: call.name })
  }

  /** The next piece of a tool call's arguments. */
  private write(block: OpenBlock, json: string, events: Array<LlmEvent>): void {
    if (json === "") return
    block.json += json
    if (block.call !== undefined) events.push({ type: "tool-call-delta", index: block.call.index, delta: json })
  }

  /** A piece of a block that has no part of its own (`compaction_delta`, and what is yet to come): texts grow, the rest is set. */
  private extend(block: OpenBlock, whole: Record<string, unknown>, delta: WireObject): void {
    if (delta.type === "input_json_delta") block.json += textOf(delta.partial_json)
    else if (delta.type === "citations_delta") this.cite(block, delta.citation)
    else {
      for (const [key, value] of Object.entries(delta)) {
        if (key === "type" || value === null) continue
        const before = whole[key]
        whole[key] = typeof before === "string" && typeof value === "string" ? before + value : value
      }
    }
  }

  private say(block: OpenBlock, delta: string, events: Array<LlmEvent>): void {
    if (delta === "") return
    const index = (block.index ??= this.nextIndex())
    if (block.type === "text") events.push({ type: "text-delta", index, delta })
    else {
      block.text += delta
      events.push({ type: "reasoning-delta", index, delta })
    }
  }

  /** Arguments come in pieces, or whole with the start of their block (programmatic tool calls). */
  private inputOf({ json, start }: OpenBlock, name: string): unknown {
    if (json !== "") return parseArguments(json, name, this.warnings)
    const { input } = start
    return typeof input === "string" ? parseArguments(input, name, this.warnings) : (input ?? {})
  }
}

/** Blocks that hold no text. Text that comes in one is a part of its own, and the block goes on. */
const homeless: ReadonlySet<string> = new Set(["tool_use", "redacted_thinking"])
