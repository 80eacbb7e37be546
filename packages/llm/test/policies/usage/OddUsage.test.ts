/** What a provider of a program's own says that makes no sense: it gives no budget anything back, and spoils no account. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Provider from "../../../src/call/Provider.ts"
import { withBudget } from "../../../src/policies/usage/Budget.ts"
import { UsageLedger, withUsageLedger } from "../../../src/policies/usage/UsageLedger.ts"
import { ask, callNames, hello } from "../Calls.ts"

const oddNumbers: ReadonlyArray<number> = [-100_000, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]

describe.each(callNames)("a call (%s) whose provider tells an odd number", (name) => {
  it.effect.each(oddNumbers)("of tokens pays its estimate: %s", (totalTokens) => {
    const ledger = new UsageLedger()
    const layer = Provider.layer({
      name: "own",
      model: "m",
      generate: () => Effect.succeed({ parts: [], finishReason: "stop", usage: { totalTokens } }),
    })
    return Effect.gen(function* () {
      const outcomes = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
        Effect.result(ask(name, { ...hello, maxTokens: 400 })),
      )
      expect(outcomes.map(Result.isSuccess)).toEqual([true, true, false, false, false])
      expect(ledger.total.usage.totalTokens).toBe(0)
    }).pipe(Effect.provide(layer.pipe(withBudget({ tokens: 1000 }), withUsageLedger(ledger))))
  })

  it.effect.each(oddNumbers)("of dollars has no known cost: %s", (costUsd) => {
    const ledger = new UsageLedger()
    const layer = Provider.layer({
      name: "own",
      model: "m",
      generate: () =>
        Effect.succeed({ parts: [], finishReason: "stop", usage: { totalTokens: 5 }, billing: { costUsd } }),
    })
    return Effect.gen(function* () {
      const { metadata } = yield* ask(name)
      expect(metadata.costUsd).toBeNull()
      expect(ledger.total).toMatchObject({ costUsd: 0, unpriced: 1, usage: { totalTokens: 5 } })
    }).pipe(Effect.provide(layer.pipe(withUsageLedger(ledger))))
  })
})
