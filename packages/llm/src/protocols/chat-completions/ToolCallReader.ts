/**
 * Puts the tool calls of Chat Completions together. Services tell the pieces of parallel calls apart by `index`, by `id`,
 * by both, or by nothing but their order, and some give every call the index 0; all of these are read.
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { AnswerReader } from "../AnswerReader.ts"
import { JsonNesting } from "../JsonNesting.ts"
import { elements, isWireObject, nonEmpty, parseArguments, type WireObject } from "../WireReader.ts"

/** The part that a call is. */
interface CallPart {
  readonly index: number
  readonly id: string
}

/** A tool call under way. It has a part once it has begun: a call begins when its name is known. */
interface OpenCall {
  readonly position: number
  given: string | undefined
  name: string
  text: string
  part: CallPart | undefined
  /** What goes back beside the call: Gemini refuses a call whose thought signature is missing. */
  data: Record<string, unknown> | undefined
  readonly nesting: JsonNesting
}

/** A piece of a call, as it came. */
interface CallPiece {
  readonly key: number | undefined
  readonly id: string | undefined
  readonly name: string | undefined
  readonly text: string
  readonly data: Record<string, unknown> | undefined
}

/** Fields beside the function that a service wants back (Gemini as recorded; LiteLLM: `provider_specific_fields` (D)). */
const returnedFields = ["extra_content", "provider_specific_fields"]

const dataOf = (call: WireObject): Record<string, unknown> | undefined => {
  const entries = returnedFields.flatMap((field) => (isWireObject(call[field]) ? [[field, call[field]] as const] : []))
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

const pieceOf = (call: unknown): CallPiece | undefined => {
  if (!isWireObject(call)) return undefined
  const called = isWireObject(call.function) ? call.function : isWireObject(call.custom) ? call.custom : undefined
  if (called === undefined) return undefined
  const key = typeof call.index === "number" ? call.index : undefined
  return { key, id: nonEmpty(call.id), ...functionOf(called), data: dataOf(call) }
}

const functionOf = (called: WireObject): { readonly name: string | undefined; readonly text: string } => {
  const written = called.arguments ?? called.input ?? ""
  return { name: nonEmpty(called.name), text: typeof written === "string" ? written : JSON.stringify(written) }
}

/** The key of the call that `function_call` holds, the predecessor of `tool_calls`. */
const legacyKey = -1

export class ToolCallReader {
  private readonly reader: AnswerReader
  private readonly closePart: (events: Array<LlmEvent>) => void
  private readonly calls: Array<OpenCall> = []
  private readonly byKey = new Map<number | undefined, OpenCall>()
  private readonly byId = new Map<string | undefined, OpenCall>()

  /** `closePart` ends the part under way, because a call begins. */
  constructor(reader: AnswerReader, closePart: (events: Array<LlmEvent>) => void) {
    this.reader = reader
    this.closePart = closePart
  }

  /** Reads the tool calls of a delta. */
  read(delta: WireObject, events: Array<LlmEvent>): void {
    for (const call of elements(delta.tool_calls)) {
      if (this.reader.excess !== undefined) return
      const piece = pieceOf(call)
      if (piece !== undefined) this.extend(this.continued(piece), piece, events)
    }
    if (isWireObject(delta.function_call)) {
      const piece = { key: legacyKey, id: undefined, ...functionOf(delta.function_call), data: undefined }
      this.extend(this.byKey.get(legacyKey), piece, events)
    }
  }

  /** Reads the tool calls of a whole message: each is one of its own, or one that pieces have brought already. */
  readWhole(message: WireObject, events: Array<LlmEvent>): void {
    const known = this.calls.length
    for (const [place, call] of elements(message.tool_calls).entries()) {
      if (this.reader.excess !== undefined) return
      const piece = pieceOf(call)
      if (piece === undefined) continue
      const named = this.byId.get(piece.id)
      const placed = this.calls[place]
      const found = named ?? (piece.id === undefined || placed?.given === undefined ? placed : undefined)
      const before = found !== undefined && found.position < known ? found : undefined
      if (before === undefined) this.extend(undefined, piece, events)
      else if (before.text === "") this.extend(before, piece, events)
    }
    if (!this.byKey.has(legacyKey)) this.read({ function_call: message.function_call }, events)
  }

  /** Ends every call. */
  end(events: Array<LlmEvent>): void {
    const { protocol, warnings } = this.reader
    for (const call of this.calls) {
      const { index, id } = call.part ?? this.begin(call, events)
      const { data, name } = call
      const args = parseArguments(call.text, name, warnings)
      events.push({
        type: "tool-call-end",
        index,
        id,
        name,
        arguments: args,
        ...(data === undefined ? {} : { protocolData: { [protocol]: data } }),
      })
    }
    this.calls.length = 0
  }

  /** The call that a piece continues, if it does not begin one. */
  private continued({ id, key, name, text }: CallPiece): OpenCall | undefined {
    if (key === undefined) {
      if (id !== undefined) return this.byId.get(id)
      return name === undefined ? this.calls.at(-1) : undefined
    }
    const call = this.byKey.get(key)
    if (call === undefined || name === undefined) return call
    const { given } = call
    if (id !== undefined) return given !== undefined && given !== id ? undefined : call
    // A name, no id, and arguments that cannot go on: another call under the same index.
    return given === undefined && call.nesting.isClosed && text.trim() !== "" ? undefined : call
  }

  private extend(open: OpenCall | undefined, piece: CallPiece, events: Array<LlmEvent>): void {
    const { data, id, key, name, text } = piece
    // Snowflake sends such empty frames.
    if (open === undefined && name === undefined && text === "" && id === undefined) return
    const call = open ?? this.add(id)
    this.byKey.set(key, call)
    if (id !== undefined) {
      call.given ??= id
      this.byId.set(id, call)
    }
    if (data !== undefined) call.data = { ...call.data, ...data }
    if (name !== undefined && call.name === "") {
      call.name = name
      this.begin(call, events)
      this.pass(call, call.text, events)
    }
    // Some services end with the arguments once more, whole.
    if (call.nesting.isClosed && text === call.text) return
    call.text += text
    call.nesting.add(text)
    this.pass(call, text, events)
  }

  private add(given: string | undefined): OpenCall {
    this.reader.noteAll("tool calls", this.calls.length)
    const position = this.calls.length
    const nesting = new JsonNesting()
    const call = { position, given, name: "", text: "", part: undefined, data: undefined, nesting }
    this.calls.push(call)
    return call
  }

  private begin(call: OpenCall, events: Array<LlmEvent>): CallPart {
    const { reader } = this
    this.closePart(events)
    const part = { index: reader.nextIndex(), id: reader.callId(call.given) }
    call.part = part
    reader.calledTools = true
    events.push({ type: "tool-call-start", index: part.index, id: part.id, name: call.name })
    return part
  }

  /** Arguments go out once their call has begun. */
  private pass({ part }: OpenCall, delta: string, events: Array<LlmEvent>): void {
    if (part !== undefined && delta !== "") events.push({ type: "tool-call-delta", index: part.index, delta })
  }
}
