/**
 * A whole body as an answer, in whichever form the server chose: JSON, or an event stream that nobody asked for. It does no
 * I/O.
 */
import { createParser } from "eventsource-parser"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { assemble, type LlmEvent } from "../model/LlmEvent.ts"
import { type Answer, type Fault, isFault, type Protocol, type Unreadable } from "../protocols/Protocol.ts"
import { parseJson, whyNotJson } from "../protocols/WireReader.ts"

/** Why a body is not JSON. */
export const notJson = (text: string): Unreadable => {
  const why = text === "" ? "is empty" : whyNotJson(text)
  return { _tag: "Unreadable", message: `the answer ${why}`, position: "byte 0", excerpt: "" }
}

/** True for a text whose first line is one of an event stream, however many blank ones stand before it. */
const beginsEvents = (text: string): boolean => /^(?:data|event|id|retry|):/.test(text.trimStart())

/** How many characters of an event stream are read in one turn of the event loop: some 2 ms of work. */
const turnLength = 64 * 1024

/** The events of a stream that came whole, put together. It reads a part in each turn, so that clocks and aborts can act. */
const fromEvents = (protocol: Protocol, text: string): Effect.Effect<Answer, Fault> =>
  Effect.suspend(() => {
    const decoder = protocol.decodeStream()
    const assembly = assemble()
    let fault: Fault | undefined
    const parser = createParser({
      onEvent: ({ data, event }) => {
        if (fault !== undefined || decoder.isComplete()) return
        const events: Array<LlmEvent> = []
        fault = decoder.push(event, data, events)
        for (const one of events) assembly.add(one)
      },
    })
    const readFrom = (start: number): Effect.Effect<Answer, Fault> => {
      const end = start + turnLength
      parser.feed(text.slice(start, end))
      if (end < text.length && fault === undefined && !decoder.isComplete()) {
        return Effect.flatMap(Effect.yieldNow, () => readFrom(end))
      }
      // An event that only lacks its blank line is complete.
      parser.feed("\n\n")
      return fault === undefined ? ended(decoder, assembly) : Effect.fail(fault)
    }
    return readFrom(0)
  })

/** The answer, once all its events have been read. */
const ended = (
  decoder: ReturnType<Protocol["decodeStream"]>,
  assembly: ReturnType<typeof assemble>,
): Effect.Effect<Answer, Fault> => {
  const events: Array<LlmEvent> = []
  const end = decoder.end(events)
  for (const one of events) assembly.add(one)
  if (end === undefined) {
    const message = "the stream ended before the answer did: the connection closed"
    return Effect.fail({
      _tag: "Abandoned",
      message,
      usage: decoder.usage(),
      billing: decoder.billing(),
      text: assembly.text(),
    })
  }
  return isFault(end)
    ? Effect.fail(end._tag === "Abandoned" ? { ...end, text: assembly.text() } : end)
    : Effect.succeed({ ...end, parts: assembly.parts() })
}

/** The answer in a JSON document, or why it is not an answer. */
export const readDocument = (protocol: Protocol, text: string): Result.Result<Answer, Fault> => {
  const body = parseJson(text)
  return body === undefined ? Result.fail(notJson(text)) : protocol.decode(body)
}

/** Characters of a document after whose parsing the event loop has a turn. */
const longText = 262_144

/** The same of a long document: it is parsed in one turn of the event loop, and read in the next. */
const longDocument = (protocol: Protocol, text: string): Effect.Effect<Answer, Fault> =>
  Effect.suspend(() => {
    const body = parseJson(text)
    if (body === undefined) return Effect.fail(notJson(text))
    return Effect.flatMap(Effect.yieldNow, () => Effect.fromResult(protocol.decode(body)))
  })

/** The answer in a 2xx body, or why the body is not an answer. */
export const readAnswer = (protocol: Protocol, text: string): Effect.Effect<Answer, Fault> => {
  if (beginsEvents(text)) return fromEvents(protocol, text)
  return text.length > longText ? longDocument(protocol, text) : Effect.fromResult(readDocument(protocol, text))
}
