/** The numbers of a retry budget, one by one; what they are good for is in `test/policies/RetryBudget.test.ts`. */
import { describe, expect, it } from "vitest"
import { LlmError } from "../../../src/model/LlmError.ts"
import * as RetryBudget from "../../../src/policies/mechanisms/RetryBudget.ts"
import { reasons } from "../Calls.ts"

const overloaded = new LlmError({ reason: reasons.OverloadedError(), provider: "p", attempts: [] })

const limited = new LlmError({ reason: reasons.RateLimitError(), provider: "p", attempts: [] })

/** How many retries a budget gives while each of them fails. */
const retriesOf = (budget: RetryBudget.RetryBudget): number => {
  for (let retries = 0; ; retries++) {
    budget.failed(overloaded, retries)
    if (!budget.take()) return retries
  }
}

/** A budget whose retries all failed. */
const drained = (): RetryBudget.RetryBudget => {
  const budget = RetryBudget.make()
  retriesOf(budget)
  return budget
}

const succeeding = (budget: RetryBudget.RetryBudget, count: number, taken = 0) => {
  for (let call = 0; call < count; call++) budget.succeeded(taken)
}

describe("a retry budget", () => {
  it("gives a hundred retries while nothing succeeds, and no more", () => {
    const budget = RetryBudget.make()
    expect(retriesOf(budget)).toBe(100)
    expect(budget.isOpen()).toBe(false)
    expect(budget.take()).toBe(false)
  })

  it("gains a fifth of a retry with each call that succeeds at once", () => {
    const four = drained()
    succeeding(four, 4)
    expect(four.isOpen()).toBe(false)
    const five = drained()
    succeeding(five, 5)
    expect(retriesOf(five)).toBe(1)
  })

  it("gets back what the retries of a call took that succeeded in the end", () => {
    const budget = drained()
    succeeding(budget, 1, 3)
    expect(retriesOf(budget)).toBe(3)
  })

  it("never holds more than a hundred, however much has succeeded", () => {
    const budget = RetryBudget.make()
    succeeding(budget, 10_000)
    succeeding(budget, 100, 3)
    expect(retriesOf(budget)).toBe(100)
  })

  it("owes nothing for retries that it gave while most attempts succeeded", () => {
    const budget = RetryBudget.make()
    for (let retry = 0; retry < 300; retry++) expect(budget.take()).toBe(true)
    for (let call = 0; call < 100; call++) budget.failed(overloaded, 0)
    expect(budget.isOpen()).toBe(false)
    succeeding(budget, 5)
    expect(budget.isOpen()).toBe(true)
  })

  it("is open though it is empty, once most attempts succeed again", () => {
    const budget = drained()
    succeeding(budget, 200)
    for (let retry = 0; retry < 60; retry++) expect(budget.take()).toBe(true)
  })

  it("takes being told to come back later for no outage, but being told so again", () => {
    const budget = RetryBudget.make()
    for (let retry = 0; retry < 100; retry++) budget.take()
    for (let call = 0; call < 500; call++) budget.failed(limited, 0)
    expect(budget.isOpen()).toBe(true)
    for (let call = 0; call < 100; call++) budget.failed(limited, 1)
    expect(budget.isOpen()).toBe(false)
  })

  it("is each model's own, and that of the model used least recently is forgotten after a thousand others", () => {
    const budgetOf = RetryBudget.byModel()
    const first = budgetOf("first")
    const second = budgetOf("second")
    expect(second).not.toBe(first)
    for (let other = 0; other < 998; other++) budgetOf(`other-${other}`)
    expect(budgetOf("first")).toBe(first)
    budgetOf("one too many")
    expect(budgetOf("first")).toBe(first)
    expect(budgetOf("second")).not.toBe(second)
  })

  it("is forgotten for a new model alone, however often a known one is asked", () => {
    const budgetOf = RetryBudget.byModel()
    const all = Array.from({ length: 1000 }, (_, place) => budgetOf(`model-${place}`))
    for (let turn = 0; turn < 3; turn++) budgetOf("model-999")
    for (const [place, budget] of all.entries()) expect(budgetOf(`model-${place}`)).toBe(budget)
    budgetOf("one too many")
    expect(budgetOf("model-1")).toBe(all[1])
    expect(budgetOf("model-0")).not.toBe(all[0])
  })
})
