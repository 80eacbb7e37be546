/** Percentiles in bounded memory are within 1 % of the true ones. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { LatencyHistogram } from "../../../src/policies/usage/LatencyHistogram.ts"

it("every percentile is within 1 % of the latency that has its rank", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.02, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 300 }),
      (given) => {
        const histogram = new LatencyHistogram()
        for (const ms of given) histogram.add(ms)
        const sorted = given.toSorted((one, other) => one - other)
        const read = histogram.read()
        for (const [share, told] of [
          [0.5, read.p50Ms],
          [0.95, read.p95Ms],
          [0.99, read.p99Ms],
        ] as const) {
          const truth = sorted[Math.ceil(sorted.length * share) - 1] ?? 0
          expect(Math.abs(told / truth - 1)).toBeLessThan(0.01)
        }
        expect(read.count).toBe(given.length)
        expect(read.maxMs).toBe(sorted.at(-1))
      },
    ),
  )
})

it("takes what is no time for 0, and has zeros where nothing was added", () => {
  const histogram = new LatencyHistogram()
  expect(histogram.read()).toEqual({ count: 0, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 })
  for (const ms of [Number.NaN, -1, Number.POSITIVE_INFINITY]) histogram.add(ms)
  expect(histogram.read()).toMatchObject({ count: 3, meanMs: 0, p99Ms: 0, maxMs: 0 })
})

describe("latencies", () => {
  const of = (...latencies: ReadonlyArray<number>) => {
    const histogram = new LatencyHistogram()
    for (const ms of latencies) histogram.add(ms)
    return histogram
  }

  it("of which there are none are all 0", () => {
    expect(of().read()).toEqual({ count: 0, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 })
  })

  it("that are no time at all, or no number, count as 0", () => {
    const read = of(0, -5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY).read()
    expect(read).toEqual({ count: 5, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 })
    expect(of(0, 0, 100).read()).toMatchObject({ count: 3, meanMs: 100 / 3, p50Ms: 0, maxMs: 100 })
  })

  it("have a percentile that is no longer than the longest, and within 1 % of the true one", () => {
    const read = of(...Array.from({ length: 1000 }, (_, index) => 1000 - index)).read()
    expect([read.count, read.meanMs, read.maxMs]).toEqual([1000, 500.5, 1000])
    for (const [told, exact] of [
      [read.p50Ms, 500],
      [read.p95Ms, 950],
      [read.p99Ms, 990],
    ] as const)
      expect(Math.abs(told / exact - 1)).toBeLessThan(0.01)
    expect(of(101).read().p99Ms).toBeLessThanOrEqual(101)
  })

  it("are told apart from a hundredth of a millisecond to two years", () => {
    const year = 365 * 86_400_000
    for (const ms of [0.011, 0.5, 1, 1000, year]) expect(Math.abs(of(ms).read().p50Ms / ms - 1)).toBeLessThan(0.011)
    expect(of(0.009).read()).toMatchObject({ p50Ms: 0, maxMs: 0.009 })
    expect(of(1e13).read().p50Ms).toBeLessThan(1e11)
  })

  it("of two histograms together are as if one had had them all", () => {
    const [one, other] = [of(1, 10, 100), of(10, 1000)]
    one.addAll(other)
    expect(one.read()).toEqual(of(1, 10, 100, 10, 1000).read())
    const empty = of()
    empty.addAll(of(7, 7, 3))
    expect(empty.read()).toEqual(of(7, 7, 3).read())
    empty.addAll(of(1))
    expect(empty.read()).toEqual(of(7, 7, 3, 1).read())
  })
})
