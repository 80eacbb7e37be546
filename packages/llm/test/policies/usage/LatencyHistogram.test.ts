/** Percentiles in bounded memory are within 1 % of the true ones. */
import * as fc from "fast-check"
import { expect, it } from "vitest"
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
