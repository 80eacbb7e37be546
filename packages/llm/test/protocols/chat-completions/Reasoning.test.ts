/** Reasoning that comes in pieces, and the details that its service wants back whole and in order. */
import { describe, expect, it } from "vitest"
import { partsOf, read, text, thought } from "./Answers.ts"

describe("reasoning in Chat Completions", () => {
  it("is said once where a service says it under two names", () => {
    expect(read({ reasoning: "Hm", reasoning_content: "Hm", content: "a" })).toEqual([
      thought("Hm", { field: "reasoning_content" }),
      text("a"),
    ])
    expect(read({ reasoning: "Hm", reasoning_details: [{ type: "reasoning.text", text: "Hm" }] })).toEqual([
      thought("Hm", { field: "reasoning" }),
    ])
  })

  it("may stand in its details only, as texts or as summaries", () => {
    const details = [null, "x", { text: "a" }, { summary: "b" }, { text: "c", summary: "no" }, { data: 1 }]
    expect(read({ reasoning_details: details })).toEqual([thought("abc", { field: "reasoning_details" })])
    expect(read({ reasoning_details: [{ text: "" }], content: "a" })).toEqual([text("a")])
    expect(read({ reasoning_details: "Hm", content: "a" })).toEqual([text("a")])
  })

  it("is none where its field is empty", () => {
    expect(read({ reasoning: "", reasoning_content: null, content: "a" })).toEqual([text("a")])
  })
})

describe("details of reasoning that come in pieces", () => {
  const piece = (more: object) => ({ type: "reasoning.text", index: 0, ...more })
  /** The details of a thought to which these pieces come, one a chunk. */
  const put = (...pieces: ReadonlyArray<object>): unknown => {
    const [part] = partsOf({ reasoning: "Hm" }, ...pieces.map((one) => ({ reasoning_details: [one] })))
    return part?.type === "reasoning" ? part.protocolData?.["chat-completions"]?.["reasoning_details"] : undefined
  }

  it.each(["text", "summary", "thinking"])("grow by their %s", (field) => {
    expect(put(piece({ [field]: "a" }), piece({ [field]: "b" }), piece({ signature: "s" }))).toEqual([
      piece({ [field]: "ab", signature: "s" }),
    ])
  })

  it("set every other field, and take null for nothing", () => {
    expect(
      put(piece({ format: "one", id: "a" }), piece({ text: "a", format: "two", id: null }), piece({ signature: "s" })),
    ).toEqual([piece({ format: "two", id: "a", text: "a", signature: "s" })])
  })

  it("take a value of another kind as it is", () => {
    expect(put(piece({ text: 1 }), piece({ text: "a" }), piece({ text: 2, signature: "s" }))).toEqual([
      piece({ text: 2, signature: "s" }),
    ])
  })

  it.each([
    ["of another type", { type: "reasoning.summary", index: 0, text: "b" }],
    ["of another index", { type: "reasoning.text", index: 1, text: "b" }],
    ["that is sealed itself", piece({ text: "b", data: "x" })],
    ["without a text or a signature", piece({ id: "b" })],
  ])("begin anew with a piece %s", (_, other) => {
    const last = { type: "x", data: "sealed" }
    expect(put(piece({ text: "a" }), other, last)).toEqual([piece({ text: "a" }), other, last])
  })

  it("begin anew after a signature, which ends one", () => {
    const [one, two] = [piece({ text: "a", signature: "s" }), piece({ text: "b", signature: "t" })]
    expect(put(one, two)).toEqual([one, two])
  })
})
