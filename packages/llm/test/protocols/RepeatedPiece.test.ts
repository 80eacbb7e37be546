/**
 * An event that repeats the one before with other text is not parsed again, and nobody can tell: every stream reads the same
 * as one in which no event can be taken for a repetition, because each begins with another number of blanks.
 */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import type { Protocol } from "../../src/protocols/Protocol.ts"
import { RepeatedPiece } from "../../src/protocols/RepeatedPiece.ts"
import { corpusIsThere, loadChat, loadMessages } from "../Corpus.ts"
import { type Frame, framesOf } from "./Replay.ts"

/** All that a decoder says of a stream, after each event. */
const storyOf = (protocol: Protocol, frames: ReadonlyArray<Frame>) => {
  const decoder = protocol.decodeStream()
  const story: Array<unknown> = []
  for (const { data, name } of frames) {
    const events: Array<LlmEvent> = []
    const fault = decoder.push(name, data, events)
    story.push({ events, fault, complete: decoder.isComplete(), usage: decoder.usage() })
    if (fault !== undefined) return story
  }
  const events: Array<LlmEvent> = []
  story.push({ ending: decoder.end(events), events })
  return story
}

/** Excerpts of unreadable events show the blanks. */
const withoutExcerpts = (story: ReadonlyArray<unknown>) =>
  JSON.parse(JSON.stringify(story, (key, value: unknown) => (key === "excerpt" ? "" : value)))

const unrepeatable = (frames: ReadonlyArray<Frame>): ReadonlyArray<Frame> =>
  frames.map(({ data, name }, index) => ({ name, data: data.startsWith("{") ? " ".repeat(index + 1) + data : data }))

/** A stream as it is read, and as it is read where nothing can repeat. */
const bothStories = (protocol: Protocol, frames: ReadonlyArray<Frame>) => ({
  story: withoutExcerpts(storyOf(protocol, frames)),
  unrepeated: withoutExcerpts(storyOf(protocol, unrepeatable(frames))),
})

const chat = (delta: object, rest: object = {}, choice: object = {}) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  model: "gpt-5-mini",
  choices: [{ index: 0, delta, finish_reason: null, ...choice }],
  ...rest,
})

/** Ways in which services write a chunk, given its text and a number. */
const chatForms: ReadonlyArray<(text: string, number: number) => object> = [
  (text) => chat({ content: text }),
  (text) => chat({ content: text, refusal: null, tool_calls: null, reasoning: "" }),
  (text) => chat({ role: "assistant", content: text }, { usage: null, obfuscation: "abc" }),
  (text, number) => chat({ content: text }, { usage: null, obfuscation: "x".repeat(number) }),
  (text, number) =>
    chat({ content: text }, { usage: { prompt_tokens: 1, completion_tokens: number, total_tokens: 1 } }),
  (text, number) => chat({ content: text }, { created: number }),
  (text) => chat({ content: text }, {}, { finish_reason: "stop" }),
  (text) => chat({ content: "", reasoning_content: text }),
  (text) => chat({ reasoning: text, reasoning_content: text }),
  (text) => chat({ content: null, reasoning: text, reasoning_details: [{ type: "reasoning.text", text }] }),
  (text) => chat({ content: "same", annotations: [{ note: text }] }),
  (text) => chat({ content: "same", reasoning_details: [{ type: "reasoning.encrypted", data: text }] }),
  (text, number) => chat({ tool_calls: [{ index: number % 2, id: "c", function: { name: "f", arguments: text } }] }),
  (text) => chat({ refusal: text }),
  (text) => chat({ content: [{ type: "text", text }] }),
  (text) => chat({ content: "same" }, { note: { content: text } }),
  (text) => chat({ content: text }, { note: `"content":"${text}"` }),
  (text, number) => chat({ content: text }, { model: `model-${number % 2}` }),
  (text) => chat({ content: text }, { error: null }),
  (text) => ({ error: { message: text, code: 500 } }),
  (text) => ({ choices: [{ index: 1, delta: { content: text } }] }),
]

const delta = (fields: object, index = 0) => ({ type: "content_block_delta", index, delta: fields })

const messagesForms: ReadonlyArray<(text: string, number: number) => object> = [
  (text) => delta({ type: "text_delta", text }),
  (text, number) => delta({ type: "text_delta", text }, number % 2),
  (text) => delta({ type: "thinking_delta", thinking: text }, 2),
  (text) => delta({ type: "input_json_delta", partial_json: text }, 3),
  (text) => delta({ type: "signature_delta", signature: text }, 2),
  (text) => delta({ type: "citations_delta", citation: { text } }),
  (_, number) => ({ type: "content_block_start", index: number % 4, content_block: { type: "text", text: "" } }),
  () => ({ type: "content_block_start", index: 2, content_block: { type: "thinking", thinking: "" } }),
  () => ({ type: "content_block_start", index: 3, content_block: { type: "tool_use", id: "t", name: "f", input: {} } }),
  (_, number) => ({ type: "content_block_stop", index: number % 4 }),
  () => ({ type: "ping" }),
  (text) => ({ type: "error", error: { type: "overloaded_error", message: text } }),
]

/** JSON as one of many writers writes it. */
const spellings: ReadonlyArray<(value: object, number: number) => string> = [
  (value) => JSON.stringify(value),
  (value) => JSON.stringify(value),
  (value, number) => JSON.stringify(value).replace(/\}$/, `${" ".repeat(number)}}`),
  (value) => JSON.stringify(value).replaceAll('":', '": '),
  (value) =>
    JSON.stringify(value).replaceAll(
      /[^\u0020-\u007e]/g,
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  (value) => JSON.stringify(value).replaceAll("/", "\\/"),
  (value) => JSON.stringify(value, null, 1),
]

const text = fc.oneof(
  fc.constantFrom("", "a", " hello", "same", "é", "\n", '"', "\\", '","', '"}', "\\u0041", "/", "content"),
  fc.string({ maxLength: 6 }),
  fc.string({ unit: "grapheme", maxLength: 4 }),
)

/** Runs of events of one form, as streams have them. */
const frames = (forms: ReadonlyArray<(text: string, number: number) => object>) =>
  fc
    .array(
      fc.record({
        form: fc.constantFrom(...forms),
        spelling: fc.constantFrom(...spellings),
        name: fc.constantFrom(undefined, undefined, "content_block_delta", "error"),
        texts: fc.array(fc.tuple(text, fc.nat(3)), { minLength: 1, maxLength: 5 }),
      }),
      { maxLength: 6 },
    )
    .map((runs) =>
      runs.flatMap(({ form, name, spelling, texts }) =>
        texts.map(([said, number]): Frame => ({ name, data: spelling(form(said, number), number) })),
      ),
    )

/** The same event once more, with a few characters of it replaced. */
const damaged = (data: string) =>
  fc
    .tuple(
      fc.nat(data.length),
      fc.nat(4),
      fc.array(fc.constantFrom('"', "\\", "{", "}", ",", ":", " ", "a", "\n", "\u0000", "null", '","content":"'), {
        maxLength: 3,
      }),
    )
    .map(([at, removed, inserted]) => data.slice(0, at) + inserted.join("") + data.slice(at + removed))

const chatEnd = JSON.stringify(chat({}, {}, { finish_reason: "stop" }))
const messagesEnd = JSON.stringify({ type: "message_stop" })

const protocols = [
  ["Chat Completions", ChatCompletions.protocol, chatForms, chatEnd, loadChat],
  ["Messages", Messages.protocol, messagesForms, messagesEnd, loadMessages],
] as const

describe.each(protocols)("repeated pieces of %s", (_, protocol, forms, end, load) => {
  it.skipIf(!corpusIsThere)("change no recorded stream", () => {
    const streams = load().filter(({ kind }) => kind === "sse")
    expect(streams.length).toBeGreaterThan(80)
    for (const { response } of streams) {
      const { story, unrepeated } = bothStories(protocol, framesOf(response.body))
      expect(story).toEqual(unrepeated)
    }
  })

  it("change no stream, whoever writes it and whatever it says", () => {
    fc.assert(
      fc.property(frames(forms), (stream) => {
        const { story, unrepeated } = bothStories(protocol, [...stream, { name: undefined, data: end }])
        expect(story).toEqual(unrepeated)
      }),
      { numRuns: 3000 },
    )
  })

  it("change no stream that is damaged anywhere", () => {
    const [form = () => ({})] = forms
    const whole = [JSON.stringify(form("hello", 0)), JSON.stringify({ ...form("hello", 0), obfuscation: "abc" })]
    const stream = fc
      .constantFrom(...whole)
      .chain((data) =>
        fc.array(damaged(data), { minLength: 1, maxLength: 3 }).map((more) => [data, data, ...more, data]),
      )
    fc.assert(
      fc.property(stream, (datas) => {
        const frames = datas.map((data) => ({ name: undefined, data }))
        const { story, unrepeated } = bothStories(protocol, frames)
        expect(story).toEqual(unrepeated)
      }),
      { numRuns: 5000 },
    )
  })
})

it("repeated pieces are remembered for a service that ends with the whole message", () => {
  const data = ["a", "b", "c"].map((said) => JSON.stringify(chat({ content: said })))
  const whole = JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content: "abcd" } }] })
  const events: Array<LlmEvent> = []
  const decoder = ChatCompletions.protocol.decodeStream()
  for (const one of [...data, whole]) decoder.push(undefined, one, events)
  expect(events.flatMap((event) => (event.type === "text-delta" ? [event.delta] : []))).toEqual(["a", "b", "c", "d"])
})

describe("a repeated piece", () => {
  const learnt = `{"id":"c","choices":[{"delta":{"content":"hello"},"finish_reason":null}],"obfuscation":"ab"}`
  const read = (data: string): string | undefined => {
    const repeated = new RepeatedPiece()
    repeated.learn(learnt, "content", { type: "text-delta", index: 0, delta: "hello" })
    return repeated.read(data)?.delta
  }

  it.each([
    ["with other text", learnt.replace("hello", " world"), " world"],
    ["with the same text", learnt, "hello"],
    ["with other obfuscation", learnt.replace("ab", "xyz123"), "hello"],
    ["with escapes in its text", learnt.replace("hello", 'say \\"hé\\"\\n\\u0041'), 'say "hé"\nA'],
    ["with blanks before the last brace", learnt.replace(/\}$/, "    }"), "hello"],
  ])("is one %s", (_, data, expected) => {
    expect(read(data)).toBe(expected)
  })

  it.each([
    ["without text", learnt.replace("hello", "")],
    ["with another id", learnt.replace('"c"', '"d"')],
    ["with a finish reason", learnt.replace("null", '"stop"')],
    ["whose text ends early", learnt.replace("hello", 'hel"lo')],
    ["whose text ends in an escape", learnt.replace("hello", "hello\\")],
    ["with a line end in its text", learnt.replace("hello", "hel\nlo")],
    ["with a quote in its obfuscation", learnt.replace("ab", 'a"b')],
    ["with more after it", `${learnt},`],
    ["that is cut", learnt.slice(0, -1)],
  ])("is none %s", (_, data) => {
    expect(read(data)).toBeUndefined()
  })

  it("is learnt only where its key stands once and nothing is escaped", () => {
    const repeated = new RepeatedPiece()
    for (const data of [
      `{"content":"hello","and":{"content":"hello"}}`,
      `{"content":"hello","and":"\\u0041"}`,
      `{"content":["hello"]}`,
      `{"text":"hello"}`,
      `{"delta":{"content" :"hello"},"note":{"content":"hello"}}`,
    ]) {
      repeated.learn(data, "content", { type: "text-delta", index: 0, delta: "hello" })
      expect(repeated.read(data)).toBeUndefined()
    }
  })
})
