/** A budget that is used up refuses what it would otherwise let go without a price. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Provider from "../../../src/call/Provider.ts"
import { withBudget } from "../../../src/policies/usage/Budget.ts"
import { ask, callNames } from "../Calls.ts"

describe.each(callNames)("a call (%s) at a price that is not known", (name) => {
  it.effect("is refused where what was told afterwards has used the budget up, until some is free again", () => {
    const layer = Provider.layer({
      name: "own",
      model: "m",
      generate: () => Effect.succeed({ parts: [], finishReason: "stop", billing: { costUsd: 0.6 } }),
    })
    return Effect.gen(function* () {
      yield* ask(name)
      yield* ask(name)
      const { reason } = yield* Effect.flip(ask(name))
      expect(reason).toMatchObject({ _tag: "BudgetExceededError", unit: "usd", limit: 1, used: 1.2 })
      expect(reason).not.toHaveProperty("estimate")
      yield* TestClock.adjust(reason._tag === "BudgetExceededError" ? (reason.retryAfterMs ?? 0) : 0)
      yield* ask(name)
    }).pipe(Effect.provide(layer.pipe(withBudget({ usd: 1, per: "1 hour", unpriced: "allow" }))))
  })
})
