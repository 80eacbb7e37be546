/** The durations of settings: what is one, what is in a range, and what is said of the rest. */
import * as Duration from "effect/Duration"
import { describe, expect, it } from "vitest"
import { durationProblem, millisWithin } from "../../src/policies/DurationRange.ts"

const never = Number.POSITIVE_INFINITY

describe("a duration", () => {
  it.each<readonly [unknown, number]>([
    [5, 5],
    ["2 seconds", 2000],
    [Duration.minutes(1), 60_000],
    [{ seconds: 2 }, 2000],
    [[1, 500_000_000], 1500],
    [5_000_000n, 5],
    ["Infinity", never],
    [Duration.infinity, never],
  ])("%s is %s ms", (input, ms) => {
    expect(millisWithin(input, "above 0")).toBe(ms)
    expect(durationProblem(input, "above 0")).toBeUndefined()
  })

  it.each<unknown>(["soon", "5", null, true, {}, { second: 5 }, { seconds: Number.NaN }, Number.NaN, -1])(
    "%j is not one that a setting may have",
    (input) => {
      expect(millisWithin(input, "above 0")).toBeUndefined()
    },
  )

  it("that throws where it is read is wrong", () => {
    const seconds = () => {
      throw new Error("unreadable")
    }
    expect(
      durationProblem(Object.defineProperty({}, "seconds", { enumerable: true, get: seconds }), "above 0"),
    ).toContain("an object")
  })

  it.each([
    ["0 or more", [0, 1, never]],
    ["above 0", [1, never]],
    ["0 or more and finite", [0, 1]],
    ["above 0 and finite", [1]],
  ] as const)("in the range %s is one of %j", (range, within) => {
    const all = [-never, -1, 0, 1, never]
    expect(all.filter((input) => millisWithin(input, range) !== undefined)).toEqual(within)
  })

  it("that is wrong is told with its range, its value and an example", () => {
    expect(durationProblem(0, "above 0 and finite")).toBe(
      'must be a duration, above 0 and finite, not 0: write for example "10 seconds", or milliseconds',
    )
  })
})
