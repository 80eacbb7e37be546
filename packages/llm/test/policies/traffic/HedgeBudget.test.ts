/** What second requests may cost: saved up by answers, at most ten, reserved before one is sent, and corrected after it. */
import { describe, expect, it } from "@effect/vitest"
import { HedgeBudget, type HedgeLimits, sharing, wrongLimit } from "../../../src/policies/traffic/HedgeBudget.ts"

const earned = (answers: number, limits?: HedgeLimits) => {
  const budget = new HedgeBudget(limits)
  for (let index = 0; index < answers; index++) budget.answered()
  return budget
}

/** How many second requests a budget lets go, one after the other. */
const taken = (budget: HedgeBudget, costUsd?: number) => {
  let count = 0
  while (count < 1000 && budget.take(costUsd)) count += 1
  return count
}

describe("a hedge budget", () => {
  it.each([
    [19, undefined, 0],
    [20, undefined, 1],
    [39, undefined, 1],
    [40, undefined, 2],
    [4, 0.25, 1],
    [3, 0.25, 0],
    [5, 1, 5],
    [10, 1, 10],
    [1000, 1, 10],
    [1000, undefined, 10],
  ])("of %i answers, of which each earns %s, lets %i second requests go", (answers, maxRequests, expected) => {
    expect(taken(earned(answers, { maxRequests }))).toBe(expected)
  })

  it("counts a repeated second request as another one, though none is left", () => {
    const budget = earned(2, { maxRequests: 1 })
    expect(budget.take(1)).toBe(true)
    budget.spend(1)
    budget.spend(1)
    expect(budget.spentUsd).toBe(3)
    budget.answered()
    expect(budget.take(1)).toBe(false)
    budget.answered()
    expect(budget.take(1)).toBe(true)
  })

  it("gets back what was not sent, with its money, and never more than ten", () => {
    const budget = earned(10, { maxRequests: 1, maxCostUsd: 1 })
    expect(taken(budget, 1)).toBe(1)
    budget.giveBack(1)
    expect(budget.spentUsd).toBe(0)
    budget.giveBack(undefined)
    expect([taken(budget, 0), budget.spentUsd]).toEqual([10, 0])
  })

  it("replaces what was reserved by what a second request cost", () => {
    const budget = earned(3, { maxRequests: 1, maxCostUsd: 1 })
    expect([budget.take(0.75), budget.take(0.5), budget.spentUsd]).toEqual([true, false, 0.75])
    budget.settle(0.75, 0.25)
    expect([budget.spentUsd, budget.take(0.75), budget.spentUsd]).toEqual([0.25, true, 1])
    budget.settle(undefined, 0.5)
    expect(budget.spentUsd).toBe(1.5)
  })

  it("of money lets all of it be spent, and no cent more", () => {
    expect(taken(earned(10, { maxRequests: 1, maxCostUsd: 0.5 }), 0.125)).toBe(4)
    expect(taken(earned(10, { maxRequests: 1, maxCostUsd: 0 }), 0.125)).toBe(0)
    expect(taken(earned(10, { maxRequests: 1, maxCostUsd: 0 }), 0)).toBe(10)
  })

  it("of a share of money lets as much go as first requests have cost by then", () => {
    const budget = earned(10, { maxRequests: 1, maxCostShare: 0.5 })
    expect(budget.take(0.25)).toBe(false)
    budget.paid(0.25)
    expect(budget.take(0.25)).toBe(false)
    budget.paid(0.25)
    expect([budget.take(0.25), budget.take(0.25)]).toEqual([true, false])
  })

  it("holds both limits on money where both are set", () => {
    const least = (limits: HedgeLimits) => {
      const budget = earned(10, { maxRequests: 1, ...limits })
      budget.paid(1)
      return taken(budget, 0.125)
    }
    expect([
      least({ maxCostUsd: 0.25, maxCostShare: 1 }),
      least({ maxCostUsd: 1, maxCostShare: 0.25 }),
      least({ maxCostShare: 0.25 }),
      least({ maxCostUsd: 0.25 }),
    ]).toEqual([2, 2, 2, 2])
  })

  it("lets nothing go at an unknown price where money is limited, and all where it is not", () => {
    expect(taken(earned(5, { maxRequests: 1 }))).toBe(5)
    expect(taken(earned(5, { maxRequests: 1, maxCostUsd: 100 }))).toBe(0)
    expect(taken(earned(5, { maxRequests: 1, maxCostShare: 1 }))).toBe(0)
  })

  it("is one for everything that gets the same options, and stays the one that they name", () => {
    const budget = new HedgeBudget({ maxCostUsd: 1 })
    expect(sharing({ budget }).budget).toBe(budget)
    const shared = sharing({ maxCostUsd: 2, after: "p99" })
    expect(shared).toMatchObject({ maxCostUsd: 2, after: "p99", budget: { limits: { maxCostUsd: 2 } } })
  })
})

const untyped = (value: unknown): any => value

it.each([
  [{}, undefined],
  [{ maxRequests: 0.001, maxCostUsd: 0, maxCostShare: 0 }, undefined],
  [{ maxRequests: 1, maxCostUsd: 5, maxCostShare: 2 }, undefined],
  [{ maxCostUsd: Number.POSITIVE_INFINITY }, undefined],
  [{ maxRequests: 0 }, "maxRequests must be a share above 0 and up to 1, not 0"],
  [{ maxRequests: 1.001 }, "maxRequests must be a share above 0 and up to 1, not 1.001"],
  [{ maxRequests: untyped("0.5") }, "maxRequests must be a share above 0 and up to 1"],
  [{ maxRequests: Number.NaN }, "maxRequests must be a share"],
  [{ maxCostUsd: -0.01 }, "maxCostUsd must be a number, 0 or more, not -0.01"],
  [{ maxCostUsd: Number.NaN }, "maxCostUsd must be a number"],
  [{ maxCostUsd: untyped("5") }, "maxCostUsd must be a number"],
  [{ maxCostUsd: 1, maxCostShare: -1 }, "maxCostShare must be a number, 0 or more, not -1"],
] satisfies ReadonlyArray<readonly [HedgeLimits, string | undefined]>)("limits of %j: %s", (limits, expected) => {
  if (expected === undefined) expect(wrongLimit(limits)).toBeUndefined()
  else expect(wrongLimit(limits)).toContain(expected)
})
