/** Those who stand in a line, beside an array of them. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Line, type Standing } from "../../src/model/Line.ts"

describe("a line", () => {
  it("keeps the order in which its members came, whichever of them leave", () => {
    const moves = fc.array(fc.oneof(fc.constant("add"), fc.constant("shift"), fc.nat(20)), { maxLength: 60 })
    fc.assert(
      fc.property(moves, (steps) => {
        const line = new Line<number>()
        const places: Array<Standing<number>> = []
        let expected: ReadonlyArray<number> = []
        steps.forEach((step, value) => {
          if (step === "add") {
            places.push(line.add(value))
            expected = [...expected, value]
          } else if (step === "shift") {
            expect(line.shift()).toBe(expected[0])
            expected = expected.slice(1)
          } else {
            const place = places[step]
            if (place === undefined) return
            const wasIn = expected.includes(place.value)
            expect(line.has(place)).toBe(wasIn)
            expect(line.remove(place)).toBe(wasIn)
            expected = expected.filter((one) => one !== place.value)
          }
          expect([...line]).toEqual(expected)
          expect(line.head).toBe(expected[0])
          expect(line.size).toBe(expected.length)
        })
      }),
      { numRuns: 300 },
    )
  })

  it("keeps nothing of who has left", () => {
    const line = new Line<string>()
    const [one, two, three] = [line.add("one"), line.add("two"), line.add("three")]
    line.remove(two)
    line.remove(one)
    line.remove(three)
    for (const place of [one, two, three]) expect([place.before, place.after]).toEqual([undefined, undefined])
    expect([...line]).toEqual([])
  })
})
