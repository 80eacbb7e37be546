/**
 * A protocol whose answers have their thinking inside the text, between tags (`<think>…</think>`), read as reasoning. Only on
 * request: a text that speaks of tags is a text. Blanks beside a tag go with it; everything else stays as it was written.
 */
import * as Result from "effect/Result"
import { assemble, eventsOf, type LlmEvent } from "../model/LlmEvent.ts"
import { GrowingText } from "../model/GrowingText.ts"
import type { ResponsePart } from "../model/LlmResponse.ts"
import { maxParts } from "./Limits.ts"
import { type Fault, isFault, type Protocol, type StreamDecoder, type Unreadable } from "./Protocol.ts"
import { unreadable } from "./WireReader.ts"

/** Where such reasoning came from, for services of Chat Completions that want it back between tags. */
const protocolData = { "chat-completions": { field: "<think>" } }

/** What stands around thinking: `think` for `<think>…</think>`. */
export interface ReasoningTag {
  readonly name: string
  /** True where the answer begins inside, because the prompt has the opening tag. */
  readonly startsInside: boolean
}

/** The reasoning or text part under way. */
interface OpenPart {
  readonly type: "text" | "reasoning"
  readonly index: number
  readonly text: GrowingText
}

/** Blanks that may stand before the first tag; more of them are text. */
const maxLeading = 256

/** Reads the events of one answer, and writes them with its text split at the tags. */
class TagReader {
  private readonly opening: string
  private readonly closing: string
  private readonly startsInside: boolean
  /** The new index of each part of the answer that is not text. */
  private readonly indices = new Map<number, number>()
  private next = 0
  /** The part of the answer whose text is read, if one is. */
  private source: number | undefined = undefined
  private isInside = false
  private open: OpenPart | undefined = undefined
  /** The end of the text so far that may be the beginning of a tag, or blanks beside one. */
  private held = ""
  /** True where blanks go with the tag: after one, and at the beginning. */
  private isBesideTag = false
  /** True where a tag was read in this text. */
  private follows = false
  private isFirst = true
  /** Set where the answer's own parts, beside those that tags made, are more than an answer may have. */
  excess: Unreadable | undefined = undefined

  constructor({ name, startsInside }: ReasoningTag) {
    this.opening = `<${name}>`
    this.closing = `</${name}>`
    this.startsInside = startsInside
  }

  read(event: LlmEvent, out: Array<LlmEvent>): void {
    if (event.type === "text-delta") return this.readText(event.index, event.delta, out)
    if (!("index" in event)) {
      out.push(event)
      return
    }
    this.end(out)
    let index = this.indices.get(event.index)
    if (index === undefined) this.indices.set(event.index, (index = this.nextIndex()))
    out.push({ ...event, index })
  }

  /** The text under way ends, because another part begins or nothing follows. */
  end(out: Array<LlmEvent>): void {
    const { held } = this
    this.held = ""
    this.say(held, out)
    this.close(out)
    this.source = undefined
  }

  private readText(source: number, delta: string, out: Array<LlmEvent>): void {
    if (this.source !== source) {
      this.end(out)
      this.source = source
      this.isInside = this.isFirst && this.startsInside
      this.isBesideTag = true
      this.follows = this.isInside
      this.isFirst = false
    }
    let text = this.held + delta
    for (;;) {
      if (this.isBesideTag) {
        const rest = text.trimStart()
        if (this.follows) text = rest
        else if (text.length - rest.length <= maxLeading) {
          if (rest.startsWith(this.opening)) text = rest
          else if (this.opening.startsWith(rest)) {
            // Text, if no tag comes.
            this.held = text
            return
          }
        }
        this.isBesideTag = text === ""
      }
      const tag = this.isInside ? this.closing : this.opening
      const found = text.indexOf(tag)
      // Beyond so many parts a tag is text: nobody thinks that often. One part may begin before it, and one follows.
      const before = found > 0 && this.open === undefined ? 1 : 0
      const at = this.next + before < maxParts ? found : -1
      if (at < 0) {
        const kept = text.length - beginningOf(tag, text)
        this.held = text.slice(kept)
        return this.say(text.slice(0, kept), out)
      }
      this.say(text.slice(0, at), out)
      this.close(out)
      this.isInside = !this.isInside
      this.isBesideTag = true
      this.follows = true
      text = text.slice(at + tag.length)
    }
  }

  private say(delta: string, out: Array<LlmEvent>): void {
    if (delta === "") return
    const type = this.isInside ? "reasoning" : "text"
    this.open ??= { type, index: this.nextIndex(), text: new GrowingText() }
    const { index } = this.open
    if (type === "reasoning") this.open.text.add(delta)
    out.push({ type: `${type}-delta`, index, delta })
  }

  private nextIndex(): number {
    if (this.next === maxParts) this.excess ??= unreadable(`the answer has more than ${maxParts} parts`, "parts", "")
    return this.next++
  }

  private close(out: Array<LlmEvent>): void {
    const { open } = this
    this.open = undefined
    if (open?.type !== "reasoning") return
    const part = { type: "reasoning", text: `${open.text}`, protocolData } as const
    out.push({ type: "part-end", index: open.index, part })
  }
}

/** How many characters at the end of `text` are the beginning of `tag`. */
const beginningOf = (tag: string, text: string): number => {
  let length = tag.length - 1
  while (!text.endsWith(tag.slice(0, length))) length--
  return length
}

const splitParts = (
  parts: ReadonlyArray<ResponsePart>,
  tag: ReasoningTag,
): Result.Result<ReadonlyArray<ResponsePart>, Fault> => {
  const reader = new TagReader(tag)
  const out: Array<LlmEvent> = []
  for (const event of eventsOf(parts)) reader.read(event, out)
  reader.end(out)
  if (reader.excess !== undefined) return Result.fail(reader.excess)
  const assembly = assemble()
  for (const event of out) assembly.add(event)
  return Result.succeed(assembly.parts())
}

/** What a fault holds of an answer that came whole, without the thinking in its text. */
const splitFault = (fault: Fault, tag: ReasoningTag): Fault => {
  if (fault._tag !== "Abandoned") return fault
  const said = Result.getOrElse(splitParts([{ type: "text", text: fault.text }], tag), () => [])
  return { ...fault, text: said.reduce((text, part) => (part.type === "text" ? text + part.text : text), "") }
}

class TaggedDecoder implements StreamDecoder {
  private readonly inner: StreamDecoder
  private readonly reader: TagReader

  constructor(inner: StreamDecoder, tag: ReasoningTag) {
    this.inner = inner
    this.reader = new TagReader(tag)
  }

  push(name: string | undefined, data: string, out: Array<LlmEvent>): Fault | undefined {
    const events: Array<LlmEvent> = []
    const fault = this.inner.push(name, data, events)
    for (const event of events) this.reader.read(event, out)
    return fault ?? this.reader.excess
  }

  end(out: Array<LlmEvent>): ReturnType<StreamDecoder["end"]> {
    const events: Array<LlmEvent> = []
    const end = this.inner.end(events)
    for (const event of events) this.reader.read(event, out)
    this.reader.end(out)
    return end === undefined || isFault(end) ? end : (this.reader.excess ?? end)
  }

  isWhole(): boolean {
    return this.inner.isWhole()
  }

  isComplete(): boolean {
    return this.inner.isComplete()
  }

  usage(): ReturnType<StreamDecoder["usage"]> {
    return this.inner.usage()
  }

  billing(): ReturnType<StreamDecoder["billing"]> {
    return this.inner.billing()
  }
}

/** The protocol, reading what stands between the tags as reasoning. */
export const withReasoningTag = (protocol: Protocol, tag: ReasoningTag): Protocol => ({
  name: protocol.name,
  encode: protocol.encode,
  decodeFailure: protocol.decodeFailure,
  decode: (body) => {
    const decoded = protocol.decode(body)
    return Result.isSuccess(decoded)
      ? Result.map(splitParts(decoded.success.parts, tag), (parts) => ({ ...decoded.success, parts }))
      : Result.fail(splitFault(decoded.failure, tag))
  },
  decodeStream: (options) => new TaggedDecoder(protocol.decodeStream(options), tag),
})
