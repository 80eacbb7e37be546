/** Thinking that a model writes into its text: read as reasoning where the request names the tag, and only there. */
import * as fc from "fast-check"
import { Result } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { LLMInterface, unwrap } from "../../src/index.ts"
import type { ResponsePart } from "../../src/model/LlmResponse.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
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

  it("takes a text of a hundred thousand tags for one with many of them, and stays below the limit of parts", () => {
    const parts = readWhole("<think>a</think>b".repeat(100_000))
    expect(parts.length).toBeLessThanOrEqual(10_001)
    expect(
      parts.map((part) => ("text" in part ? part.text.length : 0)).reduce((sum, length) => sum + length),
    ).toBeGreaterThan(1_500_000)
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
