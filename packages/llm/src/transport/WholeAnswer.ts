/**
 * A whole body as an answer, in whichever form the server chose: JSON, or an event stream that nobody asked for. It does no
 * I/O.
 */
import { createParser } from "eventsource-parser"
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

/** The events of a stream that came whole, put together. */
const fromEvents = (protocol: Protocol, text: string): Result.Result<Answer, Fault> => {
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
  parser.feed(text)
  // An event that only lacks its blank line is complete.
  parser.feed("\n\n")
  if (fault !== undefined) return Result.fail(fault)
  const events: Array<LlmEvent> = []
  const end = decoder.end(events)
  for (const one of events) assembly.add(one)
  if (end === undefined) {
    const message = "the stream ended before the answer did: the connection closed"
    return Result.fail({
      _tag: "Abandoned",
      message,
      usage: decoder.usage(),
      billing: decoder.billing(),
      text: assembly.text(),
    })
  }
  return isFault(end)
    ? Result.fail(end._tag === "Abandoned" ? { ...end, text: assembly.text() } : end)
    : Result.succeed({ ...end, parts: assembly.parts() })
}

/** The answer in a 2xx body, or why the body is not an answer. */
export const readAnswer = (protocol: Protocol, text: string): Result.Result<Answer, Fault> => {
  const body = parseJson(text)
  if (body !== undefined) return protocol.decode(body)
  return beginsEvents(text) ? fromEvents(protocol, text) : Result.fail(notJson(text))
}
