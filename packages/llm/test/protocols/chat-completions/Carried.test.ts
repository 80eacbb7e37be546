/** What an answer of Chat Completions carries beside its text: all of it once, and nothing that is empty. */
import { describe, expect, it } from "vitest"
import { maxNotes } from "../../../src/protocols/Limits.ts"
import { decode, delta, kept, message, partsOf, read, stream, text, thought, withWhole } from "./Answers.ts"

/** The parts without the text. */
const carried = (said: object) => read({ content: "ok", ...said }).slice(1)
const besides = (body: object) => {
  const { parts } = decode({ ...message({ content: "ok" }), ...body })
  expect(stream({ ...delta({ content: "ok" }, "stop"), ...body }).parts).toEqual(parts)
  return parts.slice(1)
}

describe("a field of a message in Chat Completions", () => {
  it.each(["extra_content", "thought_signature", "encrypted_content"])("goes back: %s", (field) => {
    expect(carried({ [field]: "x" })).toEqual([kept({ [field]: "x" })])
  })

  it.each(["context", "references", "executed_tools", "provider_metadata", "provider_specific_fields"])(
    "only tells: %s",
    (field) => expect(carried({ [field]: ["x"] })).toEqual([kept({ type: field, [field]: ["x"] })]),
  )

  it("that goes back stands before what tells, in one part", () => {
    expect(carried({ references: [1], thought_signature: "s", extra_content: { a: 1 }, audio: { id: "a" } })).toEqual([
      kept({ extra_content: { a: 1 }, thought_signature: "s" }),
      kept({ type: "audio", audio: { id: "a" } }),
      kept({ type: "references", references: [1] }),
    ])
  })

  it.each([[null], [""], [[]], [{}]])("is not kept where it is %j", (value) => {
    const said = { extra_content: value, context: value, annotations: value, thinking_blocks: value, audio: value }
    expect(carried(said)).toEqual([])
    expect(besides({ citations: value, search_results: value, related_questions: value, images: value })).toEqual([])
  })

  it("of an unknown name is passed over", () => {
    expect(carried({ hologram: { depth: 3 } })).toEqual([])
  })
})

describe("a field beside the choices of Chat Completions", () => {
  it.each(["citations", "search_results", "related_questions", "images"])("is kept: %s", (field) => {
    expect(besides({ [field]: ["x"] })).toEqual([kept({ type: field, [field]: ["x"] })])
  })

  it("is the last one where chunks repeat it", () => {
    const { parts } = stream(
      { ...delta({ content: "o" }), citations: ["a"] },
      { ...delta({ content: "k" }, "stop"), citations: ["a", "b"] },
    )
    expect(parts).toEqual([text("ok"), kept({ type: "citations", citations: ["a", "b"] })])
  })
})

describe("how likely the tokens of Chat Completions were", () => {
  it("is kept for texts and for refusals", () => {
    const said = (logprobs: unknown, finish: string | null) => delta({ content: "o" }, finish, { logprobs })
    const { parts } = stream(
      said({ content: [1], refusal: [2] }, null),
      said({ content: [3], refusal: null }, null),
      said("none", null),
      said({ content: [], refusal: [4] }, "stop"),
    )
    expect(parts[1]).toEqual(kept({ type: "logprobs", logprobs: { content: [1, 3], refusal: [2, 4] } }))
  })

  it("is nothing where it is empty", () => {
    const { parts } = decode(message({ content: "ok" }, "stop", { logprobs: { content: [], refusal: [] } }))
    expect(parts).toEqual([text("ok")])
  })
})

describe("what was spoken in Chat Completions", () => {
  const audio = (...pieces: ReadonlyArray<unknown>) => partsOf(...pieces.map((piece) => ({ audio: piece })))

  it("grows by its data and its transcript; other fields are set, and null says nothing", () => {
    expect(
      audio(
        { id: "a", data: "Uk", transcript: null },
        { id: "a", data: "lG", transcript: "Hel" },
        { data: null, transcript: "lo", expires_at: 1 },
        { expires_at: 2, id: null },
      ),
    ).toEqual([kept({ type: "audio", audio: { id: "a", data: "UklG", transcript: "Hello", expires_at: 2 } })])
  })

  it("begins with an id or with data", () => {
    expect(audio({ data: "UklG" })).toEqual([kept({ type: "audio", audio: { data: "UklG" } })])
    expect(audio({ id: "a" })).toEqual([kept({ type: "audio", audio: { id: "a" } })])
    expect(audio({ id: "", data: "", transcript: "" })).toEqual([])
    expect(audio("x", null, 3)).toEqual([])
  })

  it("takes a value of another kind as it is", () => {
    expect(audio({ id: "a", data: 1 }, { data: "x" }, { data: 2 })).toEqual([
      kept({ type: "audio", audio: { id: "a", data: 2 } }),
    ])
  })
})

describe("a whole message after pieces of Chat Completions", () => {
  const block = { type: "thinking", thinking: "Hm", signature: "s" }

  it.each([
    ["annotations", { annotations: [{ url: "a" }] }, { type: "annotations", annotations: [{ url: "a" }] }],
    ["audio", { audio: { id: "a", data: "x" } }, { type: "audio", audio: { id: "a", data: "x" } }],
    ["thinking_blocks", { thinking_blocks: [block] }, { thinking_blocks: [block] }],
  ])("does not gather %s twice, and brings them where no piece did", (_, said, value) => {
    expect(withWhole({ content: "ok", ...said }, { content: "ok", ...said })).toEqual([text("ok"), kept(value)])
    expect(withWhole({ content: "ok", ...said }, { content: "ok" })).toEqual([text("ok"), kept(value)])
  })

  it("brings each field that no piece brought beside those that pieces brought", () => {
    const all = { annotations: [1], audio: { id: "a" }, thinking_blocks: [block], thought_signature: "s" }
    for (const [name, value] of Object.entries(all)) {
      expect(withWhole({ content: "ok", ...all }, { content: "ok", [name]: value })).toEqual(
        read({ content: "ok", ...all }),
      )
    }
  })
})

describe("reasoning that its service wants back in Chat Completions", () => {
  const sealed = { type: "reasoning.encrypted", data: "x" }

  it("belongs to the thought that it comes with, and else to the message", () => {
    expect(read({ reasoning: "Hm", reasoning_details: [sealed], content: "ok" })).toEqual([
      thought("Hm", { field: "reasoning", reasoning_details: [sealed] }),
      text("ok"),
    ])
    expect(carried({ reasoning_details: [sealed] })).toEqual([kept({ reasoning_details: [sealed] })])
  })

  it("is not kept where nothing in it is sealed", () => {
    const open = { type: "reasoning.text", text: "Hm" }
    expect(read({ reasoning_details: [open], content: "ok" })).toEqual([
      thought("Hm", { field: "reasoning_details" }),
      text("ok"),
    ])
    expect(carried({ reasoning_details: [{ type: "x", index: 0 }] })).toEqual([])
    expect(carried({ thinking_blocks: [{ type: "thinking", thinking: "Hm" }] })).toEqual([])
  })

  it("is read without what is no detail", () => {
    expect(carried({ reasoning_details: [null, "x", 3, sealed] })).toEqual([kept({ reasoning_details: [sealed] })])
    expect(carried({ thinking_blocks: [null, "x", 3, sealed] })).toEqual([kept({ thinking_blocks: [sealed] })])
    const said = { reasoning: "Hm", reasoning_details: [null, "x", 3, sealed] }
    expect(read(said)).toEqual([thought("Hm", { field: "reasoning", reasoning_details: [sealed] })])
  })
})

describe("what an answer of Chat Completions carries too much of", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => ({ type: "x", index }))

  it.each([
    ["annotations", "annotations"],
    ["thinking_blocks", "thinking_blocks"],
    ["reasoning_details", "reasoning_details"],
    ["reasoning", "reasoning_details"],
  ])("is read up to the limit, and named one beyond it: %s", (name, field) => {
    const said = (count: number) => ({ ...(name === "reasoning" ? { reasoning: "Hm" } : {}), [field]: many(count) })
    expect(decode(message(said(maxNotes))).fault).toBeUndefined()
    for (const { fault } of [decode(message(said(maxNotes + 1))), stream(delta(said(maxNotes + 1)))]) {
      expect(fault).toMatchObject({ _tag: "Unreadable", position: field })
    }
  })
})
