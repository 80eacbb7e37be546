/** The skeleton of all stream decoders, by the protocol that adds least to it: Chat Completions. */
import { describe, expect, it } from "vitest"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"

const json = (value: unknown): string => JSON.stringify(value)
const piece = (content: string, more: object = {}) => json({ choices: [{ index: 0, delta: { content } }], ...more })
/** What an error says of the second event. */
const unreadable = (why: string) => `the provider's answer cannot be read: an event ${why} at event 2`
const finish = json({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })

/** A decoder, the events that it gave, and its answer to each event. */
const open = () => {
  const decoder = ChatCompletions.protocol.decodeStream()
  const events: Array<LlmEvent> = []
  const push = (data: string, name?: string) => decoder.push(name, data, events)
  return { decoder, events, push }
}

const starts = (events: ReadonlyArray<LlmEvent>) => events.filter(({ type }) => type === "response-start")

describe("the start of a stream", () => {
  it("is told once, before the first piece", () => {
    const { events, push } = open()
    for (const text of ["a", "b", "c"]) push(piece(text))
    expect(starts(events)).toStrictEqual([{ type: "response-start" }])
    expect(events[0]?.type).toBe("response-start")
  })

  it("names the model that serves, the first that was named", () => {
    const { decoder, events, push } = open()
    push(piece("a", { model: "first" }))
    push(piece("b", { model: "second" }))
    push(finish)
    expect(starts(events)).toEqual([{ type: "response-start", servedModel: "first" }])
    expect(decoder.end(events)).toMatchObject({ servedModel: "first" })
  })

  it("is told without a model where the first event names none; a later one is the answer's", () => {
    const { decoder, events, push } = open()
    push(piece("a"))
    push(piece("b", { model: "late" }))
    push(finish)
    expect(starts(events)).toEqual([{ type: "response-start" }])
    expect(decoder.end(events)).toMatchObject({ servedModel: "late" })
  })
})

describe("an event", () => {
  it("without data means nothing, and nothing means anything after [DONE]", () => {
    const { decoder, events, push } = open()
    expect(push("")).toBeUndefined()
    expect(push(piece("a"))).toBeUndefined()
    push(finish)
    expect(decoder.isComplete()).toBe(false)
    push("[DONE]")
    expect(decoder.isComplete()).toBe(true)
    expect(decoder.isWhole()).toBe(true)
    const before = events.length
    expect(push("not JSON at all")).toBeUndefined()
    expect(push(piece("b"))).toBeUndefined()
    expect(push(json({ error: { message: "late" } }))).toBeUndefined()
    expect(events).toHaveLength(before)
  })

  it.each(["[DONE]", " [DONE]", "[DONE] ", "  [DONE]  "])("%j is the end", (data) => {
    const { decoder, push } = open()
    push(data)
    expect(decoder.isComplete()).toBe(true)
  })

  it.each(["[done]", "[DONE]x", '"[DONE]"', "[DONE][DONE]"])("%j is not", (data) => {
    const { decoder, push } = open()
    push(data)
    expect(decoder.isComplete()).toBe(false)
  })

  it.each<readonly [string, string | undefined, unknown]>([
    ["is named error", "error", { message: "no" }],
    ["says that its type is error", undefined, { type: "error", message: "no" }],
    ["is named error, whatever else it holds", "error", { choices: [], message: "no" }],
    ["says that its type is error, whatever else it holds", undefined, { type: "error", choices: [], message: "no" }],
    ["has an error field", undefined, { error: { message: "no" } }],
    ["has an error in its choice", undefined, { choices: [{ index: 0, error: { message: "no", code: 502 } }] }],
    ["has an error field beside its choices", undefined, { choices: [], error: "no" }],
  ])("that %s is a failure", (_, name, event) => {
    const { events, push } = open()
    expect(push(json(event), name)).toMatchObject({ _tag: "ProviderFailure", message: "no" })
    expect(events.filter(({ type }) => type !== "response-start")).toEqual([])
  })

  it.each([null, false, 0, "", {}])("with the error field %j is none", (error) => {
    const { events, push } = open()
    expect(push(piece("a", { error }))).toBeUndefined()
    expect(events).toContainEqual({ type: "text-delta", index: 0, delta: "a" })
  })

  it.each<readonly [string, string | undefined, string, object | undefined]>([
    ["null", undefined, "null", undefined],
    ["blanks", undefined, "   ", undefined],
    [
      "a number",
      undefined,
      "42",
      { _tag: "Unreadable", position: "event 2", message: unreadable("is not a JSON object") },
    ],
    [
      "half of an object",
      undefined,
      '{"a":',
      { _tag: "Unreadable", position: "event 2", message: unreadable("is not JSON") },
    ],
    ["a list under the name error", "error", '[{"message":"no"}]', { _tag: "ProviderFailure", message: "no" }],
    ["plain words under the name error", "error", "out of order", { _tag: "ProviderFailure", message: "out of order" }],
    [
      "a list with an error in it",
      undefined,
      '[{"error":{"message":"no"}}]',
      { _tag: "ProviderFailure", message: "no" },
    ],
  ])("of %s", (_, name, data, expected) => {
    const { push } = open()
    push(piece("a"))
    const fault = push(data, name)
    if (expected === undefined) expect(fault).toBeUndefined()
    else expect(fault).toMatchObject(expected)
  })
})

describe("the end of a stream", () => {
  it("is no answer before a finish reason, and one after it", () => {
    const { decoder, events, push } = open()
    push(piece("a"))
    expect(decoder.end(events)).toBeUndefined()
    expect(decoder.isWhole()).toBe(false)
    push(finish)
    expect(decoder.isWhole()).toBe(false)
    push(json({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }))
    expect(decoder.isWhole()).toBe(true)
    expect(decoder.isComplete()).toBe(false)
    expect(decoder.end(events)).toMatchObject({ finishReason: "stop", rawFinishReason: "stop" })
  })

  it("is no answer where output came after the finish reason, until there is another", () => {
    const { decoder, events, push } = open()
    push(finish)
    push(piece("more"))
    expect(decoder.end(events)).toBeUndefined()
    push(finish)
    expect(decoder.end(events)).toMatchObject({ finishReason: "stop" })
  })

  it("stays where it was when a chunk without output follows the finish reason", () => {
    const { decoder, events, push } = open()
    push(piece("a"))
    push(finish)
    push(json({ choices: [{ index: 0, delta: {} }] }))
    push(json({ choices: [{ index: 0, delta: { content: "" } }] }))
    expect(decoder.end(events)).toMatchObject({ finishReason: "stop" })
  })

  it("is not [DONE] alone, and on Messages [DONE] means nothing", () => {
    const chat = open()
    chat.push(piece("a"))
    chat.push("[DONE]")
    expect(chat.decoder.end(chat.events)).toBeUndefined()
    const messages = Messages.protocol.decodeStream()
    messages.push(undefined, "[DONE]", [])
    expect(messages.isComplete()).toBe(false)
  })

  it("ends the tool call that is still open", () => {
    const { decoder, events, push } = open()
    const call = { index: 0, id: "c", function: { name: "f", arguments: '{"a":' } }
    push(json({ choices: [{ index: 0, delta: { tool_calls: [call] } }] }))
    push(json({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: "1" } }] } }] }))
    push(json({ choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] }))
    const before = events.length
    expect(decoder.end(events)).toMatchObject({
      finishReason: "tool-calls",
      warnings: [expect.stringContaining("not JSON")],
    })
    expect(events.slice(before)).toMatchObject([{ type: "tool-call-end", arguments: '{"a":1' }])
  })

  it("is unreadable where the answer held too much, also where only its end brings the last of it", () => {
    const { decoder, events, push } = open()
    const calls = Array.from({ length: 10_000 }, (_, k) => ({ index: k, id: `c${k}`, function: { name: "f" } }))
    expect(push(json({ choices: [{ index: 0, delta: { tool_calls: calls, annotations: [{}] } }] }))).toBeUndefined()
    push(finish)
    expect(decoder.end(events)).toMatchObject({ _tag: "Unreadable", position: "parts" })
  })
})
