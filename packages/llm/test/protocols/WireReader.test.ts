/** What all readers take of JSON that came from outside, and what they share while they put an answer together (laws 3 and 20). */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import { AnswerReader, answerOf } from "../../src/protocols/AnswerReader.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import { maxCount, maxNotes, maxParts } from "../../src/protocols/Limits.ts"
import {
  count,
  elements,
  isWireObject,
  nameOf,
  nonEmpty,
  parseArguments,
  parseJson,
  unreadable,
  whyNotJson,
} from "../../src/protocols/WireReader.ts"
import { replay } from "./Replay.ts"

const deep = `${"[".repeat(600)}${"]".repeat(600)}`

describe("a value from outside", () => {
  it("is an object, unlike a list and null", () => {
    expect([{}, { a: 1 }].map(isWireObject)).toEqual([true, true])
    expect([null, undefined, [], "a", 1, true, () => {}].map(isWireObject)).toEqual(Array(7).fill(false))
  })

  it("has the elements of a list, and none where it is anything else", () => {
    expect(elements([1])).toEqual([1])
    for (const value of [undefined, null, "ab", { length: 1, 0: 1 }]) expect(elements(value)).toEqual([])
  })

  it("is a text where there is some, and a name of at most 200 characters", () => {
    expect([nonEmpty("a"), nonEmpty(" "), nonEmpty(""), nonEmpty(1), nonEmpty(null)]).toEqual(["a", " ", ...Array(3)])
    expect([nameOf("n".repeat(200)), nameOf(""), nameOf(undefined)]).toEqual(["n".repeat(200), undefined, undefined])
    expect(nameOf("n".repeat(201))).toBe("n".repeat(200))
  })

  it("is a count from 0 up to the largest that can be added up", () => {
    expect([0, 1, maxCount].map(count)).toEqual([0, 1, maxCount])
    const odd = [-1, maxCount + 1, Number.NaN, Number.POSITIVE_INFINITY, "1", null, undefined, true, [1]]
    expect(odd.map(count)).toEqual(Array(odd.length).fill(undefined))
  })

  it("is read as JSON, or it is told why not", () => {
    expect([parseJson('{"a":[1]}'), parseJson("null"), parseJson("{"), parseJson(deep)]).toEqual([
      { a: [1] },
      null,
      undefined,
      undefined,
    ])
    expect(whyNotJson("{")).toBe("is not JSON")
    expect(whyNotJson(deep)).toBe("is nested deeper than 128 levels")
  })

  it("that cannot be read is told with its place and an excerpt", () => {
    expect(unreadable("it is odd", "a.b", { c: 1 })).toEqual({
      _tag: "Unreadable",
      message: "the provider's answer cannot be read: it is odd at a.b",
      position: "a.b",
      excerpt: '{"c":1}',
    })
  })
})

describe("the arguments of a tool call", () => {
  const read = (text: string, name = "f") => {
    const warnings: Array<string> = []
    return { value: parseArguments(text, name, warnings), warnings }
  }

  it.each<readonly [string, unknown]>([
    ["", {}],
    [" \n", {}],
    ["null", {}],
    ["{}", {}],
    ['{"a":1}', { a: 1 }],
    ["0", 0],
    ["false", false],
    ['"a"', "a"],
  ])("%j are %j, without a warning", (text, value) => {
    expect(read(text)).toEqual({ value, warnings: [] })
  })

  it.each([
    ["{", "not JSON"],
    [deep, "nested deeper than 128 levels"],
  ])("stay the text that they are where they cannot be read: %.5s", (text, why) => {
    expect(read(text)).toEqual({
      value: text,
      warnings: [`the arguments of the tool call "f" are ${why}; they are kept as the text the model wrote`],
    })
  })

  it("are told with a name of at most 200 characters", () => {
    expect(read("{", "n".repeat(200)).warnings[0]).toContain(`"${"n".repeat(200)}"`)
    expect(read("{", "n".repeat(201)).warnings[0]).toContain(`"${"n".repeat(199)}…"`)
  })
})

class Reader extends AnswerReader {
  end(): void {}
}
const reader = () => new Reader("p")

describe("the parts of one answer", () => {
  it("are numbered from 0 and may be as many as the limit, and no more", () => {
    const parts = reader()
    const numbers = Array.from({ length: maxParts }, () => parts.nextIndex())
    expect(numbers.every((number, index) => number === index)).toBe(true)
    expect(parts.excess).toBeUndefined()
    parts.nextIndex()
    const message = `the provider's answer cannot be read: the answer has more than ${maxParts} parts at parts`
    expect(parts.excess).toEqual({ _tag: "Unreadable", message, position: "parts", excerpt: "" })
  })

  it("may have as many things beside them as the limit: more are not kept, and the answer is unreadable", () => {
    const notes = reader()
    expect(Array.from({ length: maxNotes }, () => notes.note("citations")).every(Boolean)).toBe(true)
    expect(notes.excess).toBeUndefined()
    expect(notes.note("citations")).toBe(false)
    const message = `the provider's answer cannot be read: the answer has more than ${maxNotes} citations at citations`
    expect(notes.excess).toMatchObject({ message, position: "citations" })
    notes.noteAll("annotations", maxNotes + 1)
    expect(notes.excess).toMatchObject({ position: "citations" })
  })

  it("may have a list beside them that is as long as the limit, and no longer", () => {
    const lists = reader()
    lists.noteAll("annotations", maxNotes)
    expect(lists.excess).toBeUndefined()
    lists.noteAll("annotations", maxNotes + 1)
    expect(lists.excess).toMatchObject({ position: "annotations" })
  })

  it("are no answer where there were too many, although it ended well", () => {
    const ended = { rawFinishReason: "stop", finishReason: "stop", usage: {}, billing: undefined } as const
    const long = reader()
    expect(Result.isSuccess(answerOf(long, [], { ...ended, servedModel: undefined }, true))).toBe(true)
    long.noteAll("annotations", maxNotes + 1)
    const answer = answerOf(long, [], { ...ended, servedModel: undefined }, true)
    expect(Result.isFailure(answer) && answer.failure).toMatchObject({ _tag: "Unreadable" })
  })

  it("that have no meaning here are kept under the name of the protocol", () => {
    const events: Array<LlmEvent> = []
    const odd = reader()
    odd.keep({ a: 1 }, events)
    odd.keep(2, events)
    expect(events).toEqual([
      { type: "part-end", index: 0, part: { type: "other", provider: "p", value: { a: 1 } } },
      { type: "part-end", index: 1, part: { type: "other", provider: "p", value: 2 } },
    ])
  })
})

describe("the id of a tool call", () => {
  const given = ["a", undefined, "a", undefined, "call_4", undefined, "a"]
  // The made-up ones count the calls before them, and pass over what is taken.
  const ids = ["a", "call_1", "call_3", "call_4", "call_6", "call_7", "call_9"]

  it("is the provider's or made up from its number, and no two calls of an answer share one", () => {
    const calls = reader()
    expect(given.map((id) => calls.callId(id))).toEqual(ids)
    expect(reader().callId("call_0")).toBe("call_0")
  })

  it("is the same in an answer that came whole and in a stream", () => {
    const calls = given.map((id, index) => ({ index, id, function: { name: "f", arguments: "{}" } }))
    const choice = { index: 0, finish_reason: "tool_calls" }
    const decoded = ChatCompletions.protocol.decode({ choices: [{ ...choice, message: { tool_calls: calls } }] })
    const streamed = replay(
      ChatCompletions.protocol,
      [{ choices: [{ index: 0, delta: { tool_calls: calls } }] }, { choices: [{ ...choice, delta: {} }] }].map(
        (event) => ({ name: undefined, data: JSON.stringify(event) }),
      ),
    )
    const whole = Result.isSuccess(decoded) ? decoded.success.parts : []
    for (const parts of [whole, streamed.parts]) {
      const told = parts.flatMap((part) => (part.type === "tool-call" ? [part.id] : []))
      expect(told).toHaveLength(given.length)
      expect(new Set(told).size).toBe(given.length)
      expect(told[0]).toBe("a")
    }
  })
})
