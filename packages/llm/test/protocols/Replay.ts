/** Runs a recorded or made-up stream through a protocol's decoder, without any network. */
import { createParser } from "eventsource-parser"
import { assemble, type LlmEvent } from "../../src/model/LlmEvent.ts"
import type { ResponsePart, Usage } from "../../src/model/LlmResponse.ts"
import { type Ending, type Fault, isFault, type Protocol } from "../../src/protocols/Protocol.ts"

export interface Frame {
  readonly name: string | undefined
  readonly data: string
}

/** The events of a stream's text; an event that the recording cut before its blank line counts. */
export const framesOf = (text: string): ReadonlyArray<Frame> => {
  const frames: Array<Frame> = []
  const parser = createParser({ onEvent: (event) => frames.push({ name: event.event, data: event.data }) })
  parser.feed(text)
  parser.feed("\n\n")
  return frames
}

export interface Replayed {
  readonly events: ReadonlyArray<LlmEvent>
  readonly parts: ReadonlyArray<ResponsePart>
  readonly fault: Fault | undefined
  readonly ending: Ending | undefined
  readonly usage: Usage
  readonly isWhole: boolean
  readonly isComplete: boolean
}

/** Pushes the frames and ends the input, as a transport does. */
export const replay = (protocol: Protocol, frames: ReadonlyArray<Frame>): Replayed => {
  const decoder = protocol.decodeStream()
  const events: Array<LlmEvent> = []
  let fault: Fault | undefined
  for (const frame of frames) {
    fault = decoder.push(frame.name, frame.data, events)
    if (fault !== undefined || decoder.isComplete()) break
  }
  const end = fault === undefined ? decoder.end(events) : undefined
  const ending = end !== undefined && !isFault(end) ? end : undefined
  if (end !== undefined && isFault(end)) fault = end
  const assembly = assemble()
  for (const event of events) assembly.add(event)
  return {
    events,
    parts: assembly.parts(),
    fault,
    ending,
    usage: decoder.usage(),
    isWhole: decoder.isWhole(),
    isComplete: decoder.isComplete(),
  }
}

/** The text, the tool calls and so on of parts, as a caller sees them. */
export const summaryOf = (parts: ReadonlyArray<ResponsePart>) => {
  const joined = (type: "text" | "reasoning" | "refusal") =>
    parts.map((part) => (part.type === type ? part.text : "")).join("")
  return {
    text: joined("text"),
    reasoning: joined("reasoning"),
    refusal: joined("refusal"),
    toolCalls: parts.flatMap((part) =>
      part.type === "tool-call" ? [{ id: part.id, name: part.name, arguments: part.arguments }] : [],
    ),
  }
}
