/** The pieces of a stream, put together again: whatever their order and size, the parts are those of the answer. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { metadataOf } from "../../src/call/Metadata.ts"
import { assemble, eventsOf, isOutput, type LlmEvent } from "../../src/model/LlmEvent.ts"
import { fromParts, type ResponsePart } from "../../src/model/LlmResponse.ts"

const metadata = metadataOf({
  provider: "p",
  model: "m",
  latencyMs: 1,
  timestamp: "2026-11-26T00:00:00.000Z",
  attempts: [],
})
const finish: LlmEvent = { type: "response-finish", finishReason: "stop", metadata }
const text = (index: number, delta: string): LlmEvent => ({ type: "text-delta", index, delta })
const thought = (index: number, delta: string): LlmEvent => ({ type: "reasoning-delta", index, delta })

const assembled = (events: ReadonlyArray<LlmEvent>) => {
  const assembly = assemble()
  for (const event of events) assembly.add(event)
  return assembly
}

const every: ReadonlyArray<ResponsePart> = [
  { type: "reasoning", text: "They greet me.", signature: "s" },
  { type: "text", text: "Hello" },
  { type: "tool-call", id: "c", name: "wave", arguments: { hand: "left" } },
  { type: "tool-call", id: "d", name: "wave", arguments: null, protocolData: { messages: { a: 1 } } },
  { type: "refusal", text: "no" },
  { type: "image", data: "AAAA", mediaType: "image/png" },
  { type: "other", provider: "messages", value: { a: 1 } },
  { type: "text", text: "!" },
]

describe("an assembly", () => {
  it("makes a whole answer of its pieces", () => {
    const { response } = assembled([{ type: "response-start" }, ...eventsOf(every), finish])
    expect(response()).toStrictEqual(fromParts(every, "stop", metadata))
  })

  it("has no answer before response-finish, and the parts and the text so far", () => {
    const {
      parts,
      response,
      text: said,
    } = assembled([
      { type: "response-start" },
      thought(0, "hm"),
      text(1, "Hel"),
      text(1, "lo"),
      { type: "tool-call-start", index: 2, id: "c", name: "wave" },
      { type: "tool-call-delta", index: 2, delta: "{" },
      text(3, "!"),
      { type: "refusal-delta", index: 4, delta: "no" },
    ])
    expect(response()).toBeUndefined()
    expect(said()).toBe("Hello!")
    expect(parts()).toStrictEqual([
      { type: "reasoning", text: "hm" },
      { type: "text", text: "Hello" },
      { type: "text", text: "!" },
      { type: "refusal", text: "no" },
    ])
  })

  it("is empty before the first piece", () => {
    expect([assemble().parts(), assemble().text(), assemble().response()]).toEqual([[], "", undefined])
  })

  it("goes on with a part after a piece of another", () => {
    expect(assembled([text(0, "a"), thought(1, "x"), text(0, "b"), thought(1, "y")]).parts()).toEqual([
      { type: "text", text: "ab" },
      { type: "reasoning", text: "xy" },
    ])
  })

  it("keeps texts apart that have an index each", () => {
    expect(assembled([text(0, "a"), text(1, "b")]).parts()).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ])
  })

  it("takes a whole part in place of its pieces, and what follows as more of it", () => {
    const whole: LlmEvent = { type: "part-end", index: 0, part: { type: "reasoning", text: "A", signature: "s" } }
    expect(assembled([thought(0, "a"), whole]).parts()).toEqual([whole.part])
    expect(assembled([thought(0, "a"), whole, thought(0, "b")]).parts()).toEqual([{ type: "reasoning", text: "Ab" }])
  })

  it("has the later of two parts with one index", () => {
    expect(assembled([text(0, "a"), thought(0, "b")]).parts()).toEqual([{ type: "reasoning", text: "b" }])
    const call = { type: "tool-call-end", index: 0, id: "c", name: "f", arguments: 1 } as const
    expect(assembled([text(0, "a"), call, text(0, "b")]).parts()).toEqual([{ type: "text", text: "b" }])
  })

  it("joins hundreds of pieces, and leaves out an index that none came for", () => {
    const deltas = Array.from({ length: 200 }, (_, at) => `${at} `)
    const assembly = assembled(deltas.map((delta) => text(3, delta)))
    expect(assembly.parts()).toStrictEqual([{ type: "text", text: deltas.join("") }])
  })

  it("makes of the parts whatever their pieces are", () => {
    const pieces = fc.array(fc.string(), { maxLength: 300 })
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 5 }), (texts) => {
        const events = texts.flatMap((deltas, index) => deltas.map((delta) => text(index, delta)))
        const joined = texts.filter((deltas) => deltas.length > 0).map((deltas) => deltas.join(""))
        const assembly = assembled(events)
        expect(assembly.parts()).toEqual(joined.map((one) => ({ type: "text", text: one })))
        expect(assembly.text()).toBe(joined.join(""))
        // Asking for the text so far changes nothing of what is to come.
        assembly.add(text(9, "!"))
        expect(assembly.text()).toBe(`${joined.join("")}!`)
      }),
      { numRuns: 50 },
    )
  })
})

describe("a piece", () => {
  it("carries something of the answer, but for its beginning and its end", () => {
    expect([{ type: "response-start" } as const, finish].map(isOutput)).toEqual([false, false])
    expect(eventsOf(every).every(isOutput)).toBe(true)
  })

  it("of a text is its text, and of what is only known whole the part", () => {
    expect(eventsOf(every).filter(({ type }) => !type.startsWith("tool-call"))).toEqual([
      { type: "part-end", index: 0, part: every[0] },
      { type: "text-delta", index: 1, delta: "Hello" },
      { type: "refusal-delta", index: 4, delta: "no" },
      { type: "part-end", index: 5, part: every[5] },
      { type: "part-end", index: 6, part: every[6] },
      { type: "text-delta", index: 7, delta: "!" },
    ])
  })

  it("of a tool call is its beginning, and then the whole of it", () => {
    expect(eventsOf(every.slice(2, 3))).toEqual([
      { type: "tool-call-start", index: 0, id: "c", name: "wave" },
      { type: "tool-call-end", index: 0, id: "c", name: "wave", arguments: { hand: "left" } },
    ])
  })
})

describe("a response", () => {
  it("has the text of all its texts, and its tool calls without what goes back to the service", () => {
    expect(fromParts(every, "tool-calls", metadata)).toStrictEqual({
      text: "Hello!",
      parts: every,
      toolCalls: [
        { id: "c", name: "wave", arguments: { hand: "left" } },
        { id: "d", name: "wave", arguments: null },
      ],
      finishReason: "tool-calls",
      metadata,
    })
  })
})
