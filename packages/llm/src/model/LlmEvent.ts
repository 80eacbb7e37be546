/**
 * What `stream` emits, in order: one `response-start`, then pieces of parts, then one `response-finish`. A stream without
 * `response-finish` did not succeed, and it fails with an `LlmError` (law 1: proof of completion).
 *
 * `index` numbers the part a piece belongs to, in the order of the response's `parts`. A part has ended when a piece with
 * another index, or `response-finish`, arrives.
 */
import * as Schema from "effect/Schema"
import { GrowingText } from "./GrowingText.ts"
import { FinishReason, fromParts, type LlmResponse, ResponseMetadata, type ResponsePart } from "./LlmResponse.ts"
import { ImagePart, OtherPart, ProtocolData, ReasoningPart } from "./LlmRequest.ts"

const Index = Schema.Finite

/** The provider accepted the request and began to answer. */
export const ResponseStart = Schema.Struct({
  type: Schema.Literal("response-start"),
  servedModel: Schema.optional(Schema.String),
})

/** The next piece of text. */
export const TextDelta = Schema.Struct({ type: Schema.Literal("text-delta"), index: Index, delta: Schema.String })

/** The next piece of the model's thinking. */
export const ReasoningDelta = Schema.Struct({
  type: Schema.Literal("reasoning-delta"),
  index: Index,
  delta: Schema.String,
})

/** The next piece of a refusal. */
export const RefusalDelta = Schema.Struct({ type: Schema.Literal("refusal-delta"), index: Index, delta: Schema.String })

/** The model began to write a tool call. */
export const ToolCallStart = Schema.Struct({
  type: Schema.Literal("tool-call-start"),
  index: Index,
  id: Schema.String,
  name: Schema.String,
})

/** The next piece of a tool call's arguments, as JSON text. */
export const ToolCallDelta = Schema.Struct({
  type: Schema.Literal("tool-call-delta"),
  index: Index,
  delta: Schema.String,
})

/** A tool call is complete; `arguments` is parsed JSON. */
export const ToolCallEnd = Schema.Struct({
  type: Schema.Literal("tool-call-end"),
  index: Index,
  id: Schema.String,
  name: Schema.String,
  arguments: Schema.Unknown,
  protocolData: Schema.optional(ProtocolData),
})

/**
 * A part that is only known whole: a picture, `other`, or reasoning with what has to go back with it (it replaces the pieces
 * sent before).
 */
export const PartEnd = Schema.Struct({
  type: Schema.Literal("part-end"),
  index: Index,
  part: Schema.Union([ReasoningPart, ImagePart, OtherPart]),
})

/** The provider's own terminal signal arrived: the answer is whole. Always the last event. */
export const ResponseFinish = Schema.Struct({
  type: Schema.Literal("response-finish"),
  finishReason: FinishReason,
  metadata: ResponseMetadata,
})

export const LlmEvent = Schema.Union([
  ResponseStart,
  TextDelta,
  ReasoningDelta,
  RefusalDelta,
  ToolCallStart,
  ToolCallDelta,
  ToolCallEnd,
  PartEnd,
  ResponseFinish,
])
/** One event of a stream. */
export type LlmEvent =
  | ResponseStart
  | TextDelta
  | ReasoningDelta
  | RefusalDelta
  | ToolCallStart
  | ToolCallDelta
  | ToolCallEnd
  | PartEnd
  | ResponseFinish

/** The provider accepted the request and began to answer. */
export interface ResponseStart {
  readonly type: "response-start"
  /** The model that answers, as the provider names it. */
  readonly servedModel?: string | undefined
}

/** The next piece of text. */
export interface TextDelta {
  readonly type: "text-delta"
  /** Which part of the response this belongs to, from 0. */
  readonly index: number
  /** The piece. */
  readonly delta: string
}

/** The next piece of the model's thinking. */
export interface ReasoningDelta {
  readonly type: "reasoning-delta"
  /** Which part of the response this belongs to, from 0. */
  readonly index: number
  /** The piece. */
  readonly delta: string
}

/** The next piece of a refusal. */
export interface RefusalDelta {
  readonly type: "refusal-delta"
  /** Which part of the response this belongs to, from 0. */
  readonly index: number
  /** The piece. */
  readonly delta: string
}

/** The model began to write a tool call. */
export interface ToolCallStart {
  readonly type: "tool-call-start"
  /** Which part of the response this belongs to, from 0. */
  readonly index: number
  /** Which call this is. */
  readonly id: string
  /** The function. */
  readonly name: string
}

/** The next piece of a tool call's arguments. */
export interface ToolCallDelta {
  readonly type: "tool-call-delta"
  /** Which part of the response this belongs to, from 0. */
  readonly index: number
  /** The piece, as JSON text. */
  readonly delta: string
}

/** A tool call is complete. */
export interface ToolCallEnd {
  readonly type: "tool-call-end"
  /** Which part of the response this belongs to, from 0. */
  readonly index: number
  /** Which call this is. */
  readonly id: string
  /** The function. */
  readonly name: string
  /** Parsed JSON. */
  readonly arguments: unknown
  /** What its service wants back beside it. Keep it unchanged. */
  readonly protocolData?: ProtocolData | undefined
}

/** A part that is only known whole. */
export interface PartEnd {
  readonly type: "part-end"
  /** Which part of the response this belongs to, from 0. */
  readonly index: number
  /** The part; reasoning replaces the pieces that were sent before. */
  readonly part: ReasoningPart | ImagePart | OtherPart
}

/** The answer is whole. Always the last event. */
export interface ResponseFinish {
  readonly type: "response-finish"
  /** Why the answer ended. */
  readonly finishReason: FinishReason
  /** What surrounds the answer. */
  readonly metadata: ResponseMetadata
}

/** An event that carries something of the answer. */
export type OutputEvent = Exclude<LlmEvent, ResponseStart | ResponseFinish>

/** True for an event that carries something of the answer; `response-start` and `response-finish` do not. */
export const isOutput = (event: LlmEvent): event is OutputEvent =>
  event.type !== "response-start" && event.type !== "response-finish"

/** The parts of a whole answer as the pieces of a stream. */
export const eventsOf = (parts: ReadonlyArray<ResponsePart>): Array<OutputEvent> =>
  parts.flatMap((part, index): ReadonlyArray<OutputEvent> => {
    switch (part.type) {
      case "text":
        return [{ type: "text-delta", index, delta: part.text }]
      case "refusal":
        return [{ type: "refusal-delta", index, delta: part.text }]
      case "tool-call":
        return [
          { type: "tool-call-start", index, id: part.id, name: part.name },
          { ...part, type: "tool-call-end", index },
        ]
      default:
        return [{ type: "part-end", index, part }]
    }
  })

/** Puts the pieces of one stream together again. Feed it every event in order; it keeps no event. */
export interface Assembly {
  /** Takes the next event. */
  readonly add: (event: LlmEvent) => void
  /** The parts so far, in order. A tool call counts once it is complete. */
  readonly parts: () => ReadonlyArray<ResponsePart>
  /** The text so far: what a caller has seen of an answer that is not, or never will be, complete. */
  readonly text: () => string
  /** The whole response, once `response-finish` has been added. */
  readonly response: () => LlmResponse | undefined
}

/** A part that still grows: most pieces belong to the part of the piece before. */
interface GrowingPart {
  readonly type: "text" | "reasoning" | "refusal"
  readonly text: GrowingText
}

const isGrowing = (part: ResponsePart | GrowingPart): part is GrowingPart =>
  "text" in part && part.text instanceof GrowingText

const toolCallOf = ({ arguments: args, id, name, protocolData }: ToolCallEnd): ResponsePart => ({
  type: "tool-call",
  id,
  name,
  arguments: args,
  ...(protocolData === undefined ? {} : { protocolData }),
})

/** An empty assembly. */
export const assemble = (): Assembly => {
  const parts: Array<ResponsePart | GrowingPart | undefined> = []
  let finish: ResponseFinish | undefined
  let growing: GrowingPart | undefined
  const extend = (type: GrowingPart["type"], index: number, delta: string) => {
    const part = parts[index]
    if (part !== growing || growing?.type !== type) {
      growing = { type, text: new GrowingText() }
      if (part?.type === type) growing.text.add(`${part.text}`)
      parts[index] = growing
    }
    growing.text.add(delta)
  }
  const present = (): ReadonlyArray<ResponsePart> => {
    const whole: Array<ResponsePart> = []
    for (const part of parts) {
      // No piece came for an index that is empty.
      if (part !== undefined) whole.push(isGrowing(part) ? { type: part.type, text: `${part.text}` } : part)
    }
    return whole
  }
  return {
    add: (event) => {
      switch (event.type) {
        case "text-delta":
          return extend("text", event.index, event.delta)
        case "reasoning-delta":
          return extend("reasoning", event.index, event.delta)
        case "refusal-delta":
          return extend("refusal", event.index, event.delta)
        case "tool-call-end":
          parts[event.index] = toolCallOf(event)
          return
        case "part-end":
          parts[event.index] = event.part
          return
        case "response-finish":
          finish = event
      }
    },
    parts: present,
    text: () => present().reduce((text, part) => (part.type === "text" ? text + part.text : text), ""),
    response: () => (finish === undefined ? undefined : fromParts(present(), finish.finishReason, finish.metadata)),
  }
}
