/** How the pieces of tool calls find each other in Chat Completions, with any of the names that services give them. */
import { describe, expect, it } from "vitest"
import { maxNotes, maxParts } from "../../../src/protocols/Limits.ts"
import { decode, delta, message, partsOf, read, stream, withWhole } from "./Answers.ts"

type Piece = Readonly<Record<string, unknown>>
const f = (args: unknown, more: object = {}): Piece => ({ function: { name: "f", arguments: args }, ...more })
const rest = (args: unknown, more: object = {}): Piece => ({ function: { arguments: args }, ...more })
const called = (id: string, args: unknown, more: object = {}) => ({
  type: "tool-call",
  id,
  name: "f",
  arguments: args,
  ...more,
})
/** The parts of a stream that brings these pieces, one a chunk. */
const put = (...pieces: ReadonlyArray<unknown>) => partsOf(...pieces.map((piece) => ({ tool_calls: [piece] })))

describe("pieces of tool calls in Chat Completions", () => {
  const one = [called("call_0", { a: 1 })]
  const two = [called("call_0", { a: 1 }), called("call_1", { b: 2 })]
  const ids = [called("a", { a: 1 }), called("b", { b: 2 })]
  const at = (index: unknown, id?: string) => ({ index, ...(id === undefined ? {} : { id }) })

  it.each<readonly [string, ReadonlyArray<Piece>, ReadonlyArray<object>]>([
    ["by index", [f('{"a":', at(0)), f('{"b":', at(1)), rest("1}", at(0)), rest("2}", at(1))], two],
    ["by index, with the name in each", [f('{"a":', at(0)), f("1}", at(0))], one],
    ["by index, with name and id in each", [f('{"a":', at(0, "a")), f("1}", at(0, "a"))], [called("a", { a: 1 })]],
    ["by index, where ids end a call", [f('{"a":1}', at(0, "a")), f('{"b":2}', at(0, "b"))], ids],
    ["by index, where names end a call", [f('{"a":1}', at(0)), f('{"b":2}', at(0))], two],
    ["by index, with blanks after the end", [f('{"a":1}', at(0)), f(" \n", at(0))], one],
    ["by index, with a later id", [f("", at(0)), f('{"a":1}', at(0, "b"))], one],
    ["by index, and by id behind it", [f('{"a":1}', at(0, "a")), f('{"b":', at(1, "b")), rest("2}", { id: "b" })], ids],
    [
      "by id",
      [f('{"a":', { id: "a" }), f('{"b":', { id: "b" }), rest("1}", { id: "a" }), rest("2}", { id: "b" })],
      ids,
    ],
    [
      "by id, where the index is a text",
      [f('{"a":', at("0", "a")), f('{"b":2}', at("0", "b")), rest("1}", at("0", "a"))],
      ids,
    ],
    ["by their order", [f('{"a":'), rest("1}"), f('{"b":'), rest("2}")], two],
  ])("are told apart %s", (_, pieces, expected) => {
    expect(put(...pieces)).toEqual(expected)
  })

  it("do not begin another call where a service repeats the arguments whole, with the name and without the id", () => {
    expect(put(f('{"a":1}', at(0, "a")), f('{"a":1}', at(0)))).toEqual([called("a", { a: 1 })])
  })

  it.each<readonly [string, ReadonlyArray<Piece>]>([
    ["the name", [f("", { index: 0 }), rest('{"a":', { index: 0 }), rest("1}", { index: 0 })]],
    ["the arguments", [rest('{"a":', { index: 0 }), f("1}", { index: 0 })]],
    ["nothing", [{ index: 0, function: {} }, f('{"a":1}', { index: 0 })]],
  ])("may begin with %s", (_, pieces) => {
    expect(put(...pieces)).toEqual(one)
  })

  it("may begin with the id", () => {
    const begun = { index: 0, id: "a", function: {} }
    expect(put(begun, f('{"a":1}', { index: 0 }))).toEqual([called("a", { a: 1 })])
    expect(put(rest('{"a":', { index: 0 }), f("1}", { index: 0, id: "a" }))).toEqual([called("a", { a: 1 })])
  })

  it("keep the name that came first", () => {
    const again = { index: 0, id: "a", function: { name: "g", arguments: "{}" } }
    expect(put(f("", { index: 0, id: "a" }), again)).toEqual([called("a", {})])
  })

  it("are handed on as they come, once their name is known", () => {
    const { events } = stream(
      delta({ tool_calls: [rest('{"a"', { index: 0 })] }),
      delta({ tool_calls: [f(":", { index: 0 })] }),
      delta({ tool_calls: [rest("", { index: 0 })] }),
      delta({ tool_calls: [rest("1}", { index: 0 })] }),
      delta({}, "tool_calls"),
    )
    expect(events.slice(1)).toEqual([
      { type: "tool-call-start", index: 0, id: "call_0", name: "f" },
      { type: "tool-call-delta", index: 0, delta: '{"a"' },
      { type: "tool-call-delta", index: 0, delta: ":" },
      { type: "tool-call-delta", index: 0, delta: "1}" },
      { type: "tool-call-end", index: 0, id: "call_0", name: "f", arguments: { a: 1 } },
    ])
  })

  it("may go on with the same text, or after what looks like an end", () => {
    const custom = (input: string) => ({ index: 0, custom: { name: "f", input } })
    expect(put(custom("ha"), { index: 0, custom: { input: "ha" } })).toMatchObject([{ arguments: "haha" }])
    expect(put(custom("{a}"), { index: 0, custom: { input: " or {b}" } })).toMatchObject([{ arguments: "{a} or {b}" }])
  })

  it("bring what their service wants back, each beside its call", () => {
    const own = { extra_content: { a: 1 } }
    const more = { provider_specific_fields: { b: 2 } }
    const both = { protocolData: { "chat-completions": { ...own, ...more } } }
    expect(put(f("{}", { index: 0, ...own }), { index: 0, function: {}, ...more })).toEqual([
      called("call_0", {}, both),
    ])
    expect(read({ tool_calls: [f("{}", { ...own, ...more }), f("{}", { extra_content: "x" })] })).toEqual([
      called("call_0", {}, both),
      called("call_1", {}),
    ])
  })
})

describe("tool calls of Chat Completions", () => {
  it("are read from what is one, and from nothing else", () => {
    const calls = [null, "x", 3, { id: "a" }, { id: "b", function: "x" }, f('{"a":1}', { id: "c" })]
    expect(read({ tool_calls: calls })).toEqual([called("c", { a: 1 })])
    expect(read({ content: "a", tool_calls: "x", function_call: "x" })).toEqual([{ type: "text", text: "a" }])
  })

  it("may have their arguments as a value, as an input, or not at all", () => {
    expect(read({ tool_calls: [f({ a: 1 })] })).toEqual([called("call_0", { a: 1 })])
    expect(read({ tool_calls: [{ custom: { name: "f", input: "ls" } }] })).toMatchObject([{ arguments: "ls" }])
    expect(read({ tool_calls: [{ function: { name: "f" } }] })).toEqual([called("call_0", {})])
  })

  it("may have no name, but then an id or arguments", () => {
    expect(read({ tool_calls: [rest('{"a":1}')] })).toEqual([called("call_0", { a: 1 }, { name: "" })])
    expect(read({ tool_calls: [{ id: "a", function: {} }] })).toEqual([called("a", {}, { name: "" })])
    expect(read({ tool_calls: [{ function: {} }, { function: { name: "" } }] })).toEqual([])
  })

  it("make the answer end for them", () => {
    expect(decode(message({ tool_calls: [f("{}")] })).finishReason).toBe("tool-calls")
    expect(stream(delta({ tool_calls: [f("{}")] }, "stop")).ending?.finishReason).toBe("tool-calls")
  })

  it("may be the one that function_call holds, in one piece or more", () => {
    const function_call = { name: "f", arguments: '{"a":1}' }
    expect(read({ function_call })).toEqual([called("call_0", { a: 1 })])
    expect(
      partsOf({ function_call: { name: "f", arguments: '{"a":' } }, { function_call: { arguments: "1}" } }),
    ).toEqual([called("call_0", { a: 1 })])
    expect(withWhole({ function_call }, { function_call })).toEqual([called("call_0", { a: 1 })])
    const words = { function_call: { name: "f", arguments: "x" } }
    expect(withWhole(words, words)).toEqual([called("call_0", "x")])
    expect(withWhole({ function_call, content: "" }, { content: "" })).toEqual([called("call_0", { a: 1 })])
  })
})

describe("the tool calls of a whole message after pieces of Chat Completions", () => {
  const a = f('{"a":1}', { id: "a" })
  const b = f('{"b":2}', { id: "b" })
  const both = [called("a", { a: 1 }), called("b", { b: 2 })]
  const whole = (calls: ReadonlyArray<Piece>, ...pieces: ReadonlyArray<Piece>) =>
    withWhole({ tool_calls: calls }, ...pieces.map((piece) => ({ tool_calls: [piece] })))

  it("are those that came, found by id or by place", () => {
    expect(whole([a, b], a, b)).toEqual(both)
    expect(whole([b, a], a, b)).toEqual(both)
    expect(whole([f('{"a":1}'), f('{"b":2}')], a, b)).toEqual(both)
    const unnamed = [called("call_0", { a: 1 }), called("call_1", { b: 2 })]
    expect(whole([a, b], f('{"a":1}'), f('{"b":2}'))).toEqual(unnamed)
    expect(whole([f('{"a":1}'), f('{"b":2}')], f('{"a":1}'), f('{"b":2}'))).toEqual(unnamed)
  })

  it("are those that no piece brought, too", () => {
    expect(whole([a, b], a)).toEqual(both)
    expect(whole([a, b], b)).toEqual([both[1], both[0]])
    expect(whole([f('{"a":1}'), f('{"b":2}'), f('{"c":3}')], f('{"a":1}'), f('{"b":2}'))).toEqual([
      called("call_0", { a: 1 }),
      called("call_1", { b: 2 }),
      called("call_2", { c: 3 }),
    ])
  })

  it("bring the arguments where the pieces brought none", () => {
    expect(whole([a], f("", { id: "a" }))).toEqual([both[0]])
    expect(whole([f('{"a":9}', { id: "a" })], a)).toEqual([both[0]])
  })

  it("are each one of their own where the message gives two the same id", () => {
    const parts = withWhole({ tool_calls: [a, f('{"b":2}', { id: "a" })] }, { content: "" })
    expect(parts).toEqual([called("a", { a: 1 }), called(expect.stringContaining("call_"), { b: 2 })])
  })

  it("are found past empty frames and what is no call", () => {
    expect(whole([f('{"a":1}')], { index: 0, function: {} }, f('{"a":1}', { index: 1 }))).toEqual([
      called("call_0", { a: 1 }),
    ])
    expect(withWhole({ tool_calls: [null, a] }, { content: "" })).toEqual([both[0]])
  })
})

describe("too many tool calls in Chat Completions", () => {
  const calls = Array.from({ length: maxParts + 1000 }, () => f("{}"))

  it("are unreadable", () => {
    expect(decode(message({ tool_calls: calls })).fault).toMatchObject({ _tag: "Unreadable", position: "parts" })
  })

  it("are read no further than the limit, as pieces and as the whole", () => {
    for (const chunks of [[delta({ tool_calls: calls })], [delta({}), message({ tool_calls: calls })]]) {
      const { events, fault } = stream(...chunks)
      expect(fault).toMatchObject({ _tag: "Unreadable", position: "parts" })
      expect(events.length).toBeLessThan(2 * maxParts + 10)
    }
  })

  it("that have no name yet are counted, too", () => {
    const nameless = (count: number) => Array.from({ length: count }, (_, index) => rest("{", { index }))
    expect(stream(delta({ tool_calls: nameless(maxNotes + 1) })).fault).toBeUndefined()
    expect(stream(delta({ tool_calls: nameless(maxNotes + 2) })).fault).toMatchObject({ position: "tool calls" })
  })
})
