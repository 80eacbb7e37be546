/** What an answer of Chat Completions says, in one message, in pieces, and in a message after pieces. */
import { describe, expect, it } from "vitest"
import { maxParts } from "../../../src/protocols/Limits.ts"
import { delta, kept, partsOf, read, stream, text, thought, withWhole } from "./Answers.ts"

const png = "iVBORw0K"
const picture = { type: "image", mediaType: "image/png", data: png }
const address = `data:image/png;base64,${png}`
const imagePart = { type: "image_url", image_url: { url: address } }

describe("a message of Chat Completions", () => {
  it("says its parts in order, and joins texts that stand side by side", () => {
    expect(
      read({ content: ["a", { type: "text", text: "b" }, imagePart, { type: "output_text", text: "c" }] }),
    ).toEqual([text("ab"), picture, text("c")])
  })

  it("passes over parts that are nothing", () => {
    expect(read({ content: [null, 3, {}, { type: "" }, ["x"], "a"] })).toEqual([text("a")])
    expect(read({ content: "", refusal: "" })).toEqual([])
    expect(read({ content: "a", images: [null, 3, {}] })).toEqual([text("a")])
  })

  it("keeps a part of an unknown kind where it stands, whatever its fields are called", () => {
    const odd = { type: "hologram", refusal: "x", depth: 3 }
    expect(read({ content: ["a", odd, "b"] })).toEqual([text("a"), kept(odd), text("b")])
    for (const noWords of [
      { type: "refusal", refusal: 3 },
      { type: "text", text: 3 },
    ]) {
      expect(read({ content: [noWords] })).toEqual([kept(noWords)])
    }
  })

  it("refuses in a part or in a field", () => {
    const refusal = { type: "refusal", text: "No." }
    expect(read({ content: [{ type: "refusal", refusal: "No." }] })).toEqual([refusal])
    expect(read({ content: [{ type: "refusal", refusal: "No.", text: "No." }] })).toEqual([refusal])
    expect(partsOf({ content: [{ type: "refusal", refusal: "N" }] }, { refusal: "o." })).toEqual([refusal])
    expect(read({ content: "a", refusal: "No." })).toEqual([text("a"), refusal])
  })

  it("thinks in a part or in a field", () => {
    const own = thought("Hm", { field: "thinking" })
    for (const part of [
      { type: "thinking", thinking: "Hm" },
      { type: "reasoning", text: "Hm" },
      { type: "thinking", text: "Hm" },
      { type: "thinking", thinking: ["H", { type: "text", text: "m" }] },
    ]) {
      expect(read({ content: [part, "a"] })).toEqual([own, text("a")])
    }
    expect(read({ reasoning_content: "Hm", content: "a" })).toEqual([
      thought("Hm", { field: "reasoning_content" }),
      text("a"),
    ])
    expect(read({ content: [{ type: "thinking", thinking: [] }, "a"] })).toEqual([text("a")])
  })

  it("keeps references between thoughts, and the thoughts apart", () => {
    const reference = { type: "reference", reference_ids: [1] }
    const thinking = (...parts: ReadonlyArray<unknown>) => ({ type: "thinking", thinking: parts })
    const parts = read({ content: [thinking(text("a"), null, reference), thinking(text("b")), "c"] })
    expect(parts).toEqual([
      thought("a", { field: "thinking" }),
      kept(thinking(reference)),
      thought("b", { field: "thinking" }),
      text("c"),
    ])
  })
})

it("parts beyond the limit of an answer are not read", () => {
  const { events, fault } = stream(delta({ content: Array.from({ length: maxParts + 1000 }, () => ({ type: "x" })) }))
  expect(fault).toMatchObject({ _tag: "Unreadable", position: "parts" })
  expect(events.length).toBeLessThan(maxParts + 10)
})

describe("a stream of Chat Completions", () => {
  const call = (index: number) => ({ index, id: `c${index}`, function: { name: "f", arguments: "{}" } })

  it("hands its pieces on as they come", () => {
    const { events } = stream(
      delta({ reasoning: "H" }),
      delta({ reasoning: "m" }),
      delta({ content: "a" }),
      delta({ content: "b" }),
      delta({ refusal: "No" }),
      delta({}, "stop"),
    )
    expect(events).toEqual([
      { type: "response-start" },
      { type: "reasoning-delta", index: 0, delta: "H" },
      { type: "reasoning-delta", index: 0, delta: "m" },
      { type: "part-end", index: 0, part: thought("Hm", { field: "reasoning" }) },
      { type: "text-delta", index: 1, delta: "a" },
      { type: "text-delta", index: 1, delta: "b" },
      { type: "refusal-delta", index: 2, delta: "No" },
    ])
  })

  it("ends a thought where anything else begins, and at its end", () => {
    const hm = thought("Hm", { field: "reasoning" })
    expect(partsOf({ reasoning: "Hm" })).toEqual([hm])
    expect(partsOf({ reasoning: "Hm" }, { content: "a" }, { reasoning: "Hm" })).toEqual([hm, text("a"), hm])
    const { events } = stream(delta({ reasoning: "Hm" }), delta({ tool_calls: [call(0)] }), delta({}, "stop"))
    expect(events.map(({ type }) => type)).toEqual([
      "response-start",
      "reasoning-delta",
      "part-end",
      "tool-call-start",
      "tool-call-delta",
      "tool-call-end",
    ])
  })

  it("begins another text after a tool call and after a picture", () => {
    const called = { type: "tool-call", id: "c0", name: "f", arguments: {} }
    expect(partsOf({ content: "a" }, { tool_calls: [call(0)] }, { content: "b" })).toEqual([
      text("a"),
      called,
      text("b"),
    ])
    expect(partsOf({ content: "a" }, { images: [imagePart] }, { content: "b" })).toEqual([
      text("a"),
      picture,
      text("b"),
    ])
  })
})

describe("a whole message after pieces", () => {
  const hm = thought("Hm", { field: "reasoning" })

  it.each([
    ["a text", { content: "ab" }, [text("ab")]],
    ["a text in parts", { content: ["a", text("b")] }, [text("ab")]],
    ["a thought", { reasoning: "Hm" }, [hm]],
    ["a refusal", { refusal: "No" }, [{ type: "refusal", text: "No" }]],
    ["a picture", { images: [imagePart] }, [picture]],
  ])("does not repeat %s", (_, said, expected) => {
    expect(withWhole(said, said)).toEqual(expected)
  })

  it("says what no piece has said", () => {
    const whole = { content: "ab", reasoning: "Hm", refusal: "No", images: [imagePart] }
    const no = { type: "refusal", text: "No" }
    expect(withWhole(whole, { content: "a" })).toEqual([text("a"), hm, text("b"), no, picture])
    expect(withWhole(whole, { reasoning: "Hm" })).toEqual([hm, text("ab"), no, picture])
    expect(withWhole(whole, { refusal: "No" })).toEqual([no, hm, text("ab"), picture])
    expect(withWhole(whole, { images: [imagePart] })).toEqual([picture, hm, text("ab"), no])
    const parts = { content: ["a", imagePart] }
    expect(withWhole(parts, { refusal: "No" })).toEqual([no, text("a"), picture])
  })

  it("says its reasoning under the name that it has there", () => {
    const whole = { reasoning_content: "Hm", content: "a" }
    expect(withWhole(whole, { content: "a" })).toEqual([text("a"), thought("Hm", { field: "reasoning_content" })])
    const details = { reasoning_details: [{ type: "reasoning.text", text: "Hm" }], content: "a" }
    expect(withWhole(details, { content: "a" })).toEqual([text("a"), thought("Hm", { field: "reasoning_details" })])
  })

  it("adds nothing to a text that is another", () => {
    expect(withWhole({ content: "Goodbye" }, { content: "Hel" })).toEqual([text("Hel")])
    expect(withWhole({ content: "He" }, { content: "Hel" })).toEqual([text("Hel")])
    expect(withWhole({ content: null }, { content: "Hel" })).toEqual([text("Hel")])
  })
})

describe("a picture in an answer of Chat Completions", () => {
  const at = (url: unknown) => read({ images: [{ image_url: { url } }] })[0]

  it.each([
    ["http://example.com/a.png"],
    ["https://example.com/a,b;base64,c.png"],
    ["HTTPS://example.com/a.png"],
    ["data:image/png,abc"],
    ["data:image/png;base64"],
    [`data:image/png;${"a".repeat(300)};base64,AAAA`],
  ])("stays at its address: %s", (url) => {
    expect(at(url)).toEqual({ type: "image", url })
  })

  it.each([
    [address, "image/png"],
    ["data:image/webp;charset=utf-8;base64,iVBORw0K", "image/webp"],
    ["data:;base64,iVBORw0K", "image/png"],
  ])("is taken out of its address: %s", (url, mediaType) => {
    expect(at(url)).toEqual({ type: "image", mediaType, data: png })
  })

  it.each([["ftp://example.com/a.png"], ["file:///a.png"], ["a.png?from=https://example.com"], [""], [3]])(
    "is none where nobody could fetch it: %j",
    (url) => {
      expect(at(url)).toBeUndefined()
      const part = { type: "image_url", image_url: { url } }
      expect(read({ content: [part] })).toEqual([kept(part)])
    },
  )

  it("may stand under any of the names that services give it", () => {
    const forms = [
      { image_url: address },
      { url: address },
      { b64_json: png },
      { inline_data: { mime_type: "image/png", data: png } },
      { inlineData: { mimeType: "image/png", data: png } },
    ]
    expect(read({ images: forms })).toEqual(forms.map(() => picture))
  })

  it("is none where inline data is no picture, or is empty", () => {
    for (const inlineData of [
      { mimeType: "audio/wav", data: png },
      { mimeType: "text/image/png", data: png },
      { data: png },
      { mimeType: "image/png", data: "" },
      { mimeType: "image/png" },
    ]) {
      expect(read({ images: [{ inlineData }] })).toEqual([])
    }
  })
})
