/** JSON that is read while it is written. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { maxPlainValues } from "../../src/protocols/Limits.ts"
import { PartialJson } from "../../src/tools/PartialJson.ts"

const snapshots = (pieces: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const json = new PartialJson()
  return pieces.map((piece) => {
    json.push(piece)
    return json.snapshot()
  })
}

const lastOf = (text: string): unknown => snapshots([text]).at(-1)

describe("a value that is being written", () => {
  it.each<readonly [string, unknown]>([
    ["", undefined],
    ["Here it is: ", undefined],
    ["{", {}],
    ['{"na', {}],
    ['{"name"', {}],
    ['{"name":', {}],
    ['{"name":"A', { name: "A" }],
    ['{"name":"A\\', { name: "A" }],
    ['{"name":"A\\u00', { name: "A" }],
    ['{"name":"A\\u00e9\\n"', { name: "Aé\n" }],
    ['{"n":12', {}],
    ['{"n":12.', {}],
    ['{"n":12.5}', { n: 12.5 }],
    ['{"n":-1e3,', { n: -1000 }],
    ['{"yes":tr', {}],
    ['{"yes":true,"no":nul', { yes: true }],
    ["[[1,2],[3", [[1, 2], []]],
    ['[{"a":{"b":["x', [{ a: { b: ["x"] } }]],
    ['```json\n{"a":1}\n```', { a: 1 }],
    ['{"__proto__":{"x":1}}', JSON.parse('{"__proto__":{"x":1}}')],
  ])("of %j is %j so far", (text, expected) => {
    expect(lastOf(text)).toEqual(expected)
  })

  it("is the whole value at its end, however it is cut, and grows by what is certain", () => {
    fc.assert(
      fc.property(fc.oneof(fc.object(), fc.array(fc.jsonValue())), fc.array(fc.nat(200)), (given, cuts) => {
        const text = JSON.stringify(given)
        const places = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b)
        const pieces = [...places, text.length].map((place, index) => text.slice(places[index - 1] ?? 0, place))
        const seen = snapshots(pieces)
        expect(seen.at(-1)).toEqual(JSON.parse(text))
      }),
    )
  })

  it("gives snapshots that do not change afterwards", () => {
    const pieces = [...'{"a":[{"b":"xy"},[1,2],"z"],"c":{"d":"e"}}']
    const json = new PartialJson()
    const seen: Array<readonly [unknown, string]> = []
    for (const piece of pieces) {
      json.push(piece)
      const snapshot = json.snapshot()
      if (snapshot !== undefined) seen.push([snapshot, JSON.stringify(snapshot)])
    }
    for (const [snapshot, text] of seen) expect(JSON.stringify(snapshot)).toBe(text)
    expect(seen.length).toBeGreaterThan(20)
  })

  it("copies no more than a bound for each character, however long the list", () => {
    const json = new PartialJson()
    json.push("[")
    let copied = 0
    const count = maxPlainValues - 2
    for (let item = 0; item < count; item++) {
      json.push("1,")
      const snapshot = json.snapshot()
      if (Array.isArray(snapshot)) copied += snapshot.length
    }
    expect(copied).toBeLessThan(count * 2 * 64 + count * 257)
    json.push("1]")
    expect(json.snapshot()).toHaveLength(count + 1)
  })

  it.each(["1,", '"a",', "{},", "[],"])("is followed no further than it may be checked: %s", (item) => {
    const json = new PartialJson()
    json.push(`[${item.repeat(maxPlainValues - 1)}`)
    expect(json.snapshot()).toHaveLength(maxPlainValues - 1)
    expect(json.isOver).toBe(false)
    json.push(item)
    expect(json.isOver).toBe(true)
    expect(json.snapshot()).toBeUndefined()
  })

  it("is never a defect, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0a1-tn ') })), (pieces) => {
        expect(() => snapshots(pieces)).not.toThrow()
      }),
    )
  })
})
