/** Settings of shared policies that no store could keep: the Layer fails, and no store is asked. */
import { assert, describe, it } from "@effect/vitest"
import { Scripted } from "@wiseflow/llm/testing"
import { SharedStore, withSharedBudget, withSharedCircuitBreaker, withSharedRateLimit } from "@wiseflow/llm-cluster"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const key = "shared"

/** Nothing listens there. */
const store = SharedStore.layer({ url: "redis://127.0.0.1:1" })

describe("a shared policy with a wrong duration", () => {
  it.live.each([
    ["per must be a duration, above 0 and finite, not 0", withSharedBudget({ key, usd: 1, per: 0 })],
    ["per must be a duration, above 0 and finite", withSharedBudget({ key, usd: 1, per: Infinity })],
    ["per must be a duration, above 0 and finite, not -1", withSharedRateLimit({ key, requests: 1, per: -1 })],
    ["maxWait must be a duration, 0 or more, not -1", withSharedRateLimit({ key, requests: 1, maxWait: -1 })],
    ["openFor must be a duration, above 0 and finite", withSharedCircuitBreaker({ key, openFor: Infinity })],
  ] as const)("is refused: %s", ([problem, policy]) =>
    Effect.gen(function* () {
      const stack = Scripted.layer(["never"]).pipe(policy, Layer.provide(store))
      const error = yield* Effect.flip(Effect.scoped(Layer.build(stack)))
      assert.include(error.message, problem)
    }),
  )
})
