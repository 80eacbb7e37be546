/** A JSON text is parsed only where its depth and its keys are within limits, and is told apart in one pass. */
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { protocol } from "../../src/protocols/chat-completions/ChatCompletions.ts"
import { excessOf } from "../../src/model/json/JsonBounds.ts"
import { JsonNesting } from "../../src/protocols/JsonNesting.ts"
import { maxContainers, maxDepth, maxShapes } from "../../src/protocols/Limits.ts"
import { parseArguments, parseJson } from "../../src/protocols/WireReader.ts"
import { readDocument } from "../../src/transport/WholeAnswer.ts"
import { replay } from "./Replay.ts"
import { growthOf, WorkMeter } from "./Work.ts"

const tooDeep = `nested deeper than ${maxDepth} levels`
const tooWide = `made of more than ${maxShapes} different sequences of keys`

const nested = (depth: number) => `${"[".repeat(depth)}1${"]".repeat(depth)}`

const listOf = (count: number, make: (place: number) => string): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, place) => make(place))

/** So many objects with one key each, all different, in a text long enough to be looked at. */
const oneKeyEach = (count: number) => `[${listOf(count, (place) => `{"k${place}":"${"x".repeat(9)}"}`).join(",")}]`
const oneObject = (count: number) => `{${listOf(count, (place) => `"k${place}": "${"x".repeat(9)}"`).join(",")}}`

/** All orders of eight keys: 40,320 objects, and more beginnings of them, of eight keys in all. */
const orders = (keys: ReadonlyArray<string>): ReadonlyArray<string> =>
  keys.length === 1
    ? [`"${keys[0]}":1`]
    : keys.flatMap((key) => orders(keys.filter((other) => other !== key)).map((rest) => `"${key}":1,${rest}`))

describe("the depth of a JSON text", () => {
  it("may reach the limit and not pass it, in arrays and objects alike", () => {
    expect(excessOf(nested(maxDepth))).toBeUndefined()
    expect(excessOf(nested(maxDepth + 1))).toBe(tooDeep)
    expect(excessOf(`${'{"a":'.repeat(maxDepth)}1${"}".repeat(maxDepth)}`)).toBeUndefined()
    expect(excessOf(`${'{"a":'.repeat(maxDepth + 1)}1${"}".repeat(maxDepth + 1)}`)).toBe(tooDeep)
    expect(excessOf(`{"a":${nested(maxDepth)}}`)).toBe(tooDeep)
  })

  it("is told by its levels, in the shortest texts too and whatever stands between two of them", () => {
    const openings = ["[", "[ ", "[1,", '{"":', '[{"":']
    const mostly = fc.constantFrom(...openings).chain((most) => {
      const one = fc.oneof({ weight: 9, arbitrary: fc.constant(most) }, fc.constantFrom(...openings))
      return fc.array(one, { minLength: maxDepth - 3, maxLength: maxDepth + 3 })
    })
    fc.assert(
      fc.property(mostly, (levels) => {
        const opened = levels.join("")
        const brackets = opened.match(/[[{]/g) ?? []
        const closed = brackets.map((bracket) => (bracket === "[" ? "]" : "}")).toReversed()
        const text = `${opened}0${closed.join("")}`
        expect(() => JSON.parse(text)).not.toThrow()
        expect(excessOf(text)).toBe(brackets.length > maxDepth ? tooDeep : undefined)
      }),
      { numRuns: 1000 },
    )
  })

  it("counts what is open, not what has been closed, and no bracket in a string", () => {
    expect(excessOf(`[${"[],{},".repeat(5000)}1]`)).toBeUndefined()
    expect(excessOf(`"${"[".repeat(5000)}"`)).toBeUndefined()
    expect(excessOf(`"${"[".repeat(5000)}`)).toBeUndefined()
    expect(excessOf(`["\\\\",${nested(maxDepth)}]`)).toBe(tooDeep)
    expect(excessOf(`["\\\\\\"",${nested(maxDepth)}]`)).toBe(tooDeep)
    expect(excessOf(`["\\"a",${nested(maxDepth)}]`)).toBe(tooDeep)
  })
})

describe("the keys of a JSON text", () => {
  it("may be as many different ones as the limit, in one object and in many, and hardly more", () => {
    for (const make of [oneKeyEach, oneObject]) {
      expect(excessOf(make(maxShapes))).toBeUndefined()
      expect(excessOf(make(1.1 * maxShapes))).toBe(tooWide)
      expect(parseJson(make(1.1 * maxShapes))).toBeUndefined()
    }
  })

  it("may be the same any number of times, in a list of objects, nested or not", () => {
    const entry = (place: number) =>
      `{"token":"${place}","logprob":-${place},"top":[{"token":"b","logprob":-2},{"token":"c","logprob":-3}]}`
    expect(excessOf(`[${listOf(60_000, entry).join(",")}]`)).toBeUndefined()
  })

  it("stands in no more lists and objects than are allowed, where it is asked for how many", () => {
    const most = 30_000
    const text = (count: number) => `{"a":[${"[],{},".repeat((count - 2) / 2).slice(0, -1)}]}`
    expect(excessOf(text(most), most)).toBeUndefined()
    expect(excessOf(text(most + 2), most)).toBe(`made of more than ${most} lists and objects`)
    expect(excessOf(text(most + 2))).toBeUndefined()
    const warnings: Array<string> = []
    const written = text(maxContainers + 2)
    expect(parseArguments(written, "f", warnings)).toBe(written)
    expect(warnings.join()).toContain(`made of more than ${maxContainers} lists and objects`)
    expect(parseArguments(text(maxContainers), "f", [])).toHaveProperty("a")
  })

  it("are too many also where few keys stand in many different orders", () => {
    const text = `[${orders([..."abcdefgh"])
      .map((fields) => `{${fields}}`)
      .join(",")}]`
    expect(excessOf(text)).toBe(tooWide)
    const [open, close] = ["[".repeat(maxDepth - 2), "]".repeat(maxDepth - 2)]
    expect(excessOf(`${open}${text}${close}`)).toBe(tooWide)
  })

  it("are told from the strings of values", () => {
    expect(excessOf(`[${listOf(50_000, (place) => `"k${place}"`).join(",")}]`)).toBeUndefined()
    expect(excessOf(`{"a":${listOf(50_000, (place) => `["k${place}:"]`)}}`)).toBeUndefined()
    expect(excessOf(oneObject(1.1 * maxShapes).replaceAll(":", " \t\r\n: "))).toBe(tooWide)
  })

  it("make an answer and an event unreadable, and leave a tool call's arguments as text", () => {
    const text = `{"choices":${oneKeyEach(20_000)}}`
    const whole = readDocument(protocol, text)
    const message = expect.stringContaining(tooWide)
    expect(Result.isFailure(whole) && whole.failure).toMatchObject({ _tag: "Unreadable", message })
    expect(replay(protocol, [{ name: undefined, data: text }]).fault).toMatchObject({ _tag: "Unreadable", message })
    const call = { id: "c", function: { name: "f", arguments: oneObject(20_000) } }
    const body = { choices: [{ index: 0, message: { tool_calls: [call] }, finish_reason: "tool_calls" }] }
    const decoded = protocol.decode(body)
    const answer = Result.isSuccess(decoded) ? decoded.success : undefined
    expect(answer?.parts).toMatchObject([{ type: "tool-call", arguments: oneObject(20_000) }])
    expect(answer?.warnings).toEqual([
      `the arguments of the tool call "f" are ${tooWide}; they are kept as the text the model wrote`,
    ])
  })

  it("are counted in proportion to the length of the text", () => {
    using meter = new WorkMeter()
    const growth = growthOf(meter, (size) => excessOf(`[${'{"a":1,"bc":[2]},'.repeat(size)}1]`), 20_000)
    expect(growth).toBeLessThan(2.7)
  })
})

describe("any JSON within the limits", () => {
  it("is what JSON.parse makes of it, however much white space follows", () => {
    const property = fc.property(fc.json(), fc.boolean(), (text, isLong) => {
      const padded = isLong ? `${text}${" ".repeat(5 * maxShapes)}` : text
      expect(excessOf(padded)).toBeUndefined()
      expect(parseJson(padded)).toEqual(JSON.parse(text))
    })
    fc.assert(property, { numRuns: 300, seed: 20261126 })
  })
})

describe("JSON in pieces", () => {
  const closedAfter = (...pieces: ReadonlyArray<string>): ReadonlyArray<boolean> => {
    const nesting = new JsonNesting()
    return pieces.map((piece) => {
      nesting.add(piece)
      return nesting.isClosed
    })
  }

  it("is closed with the bracket that ends the object or list with which it began, and not before", () => {
    const text = fc.string({ unit: fc.constantFrom('"', "\\", "[", "]", "{", "}", "a"), maxLength: 6 })
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        text,
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(text, tie("value"), { maxKeys: 3 }),
      ),
    }))
    const whole = fc.oneof(fc.array(value), fc.dictionary(text, value)).map((one) => JSON.stringify(one))
    fc.assert(
      fc.property(whole, fc.nat(), (json, cut) => {
        const before = Array(json.length - 1).fill(false)
        expect(closedAfter(...json)).toEqual([...before, true])
        const at = cut % json.length
        expect(closedAfter(json.slice(0, at), json.slice(at))).toEqual([false, true])
      }),
    )
  })

  it("is not closed before it has begun, and never where it is a number or text", () => {
    expect(new JsonNesting().isClosed).toBe(false)
    expect(closedAfter("", " ", "1", '"{}"', "null")).toEqual([false, false, false, false, false])
  })
})
