/** How far a stream of Chat Completions has come, and what its chunks bring beside their pieces. */
import { describe, expect, it } from "vitest"
import * as ChatCompletions from "../../../src/protocols/chat-completions/ChatCompletions.ts"
import { delta, message, stream, text } from "./Answers.ts"

describe("the beginning of a stream of Chat Completions", () => {
  const pushed = (...chunks: ReadonlyArray<unknown>) => {
    const events: Array<object> = []
    const decoder = ChatCompletions.protocol.decodeStream()
    for (const chunk of chunks) decoder.push(undefined, JSON.stringify(chunk), events as [])
    return events
  }

  it("is the first chunk with a model or with a choice", () => {
    expect(pushed({ choices: [], model: "" })).toEqual([])
    expect(pushed({ choices: [], model: "m" })).toEqual([{ type: "response-start", servedModel: "m" }])
    expect(pushed({ choices: [], model: "" }, { ...delta({}), model: "m" })).toEqual([
      { type: "response-start", servedModel: "m" },
    ])
    expect(pushed(delta({}))).toEqual([{ type: "response-start" }])
  })
})

describe("a choice in a stream of Chat Completions", () => {
  it.each([
    ["without an index", { delta: { content: "a" } }],
    ["of index null", { index: null, delta: { content: "a" } }],
    ["of index 0", { index: 0, delta: { content: "a" } }],
    ["with a text in place of a delta", { text: "a" }],
    ["with a message in place of a delta", { message: { content: "a" } }],
    ["with a delta beside a message and a text", { delta: { content: "a" }, message: { content: "b" }, text: "c" }],
    ["with a message beside a text", { message: { content: "a" }, text: "c" }],
  ])("is read %s", (_, choice) => {
    const { ending, parts } = stream({ choices: [{ ...choice, finish_reason: "stop" }] })
    expect(parts).toEqual([text("a")])
    expect(ending?.finishReason).toBe("stop")
  })

  it("is read behind another one, and no other is read", () => {
    const other = { index: 1, delta: { content: "no" }, finish_reason: "stop" }
    const { ending, parts } = stream(
      { choices: [other, null, { index: 0, delta: { content: "a" } }] },
      { choices: [other] },
    )
    expect(parts).toEqual([text("a")])
    expect(ending).toBeUndefined()
  })

  it("says nothing where its text is none", () => {
    for (const text of [3, ["no"]]) {
      expect(stream({ choices: [{ text, finish_reason: "stop" }] }).parts).toEqual([])
    }
  })

  it("is a piece where messages come in place of deltas, and the whole once more after a delta", () => {
    const piece = (content: string) => message({ content }, null)
    expect(stream(piece("a"), piece("a"), delta({}, "stop")).parts).toEqual([text("aa")])
    expect(stream(delta({ content: "a" }), piece("a"), message({}, "stop")).parts).toEqual([text("a")])
  })
})

describe("the end of a stream of Chat Completions", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2 }

  it("is not proven by figures, nor by text", () => {
    for (const chunks of [[delta({ content: "a" })], [delta({ content: "a" }), { choices: [], usage }]]) {
      const { ending, isComplete, isWhole } = stream(...chunks)
      expect([ending, isComplete, isWhole]).toEqual([undefined, false, false])
    }
  })

  it("is the last reason that a chunk says", () => {
    const { ending } = stream(delta({ content: "a" }, "length"), delta({ content: "b" }, "stop"), delta({}, null))
    expect(ending?.rawFinishReason).toBe("stop")
  })

  it("tells the tier that any chunk named, and what it cost", () => {
    const chunks = [
      { ...delta({ content: "a" }), service_tier: "flex" },
      { ...delta({}, "stop"), usage: { ...usage, cost: 0.5 } },
    ]
    expect(stream(...chunks).ending?.billing).toEqual({ serviceTier: "flex", costUsd: 0.5 })
    expect(stream(...chunks.toReversed(), delta({}, "stop")).ending?.billing).toEqual({
      serviceTier: "flex",
      costUsd: 0.5,
    })
    expect(stream(delta({ content: "a" }, "stop")).ending?.billing).toBeUndefined()
  })

  it("keeps the figures of a chunk where later ones have none", () => {
    const { ending } = stream({ ...delta({ content: "a" }), usage }, { ...delta({}, "stop"), usage: null })
    expect(ending?.usage).toEqual({ inputTokens: 1, outputTokens: 2, totalTokens: 3 })
  })

  it("reads figures that come without choices", () => {
    const { isWhole, usage: figures } = stream(delta({ content: "a" }, "stop"), { usage })
    expect(figures).toEqual({ inputTokens: 1, outputTokens: 2, totalTokens: 3 })
    expect(isWhole).toBe(true)
  })
})

describe("a failure in a stream of Chat Completions", () => {
  const words = { message: "Too fast.", code: "rate_limit_exceeded" }

  it.each([
    ["a chunk without choices", words],
    ["a choice", { choices: [{ index: 0, delta: { content: "no" }, error: words }] }],
  ])("may stand in %s", (_, chunk) => {
    const { ending, fault, parts } = stream(delta({ content: "a" }), chunk, delta({}, "stop"))
    expect(fault).toMatchObject({ _tag: "ProviderFailure", ...words })
    expect(ending).toBeUndefined()
    expect(parts).toEqual([text("a")])
  })

  it("is none in a chunk with choices, whatever it says beside them", () => {
    for (const choices of [[], [{ index: 0, delta: {} }], null]) {
      const { fault } = stream({ object: "error", ...words, choices, usage: {} }, delta({}, "stop"))
      expect(fault).toBeUndefined()
    }
  })
})
