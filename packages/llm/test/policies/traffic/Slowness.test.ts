/** Slowness: how many times the usual latency answers take, of each model by its own, and when the limit is the cause. */
import { describe, expect, it } from "vitest"
import { Slowness } from "../../../src/policies/traffic/Slowness.ts"

/** Many answers of one latency; gives what was told with each. */
const answers = (
  slowness: Slowness,
  count: number,
  ms: number,
  { isUsed = false, limit = 1, model = "m" }: { isUsed?: boolean; limit?: number; model?: string } = {},
) => Array.from({ length: count }, () => slowness.add(model, ms, limit, isUsed))

/** One that knows a usual latency of 100 ms. */
const learnt = (model = "m") => {
  const slowness = new Slowness()
  answers(slowness, 20, 100, { model })
  return slowness
}

/** What forty answers of 100 ms are taken for: 100 ms by the usual latency. */
const usualOf = (slowness: Slowness) => 100 / (answers(slowness, 40, 100, { isUsed: true }).at(-1) ?? Number.NaN)

const silence = (count: number) => Array.from({ length: count }, () => undefined)

describe("slowness", () => {
  it("is told with the fortieth answer after the twenty from which the usual latency is learnt", () => {
    const slowness = new Slowness()
    expect(answers(slowness, 20, 100)).toEqual(silence(20))
    expect(answers(slowness, 40, 250)).toEqual([...silence(39), 2.5])
  })

  it.each([
    [1, 40],
    [40, 40],
    [41, 41],
    [99, 99],
    [100, 100],
    [500, 100],
  ])("under a limit of %i is told after %i answers", (limit, count) => {
    expect(answers(learnt(), count, 200, { limit })).toEqual([...silence(count - 1), 2])
  })

  it("is relative to the median of the first twenty", () => {
    const slowness = new Slowness()
    for (const ms of [1000, 5, 1000, 5]) answers(slowness, 4, ms)
    answers(slowness, 2, 90)
    answers(slowness, 2, 110)
    expect(answers(slowness, 40, 200).at(-1)).toBe(2)
  })

  it("is the median of what is judged together, of an odd number as of an even one", () => {
    const even = learnt()
    answers(even, 20, 300)
    expect(answers(even, 20, 100).at(-1)).toBe(2)
    const odd = learnt()
    answers(odd, 20, 1000, { limit: 41 })
    answers(odd, 20, 10, { limit: 41 })
    expect(answers(odd, 1, 300, { limit: 41 })).toEqual([3])
  })

  it("is nothing where a model answers in no time", () => {
    const slowness = new Slowness()
    expect(answers(slowness, 100, 0)).toEqual(silence(100))
  })

  it("is that of each model by its own usual latency", () => {
    const slowness = learnt("fast")
    answers(slowness, 20, 10_000, { model: "slow" })
    answers(slowness, 20, 200, { model: "fast" })
    expect(answers(slowness, 20, 20_000, { model: "slow" }).at(-1)).toBe(2)
  })

  it("begins anew after it was told", () => {
    const slowness = learnt()
    answers(slowness, 40, 500, { isUsed: true })
    expect(answers(slowness, 40, 104, { isUsed: true })).toEqual([...silence(39), 1])
  })

  it.each([
    [1, 20],
    [20, 20],
    [21, 21],
    [150, 150],
  ])("after a change of the limit to %i passes over the first %i answers, and what came before", (limit, skipped) => {
    const slowness = learnt()
    answers(slowness, 39, 1000)
    slowness.reset(limit, undefined)
    expect(answers(slowness, skipped + 40, 100)).toEqual([...silence(skipped + 39), 1])
  })
})

describe("the usual latency", () => {
  it.each([
    ["by a hundredth to slower answers of a limit that is used", 200, true, 101],
    ["by a tenth to slower answers of one that is not", 200, false, 110],
    ["by a tenth to faster answers", 50, true, 95],
    ["not at all where answers are as they are", 100, false, 100],
  ])("moves %s", (_, ms, isUsed, expected) => {
    const slowness = learnt()
    answers(slowness, 40, ms, { isUsed })
    expect(usualOf(slowness)).toBeCloseTo(expected, 6)
  })

  it("counts a limit as used where one answer together with the others says so", () => {
    const slowness = learnt()
    answers(slowness, 39, 200)
    answers(slowness, 1, 200, { isUsed: true })
    expect(usualOf(slowness)).toBeCloseTo(101, 6)
    // What was used before a change, or among others, says nothing of these.
    const other = learnt()
    answers(other, 40, 100, { isUsed: true })
    answers(other, 40, 200)
    expect(usualOf(other)).toBeCloseTo(110, 6)
    const third = learnt()
    answers(third, 1, 100, { isUsed: true })
    third.reset(1, undefined)
    answers(third, 60, 200)
    expect(usualOf(third)).toBeCloseTo(110, 6)
  })

  it("moves with the share that a model has of the answers", () => {
    const slowness = learnt("m")
    answers(slowness, 20, 100, { model: "other" })
    answers(slowness, 10, 200, { model: "m" })
    answers(slowness, 30, 100, { model: "other" })
    expect(usualOf(slowness)).toBeCloseTo(100 + 100 * 0.25 * 0.1, 6)
  })

  /** After the limit was decreased to 70 % because answers took twice as long: what it is, where they now take `ms`. */
  const afterDecrease = (ms: number) => {
    const slowness = learnt()
    slowness.reset(1, { slowness: 2, share: 0.7 })
    answers(slowness, 60, ms, { isUsed: true })
    return slowness
  }

  it("is corrected by most of the difference where a decrease of the limit helped little", () => {
    // As many times faster as three parts of no change and one of the decrease: below 2 * 3.7 / 4.
    expect(usualOf(afterDecrease(186))).toBeCloseTo(100 + 86 * 0.75, 6)
    expect(usualOf(afterDecrease(185))).toBeCloseTo(100 + 85 * 0.75, 6)
    expect(usualOf(afterDecrease(184))).toBeCloseTo(100 + 84 * 0.01, 6)
  })

  it("is corrected by most of the difference where answers are faster than usual after a decrease", () => {
    expect(usualOf(afterDecrease(60))).toBeCloseTo(100 - 40 * 0.75, 6)
  })

  it("is corrected once for a decrease", () => {
    const slowness = afterDecrease(200)
    answers(slowness, 40, 275, { isUsed: true })
    expect(usualOf(slowness)).toBeCloseTo(175 + 1, 6)
  })
})
