/** What the blocks of Messages say, whole and in pieces. */
import { describe, expect, it } from "vitest"
import { maxNotes, maxParts } from "../../../src/protocols/Limits.ts"
import {
  decode,
  delta,
  ended,
  events,
  kept,
  opening,
  read,
  start,
  stop,
  stopped,
  stream,
  text,
  whole,
} from "./Answers.ts"

const toolUse = { type: "tool_use", id: "t", name: "f", input: {} }
const called = (args: unknown, id = "t") => ({ type: "tool-call", id, name: "f", arguments: args })
const json = (partial_json: unknown, index = 0) => delta("input_json_delta", { partial_json }, index)

describe("a block of Messages", () => {
  it("is a part where it says something", () => {
    expect(read(text("a"), text(""), text("b"))).toEqual([text("a"), text("b")])
    expect(read({ type: "text" }, { type: "text", text: 3 }, null, "x", text("a"))).toEqual([text("a")])
  })

  it("is thinking, with the signature that it goes back with, or without", () => {
    const thought = { type: "thinking", thinking: "Hm", signature: "s" }
    const part = { type: "reasoning", text: "Hm", signature: "s" }
    expect(read(thought, text("a"))).toEqual([part, text("a")])
    expect(read(text("a"), thought, text("b"))).toEqual([text("a"), part, text("b")])
    expect(read({ type: "thinking", thinking: "Hm" })).toEqual([{ type: "reasoning", text: "Hm" }])
    expect(read({ ...thought, thinking: "" }, text("a"))).toEqual([{ ...part, text: "" }, text("a")])
    expect(read({ type: "thinking", thinking: "" })).toEqual([])
  })

  it("is thinking that only the provider can read", () => {
    expect(read({ type: "redacted_thinking", data: "x" }, text("a"))).toEqual([
      { type: "reasoning", text: "", redacted: "x" },
      text("a"),
    ])
  })

  it.each([
    ["an object", { a: 1 }, { a: 1 }],
    ["a list", [1], [1]],
    ["JSON", '{"a":1}', { a: 1 }],
    ["nothing", "", {}],
    ["null", null, {}],
    ["no field", undefined, {}],
  ])("is a tool call whose input is %s", (_, input, expected) => {
    expect(read({ ...toolUse, input })).toEqual([called(expected)])
  })

  it("is a tool call without an id or a name, too", () => {
    expect(read({ type: "tool_use", input: {} })).toEqual([{ ...called({}, "call_0"), name: "" }])
    expect(decode(whole([toolUse])).finishReason).toBe("tool-calls")
    expect(stream(start(toolUse), stop()).ending?.finishReason).toBe("tool-calls")
  })

  it("is kept where it has no part, whatever its type is", () => {
    for (const block of [{ type: "hologram", depth: 3 }, { depth: 3 }, { type: 3 }]) {
      expect(read(text("a"), block, text("b"))).toEqual([text("a"), kept(block), text("b")])
    }
  })

  it("has its sources behind it", () => {
    const citations = [{ type: "char_location" }, { type: "page_location" }]
    expect(read({ ...text("a"), citations }, text("b"))).toEqual([
      text("a"),
      kept({ type: "citations", citations }),
      text("b"),
    ])
    expect(read({ ...text("a"), citations: [] }, { ...text("b"), citations: null })).toEqual([text("a"), text("b")])
  })
})

describe("a block of Messages in pieces", () => {
  it("is handed on as it comes", () => {
    const { events: handed } = stream(
      start({ type: "thinking", thinking: "" }),
      delta("thinking_delta", { thinking: "H" }),
      delta("thinking_delta", { thinking: "" }),
      delta("thinking_delta", { thinking: "m" }),
      delta("signature_delta", { signature: "s" }),
      delta("signature_delta", { signature: "t" }),
      delta("signature_delta", { signature: 3 }),
      stop(),
      start(text("a"), 1),
      delta("text_delta", { text: "" }, 1),
      delta("text_delta", { text: "b" }, 1),
      stop(1),
      start(toolUse, 2),
      json("", 2),
      json('{"a":', 2),
      json(3, 2),
      json("1}", 2),
      stop(2),
    )
    expect(handed).toEqual([
      { type: "response-start", servedModel: "m" },
      { type: "reasoning-delta", index: 0, delta: "H" },
      { type: "reasoning-delta", index: 0, delta: "m" },
      { type: "part-end", index: 0, part: { type: "reasoning", text: "Hm", signature: "st" } },
      { type: "text-delta", index: 1, delta: "a" },
      { type: "text-delta", index: 1, delta: "b" },
      { type: "tool-call-start", index: 2, id: "t", name: "f" },
      { type: "tool-call-delta", index: 2, delta: '{"a":' },
      { type: "tool-call-delta", index: 2, delta: "1}" },
      { type: "tool-call-end", index: 2, id: "t", name: "f", arguments: { a: 1 } },
    ])
  })

  it("ends with the answer where no event ends it", () => {
    const open = [start(toolUse), json('{"a":1}'), start({ type: "redacted_thinking", data: "x" }, 1)]
    expect(stream(...open).parts).toEqual([called({ a: 1 }), { type: "reasoning", text: "", redacted: "x" }])
  })

  it("ends where another begins in its place", () => {
    const { parts } = stream(start(toolUse), json('{"a":1}'), start(text("a")), delta("text_delta", { text: "b" }))
    expect(parts).toEqual([called({ a: 1 }), text("ab")])
  })

  it("gathers its sources", () => {
    const cite = (citation: unknown) => delta("citations_delta", { citation })
    expect(stream(start(text("a")), cite({ url: "1" }), cite({ url: "2" }), stop()).parts).toEqual([
      text("a"),
      kept({ type: "citations", citations: [{ url: "1" }, { url: "2" }] }),
    ])
  })

  it("begins with its first piece where no event began it", () => {
    expect(stream(delta("text_delta", { text: "a" }), delta("thinking_delta", { thinking: "Hm" }, 1)).parts).toEqual([
      text("a"),
      { type: "reasoning", text: "Hm" },
    ])
    expect(stream(json("{}"), delta("signature_delta", { signature: "s" }), stop(7)).parts).toEqual([])
  })

  it("changes its kind with the pieces in it", () => {
    const { parts } = stream(
      start(text("a")),
      delta("thinking_delta", { thinking: "Hm" }),
      delta("text_delta", { text: "b" }),
    )
    expect(parts).toEqual([text("a"), { type: "reasoning", text: "Hm" }, text("b")])
  })

  it("goes on past text that stands in a block of none", () => {
    const say = [delta("text_delta", { text: "a" }), delta("thinking_delta", { thinking: "Hm" })]
    const empty = [delta("text_delta", { text: "" }), delta("thinking_delta", {})]
    const said = [text("a"), { type: "reasoning", text: "Hm" }]
    expect(stream(start(toolUse), json('{"a":'), ...empty, ...say, json("1}"), stop()).parts).toEqual([
      called({ a: 1 }),
      ...said,
    ])
    expect(stream(start({ type: "redacted_thinking", data: "x" }), ...say, stop()).parts).toEqual([
      ...said,
      { type: "reasoning", text: "", redacted: "x" },
    ])
  })

  it("that is kept grows by its texts, and takes every other field as it is", () => {
    const { parts } = stream(
      start({ type: "compaction", content: "a", depth: 1 }),
      delta("compaction_delta", { content: "b", depth: 2, more: "x" }),
      delta("compaction_delta", { content: null, depth: "3", more: 4 }),
      delta("text_delta", { text: "t" }),
      stop(),
    )
    expect(parts).toEqual([kept({ type: "compaction", content: "ab", depth: "3", more: 4, text: "t" })])
  })

  it("that is kept has its input and its sources put together", () => {
    const block = { type: "server_tool_use", id: "s", input: {} }
    const cite = delta("citations_delta", { citation: 1 })
    expect(stream(start(block), json('{"q":'), cite, json(3), json("1}"), cite, stop()).parts).toEqual([
      kept({ ...block, input: { q: 1 }, citations: [1, 1] }),
    ])
    expect(stream(start(block), json('{"q":'), stop()).parts).toEqual([kept({ ...block, input: '{"q":' })])
    expect(stream(start(block), stop()).parts[0]).toStrictEqual(kept(block))
  })

  it("passes over what is no piece of it", () => {
    const odd = [null, "x", 3].flatMap((one) => [
      { type: "content_block_delta", index: 0, delta: one },
      { type: "content_block_start", index: 0, content_block: one },
    ])
    expect(stream(start(text("a")), ...odd, delta("smell_delta", { text: "no" })).parts).toEqual([text("a")])
    expect(stream(start(text("a")), json("{}")).events).toHaveLength(2)
  })
})

describe("why Messages says that the model refused", () => {
  const explanation = "Not this."
  const refusal = { type: "refusal", text: explanation }
  const finish = (stop_details: unknown) => {
    const { finishReason, parts } = decode(whole([text("a")], { stop_details }))
    const last = { type: "message_delta", delta: { stop_reason: "end_turn", stop_details } }
    const streamed = events(opening(), start(text("a")), stop(), last, stopped)
    expect([streamed.ending?.finishReason, streamed.parts]).toEqual([finishReason, parts])
    return [finishReason, ...parts.slice(1)]
  }

  it("is a refusal of its own, and ends the answer as filtered", () => {
    expect(finish({ type: "refusal", explanation })).toEqual(["content-filter", refusal])
    expect(finish({ type: "refusal", explanation: "" })).toEqual(["content-filter"])
    expect(finish({ type: "refusal" })).toEqual(["content-filter"])
  })

  it("is nothing where the details are of another kind", () => {
    for (const details of [null, "refusal", { type: "pause", explanation }]) expect(finish(details)).toEqual(["stop"])
  })
})

describe("too much in an answer of Messages", () => {
  it("is named by its field, one beyond the limit", () => {
    const cited = (count: number) => ({ ...text("a"), citations: Array.from({ length: count }, () => 1) })
    expect(decode(whole([cited(maxNotes)])).fault).toBeUndefined()
    expect(decode(whole([cited(maxNotes + 1)])).fault).toMatchObject({ _tag: "Unreadable", position: "citations" })
  })

  it("is read no further than the limit of parts", () => {
    const blocks = Array.from({ length: maxParts + 1000 }, () => text("a"))
    const { events: handed, fault } = events(opening({ content: blocks }), ended, stopped)
    expect(fault).toMatchObject({ _tag: "Unreadable", position: "parts" })
    expect(handed.length).toBeLessThan(maxParts + 10)
  })
})
