import { expect, it } from "vitest"
import { type GrowthPoint, growsLinearly } from "../src/cases/GrowthCase.ts"
import { ratioInRounds } from "../src/report/Goals.ts"
import { leastRatio, median } from "../src/Statistics.ts"

const points = (ours: ReadonlyArray<number>): ReadonlyArray<GrowthPoint> =>
  [1, 10, 100].map((size, index) => ({
    size,
    perUnit: size,
    eachMicros: new Map([
      ["undici", [size * 5]],
      ["wiseflow", [ours[index] ?? 0]],
    ]),
  }))

it("takes the middle of an odd and of an even number of rounds", () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([9, 1, 5, 7])).toBe(6)
})

it("compares clients within each round, so that a slow round harms neither", () => {
  const measured = new Map([
    ["undici", [10, 100, 10]],
    ["wiseflow", [15, 150, 15]],
  ] as const)
  expect(ratioInRounds(measured, "wiseflow", "undici")).toBe(1.5)
})

it("sees a superlinear step, and calls linear growth linear", () => {
  expect(growsLinearly("pieces", points([10, 100, 1_000]), "wiseflow")).toBe(true)
  expect(growsLinearly("pieces", points([10, 100, 2_000]), "wiseflow")).toBe(false)
})

it("compares the starts of processes by the least time of each", () => {
  const measured = new Map([
    ["openai", [120, 100, 300]],
    ["ours", [50, 400, 60]],
  ])
  expect(leastRatio(measured, "ours", "openai")).toBe(0.5)
  expect(leastRatio(measured, "absent", "openai")).toBeNaN()
})
