/** Percentiles are those of the last 250 values, exactly. */
import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { RecentValues } from "../../../src/policies/traffic/RecentValues.ts"

const filled = (values: ReadonlyArray<number>) => {
  const recent = new RecentValues()
  for (const value of values) recent.add(value)
  return recent
}

describe("recent values", () => {
  it("have no percentile while there are none", () => {
    expect([filled([]).count, filled([]).percentile(0.5)]).toEqual([0, undefined])
  })

  it("have as percentile the least value that such a share of them does not exceed", () => {
    const hundred = filled(Array.from({ length: 100 }, (_, index) => 100 - index))
    expect([0, 0.01, 0.011, 0.5, 0.95, 0.99, 1].map((share) => hundred.percentile(share))).toEqual([
      1, 1, 2, 50, 95, 99, 100,
    ])
  })

  it.prop(
    "are the last 250, whatever they are and however often they come",
    { values: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))) },
    ({ values }) => {
      const many = Array.from({ length: 8 }, () => values).flat()
      const given = [...Array.from({ length: 245 }, (_, index) => index % 40), ...many]
      const recent = filled(given)
      const last = given.slice(-250).toSorted((one, other) => one - other)
      expect(recent.count).toBe(last.length)
      expect(last.map((_, index) => recent.percentile((index + 0.5) / last.length))).toEqual(last)
    },
  )
})
