/** Thinking that a model writes into its text: read as reasoning where the request names the tag, and only there. */
import * as fc from "fast-check"
import { Result } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { LLMInterface, unwrap } from "../../src/index.ts"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import type { ResponsePart } from "../../src/model/LlmResponse.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import { withReasoningTag } from "../../src/protocols/TaggedReasoning.ts"
import { providers } from "../contract/Providers.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { chunk, lastChunk, streamHead, whole } from "../faults/HttpText.ts"
import { goodStream } from "../faults/WireText.ts"
import { wires } from "../faults/Wires.ts"
import { framesOf, replay } from "./Replay.ts"

const tag = { name: "think", startsInside: false }
const protocolData = { "chat-completions": { field: "<think>" } }
const thought = (text: string): ResponsePart => ({ type: "reasoning", text, protocolData })
const said = (text: string): ResponsePart => ({ type: "text", text })

const readWhole = (text: string, options = tag) => {
  const decoded = withReasoningTag(ChatCompletions.protocol, options).decode(JSON.parse(wires.chat.answer(text)))
  return Result.getOrThrow(decoded).parts
}

const readStreamed = (pieces: ReadonlyArray<string>, options = tag) =>
  replay(withReasoningTag(ChatCompletions.protocol, options), framesOf(goodStream(wires.chat, pieces).join(""))).parts

/** The text without each tag that opens outside or closes inside. */
const withoutTags = (text: string, isInside: boolean): string => {
  const next = isInside ? "</think>" : "<think>"
  const at = text.indexOf(next)
  return at < 0 ? text : text.slice(0, at) + withoutTags(text.slice(at + next.length), !isInside)
}

/** As many blanks as may stand before the first tag. */
const blanks = " ".repeat(256)

const cases: ReadonlyArray<{
  readonly what: string
  readonly text: string
  readonly parts: ReadonlyArray<ResponsePart>
  readonly startsInside?: boolean
}> = [
  { what: "thinking and an answer", text: "<think>\nHm.\n</think>\n\nBonn", parts: [thought("Hm.\n"), said("Bonn")] },
  { what: "an answer alone", text: "Bonn", parts: [said("Bonn")] },
  { what: "blanks before an answer without thinking", text: "\n Bonn", parts: [said("\n Bonn")] },
  { what: "blanks before thinking", text: "\n <think>a</think>b", parts: [thought("a"), said("b")] },
  { what: "empty thinking", text: "<think>\n\n</think>\n\nBonn", parts: [said("Bonn")] },
  {
    what: "thinking that comes again",
    text: "<think>a</think>b<think>c</think>d",
    parts: [thought("a"), said("b"), thought("c"), said("d")],
  },
  { what: "thinking that is cut", text: "<think>a", parts: [thought("a")] },
  { what: "another tag", text: "<b>a</b> <thinker>", parts: [said("<b>a</b> <thinker>")] },
  { what: "the beginning of a tag at the end", text: "a <thi", parts: [said("a <thi")] },
  { what: "a closing tag outside", text: "a</think>b", parts: [said("a</think>b")] },
  {
    what: "an answer that begins inside",
    text: "Hm.</think>Bonn",
    parts: [thought("Hm."), said("Bonn")],
    startsInside: true,
  },
  { what: "nothing but blanks", text: " \n", parts: [said(" \n")] },
  {
    what: "as many blanks before thinking as may be",
    text: `${blanks}<think>a</think>b`,
    parts: [thought("a"), said("b")],
  },
  {
    what: "more blanks before thinking than may be",
    text: `${blanks} <think>a</think>b`,
    parts: [said(`${blanks} `), thought("a"), said("b")],
  },
  { what: "more blanks than may be before half a tag", text: `${blanks} <thi`, parts: [said(`${blanks} <thi`)] },
  {
    what: "many blanks after thinking",
    text: `<think>${blanks} a</think>${blanks} b`,
    parts: [thought("a"), said("b")],
  },
]

describe("a named tag", () => {
  it.each(cases)("reads $what, whole and in any pieces", ({ text, parts, startsInside = false }) => {
    const options = { ...tag, startsInside }
    expect(readWhole(text, options)).toEqual(parts)
    expect(readStreamed([...text], options)).toEqual(parts)
    expect(readStreamed([text], options)).toEqual(parts)
  })

  it("gives the same parts whole and streamed, and loses nothing but tags and the blanks beside them", () => {
    const word = fc.constantFrom("<think>", "</think>", "<th", "ink>", "</", "<", " ", "\n", "Bonn", "🌍", "a")
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 24 }), fc.boolean(), (words, startsInside) => {
        const text = words.join("")
        const options = { ...tag, startsInside }
        const parts = readWhole(text, options)
        expect(readStreamed(words, options)).toEqual(parts)
        const kept = parts.map((part) => ("text" in part ? part.text : "")).join("")
        expect(kept.replaceAll(/\s/g, "")).toBe(withoutTags(text, startsInside).replaceAll(/\s/g, ""))
      }),
      { numRuns: 500 },
    )
  })

  it("reads as many parts as an answer may have, and leaves the tags of what follows", () => {
    const turns = (count: number) => readWhole("<think>a</think>b".repeat(count))
    expect(turns(5000)).toHaveLength(10_000)
    expect(turns(5000).at(-1)).toEqual(said("b"))
    expect(turns(5001)).toHaveLength(10_000)
    expect(turns(5001).at(-1)).toEqual(said("b<think>a</think>b"))
    expect(turns(5002).at(-1)).toEqual(said("b<think>a</think>b<think>a</think>b"))
    const odd = readWhole(`a${"<think>a</think>b".repeat(5000)}`)
    expect(odd).toHaveLength(10_000)
    expect(odd.at(-1)).toEqual(thought("a</think>b"))
  })

  it("has no more parts than an answer may have, wherever the tags stand and however it came", () => {
    const piece = fc.constantFrom("<think>", "</think>", "a", " ", "b<think>", "c</think>d")
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), fc.boolean(), (pieces, startsInside) => {
        const text = pieces.join("").repeat(10_050)
        expect(readWhole(text, { ...tag, startsInside }).length).toBeLessThanOrEqual(10_000)
      }),
      { numRuns: 20 },
    )
  })

  it("is given up where its tags and what else it has are more parts than an answer may have", () => {
    const thoughts = "<think>a</think>b".repeat(4000)
    const calls = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        index,
        id: `c${index}`,
        type: "function",
        function: { name: "f", arguments: "{}" },
      }))
    const protocol = withReasoningTag(ChatCompletions.protocol, tag)
    const decoded = (count: number) =>
      protocol.decode({
        choices: [{ index: 0, finish_reason: "tool_calls", message: { content: thoughts, tool_calls: calls(count) } }],
      })
    expect(Result.getOrThrow(decoded(2000)).parts).toHaveLength(10_000)
    const excess = { _tag: "Unreadable", message: expect.stringContaining("more than 10000 parts") }
    expect(Result.getOrThrow(Result.flip(decoded(2001)))).toMatchObject(excess)
    const decoder = protocol.decodeStream()
    const events: Array<LlmEvent> = []
    const push = (delta: unknown) => decoder.push(undefined, JSON.stringify({ choices: [{ index: 0, delta }] }), events)
    expect(push({ content: thoughts })).toBeUndefined()
    expect(push({ tool_calls: calls(2001) })).toMatchObject(excess)
  })

  it("takes a text of a hundred thousand tags for one with many of them, and stays below the limit of parts", () => {
    const parts = readWhole("<think>a</think>b".repeat(100_000))
    expect(parts.length).toBe(10_000)
    expect(
      parts.map((part) => ("text" in part ? part.text.length : 0)).reduce((sum, length) => sum + length),
    ).toBeGreaterThan(1_500_000)
  })
})

describe("a stream with a named tag", () => {
  const piece = (content: string) => JSON.stringify({ choices: [{ index: 0, delta: { content } }] })

  /** What comes out after each piece. */
  const told = (...pieces: ReadonlyArray<string>) => {
    const decoder = withReasoningTag(ChatCompletions.protocol, tag).decodeStream()
    return pieces.map((content) => {
      const events: Array<LlmEvent> = []
      decoder.push(undefined, piece(content), events)
      return events.map((event) => ("delta" in event ? [event.type, event.delta] : event.type))
    })
  }

  it("hands on each piece at once, and holds back only what may be the beginning of a tag", () => {
    expect(told("Bonn", " is", " it", "<", "b> a <thi", "rd> <think", ">Hm", " </thin", "k>\n", "So")).toEqual([
      ["response-start", ["text-delta", "Bonn"]],
      [["text-delta", " is"]],
      [["text-delta", " it"]],
      [],
      [["text-delta", "<b> a "]],
      [["text-delta", "<third> "]],
      [["reasoning-delta", "Hm"]],
      [["reasoning-delta", " "]],
      ["part-end"],
      [["text-delta", "So"]],
    ])
  })

  it("tells the same as the stream without it of how far it is, what it counted and what it cost", () => {
    const plain = ChatCompletions.protocol.decodeStream()
    const tagged = withReasoningTag(ChatCompletions.protocol, tag).decodeStream()
    const states = [plain, tagged].map((decoder) => {
      const state = () => [decoder.isWhole(), decoder.isComplete(), decoder.usage(), decoder.billing()]
      const finish = JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })
      const figures = JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, cost: 0.5 } })
      const all = [state()]
      for (const data of [piece("a"), finish, figures, "[DONE]"]) {
        decoder.push(undefined, data, [])
        all.push(state())
      }
      return [...all, decoder.end([])]
    })
    expect(states[1]).toEqual(states[0])
    expect(states[1]?.slice(-2)).toMatchObject([
      [true, true, { inputTokens: 1, outputTokens: 2 }, { costUsd: 0.5 }],
      { finishReason: "stop" },
    ])
  })

  it("fails as the stream without it fails", () => {
    const decoder = withReasoningTag(ChatCompletions.protocol, tag).decodeStream()
    expect(decoder.push(undefined, piece("<think>a"), [])).toBeUndefined()
    const fault = decoder.push("error", JSON.stringify({ message: "no" }), [])
    expect(fault).toMatchObject({ _tag: "ProviderFailure", message: "no" })
  })
})

describe("an answer that was given up", () => {
  const fault = (content: string) => {
    const choice = { index: 0, message: { content }, finish_reason: "abort" }
    const decoded = withReasoningTag(ChatCompletions.protocol, tag).decode({ choices: [choice] })
    return Result.isFailure(decoded) ? decoded.failure : undefined
  }

  it("holds the text so far without the thinking in it", () => {
    const message = expect.stringContaining("abort")
    for (const [content, text] of [
      ["<think>a</think>b<think>c</think>d", "bd"],
      ["<think>a", ""],
      ["a", "a"],
      ["", ""],
    ] as const) {
      expect(fault(content)).toMatchObject({ _tag: "Abandoned", message, usage: {}, text })
    }
  })

  it("is what it was where it is another failure", () => {
    const body = { error: { message: "no" } }
    const decoded = withReasoningTag(ChatCompletions.protocol, tag).decode(body)
    expect(decoded).toStrictEqual(ChatCompletions.protocol.decode(body))
    expect(Result.isFailure(decoded) && decoded.failure).toMatchObject({ _tag: "ProviderFailure", message: "no" })
  })
})

describe("texts beside other parts", () => {
  const content = [
    { type: "text", text: "<think>a</think> b <thi" },
    { type: "tool_use", id: "c", name: "f", input: { a: 1 } },
    { type: "text", text: "\n<think>d" },
    { type: "text", text: "e</think>" },
    { type: "tool_use", id: "g", name: "f", input: {} },
  ]
  const expected = (first: ReadonlyArray<object>) => [
    ...first,
    { type: "tool-call", id: "c", arguments: { a: 1 } },
    thought("d"),
    said("e</think>"),
    { type: "tool-call", id: "g" },
  ]
  const first = [thought("a"), said("b <thi")]

  const eventsOfBlock = (block: (typeof content)[number], index: number): ReadonlyArray<object> => {
    const start = (more: object) => ({ type: "content_block_start", index, content_block: { ...block, ...more } })
    const delta = (one: object) => ({ type: "content_block_delta", index, delta: one })
    const inside =
      block.text === undefined
        ? [start({ input: {} }), delta({ type: "input_json_delta", partial_json: JSON.stringify(block.input) })]
        : [start({ text: "" }), ...Array.from(block.text, (text) => delta({ type: "text_delta", text }))]
    return [...inside, { type: "content_block_stop", index }]
  }
  const stream = (options: typeof tag) =>
    replay(
      withReasoningTag(Messages.protocol, options),
      [{ type: "message_start", message: { model: "m" } }, ...content.flatMap(eventsOfBlock)].map((event) => ({
        name: undefined,
        data: JSON.stringify(event),
      })),
    )
  const streamed = (options: typeof tag) => stream(options).parts

  it("are each read by themselves, and everything else stays as it came, in its place", () => {
    const decoded = withReasoningTag(Messages.protocol, tag).decode({ content, stop_reason: "tool_use" })
    expect(Result.getOrThrow(decoded).parts).toMatchObject(expected(first))
    expect(streamed(tag)).toMatchObject(expected(first))
  })

  it("are whole before the next part begins, and each part has one number", () => {
    const { events } = stream(tag)
    expect(events[0]).toStrictEqual({ type: "response-start", servedModel: "m" })
    const told = events.flatMap((event) => ("index" in event ? [[event.type, event.index]] : []))
    const runs = told.filter((one, place) => String(one) !== String(told[place - 1]))
    expect(runs).toEqual([
      ["reasoning-delta", 0],
      ["part-end", 0],
      ["text-delta", 1],
      ["tool-call-start", 2],
      ["tool-call-delta", 2],
      ["tool-call-end", 2],
      ["reasoning-delta", 3],
      ["part-end", 3],
      ["text-delta", 4],
      ["tool-call-start", 5],
      ["tool-call-delta", 5],
      ["tool-call-end", 5],
    ])
  })

  it("begin inside only at the first, where the prompt has the opening tag", () => {
    const inside = { ...tag, startsInside: true }
    const decoded = withReasoningTag(Messages.protocol, inside).decode({ content, stop_reason: "tool_use" })
    const begun = [thought("<think>a"), said("b <thi")]
    expect(Result.getOrThrow(decoded).parts).toMatchObject(expected(begun))
    expect(streamed(inside)).toMatchObject(expected(begun))
  })
})

describe.each(providers)("$name", ({ options, wire }) => {
  const text = "<think>Capital of the old republic.</think>\n\nBonn"
  let server: FaultServer
  beforeAll(async () => {
    server = await FaultServer.start(({ body }) =>
      body.includes('"stream":true')
        ? [streamHead(), ...goodStream(wire, text.match(/.{1,5}/gs) ?? []).map(chunk), lastChunk]
        : whole(wire.answer(text)),
    )
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const asked = (reasoning?: object) => ({
    messages: [{ role: "user" as const, content: "Which city?" }],
    ...reasoning,
  })

  it("answers without the thinking in its text, on both calls", async () => {
    await using llm = new LLMInterface({ ...options(server.url), logger: false })
    const request = asked({ reasoning: { tag: "think" } })
    for (const response of [unwrap(await llm.generate(request)), unwrap(await llm.stream(request).response)]) {
      expect(response.text).toBe("Bonn")
      expect(response.parts).toEqual([thought("Capital of the old republic."), said("Bonn")])
    }
    // The tag is for reading: nothing of it is sent.
    expect(server.requests.every(({ body }) => !body.includes("think"))).toBe(true)
  })

  it("answers with the text as it came where no tag is named", async () => {
    await using llm = new LLMInterface({ ...options(server.url), logger: false })
    expect((await llm.generate(asked())).text).toBe(text)
    expect((await llm.stream(asked()).response).text).toBe(text)
  })

  it("refuses a tag that is none, before sending", async () => {
    await using llm = new LLMInterface({ ...options(server.url), logger: false })
    const before = server.requests.length
    const response = await llm.generate(asked({ reasoning: { tag: "<think>" } }))
    expect(response).toMatchObject({
      errorType: "InvalidRequestError",
      error: expect.stringContaining("reasoning.tag"),
    })
    expect(server.requests.length).toBe(before)
  })
})
