/** A request is paced before it is checked: one whose limit of output tokens is not a number must not change the pace of others. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { withRateLimit } from "../../../src/policies/traffic/RateLimit.ts"
import { outputLimit } from "../../../src/policies/traffic/TokenEstimate.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { ask, callNames, hello } from "../Calls.ts"

const odd = [Number.NaN, "lots", {}, -5, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]

it.each(odd)("a limit of %s counts as none", (maxTokens) => {
  expect(outputLimit({ maxTokens }, 1000)).toBe(1000)
  expect(outputLimit({ maxTokens: 7 }, 1000)).toBe(7)
})

describe.each(callNames)("the pace of %s", (name) => {
  it.effect.each(odd)("goes on after a request with maxTokens %s, which is refused", (maxTokens) =>
    Effect.gen(function* () {
      const wrong = JSON.parse(JSON.stringify(hello))
      const refused = yield* Effect.forkChild(Effect.flip(ask(name, { ...wrong, maxTokens })))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(refused)).reason._tag).toBe("InvalidRequestError")
      const next = yield* Effect.forkChild(ask(name, { ...hello, maxTokens: 5 }))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(next)).text).toBe("hi")
    }).pipe(Effect.provide(Scripted.layer(["hi"]).pipe(withRateLimit({ tpm: 1000 }), withRateLimit({ rpm: 100 })))),
  )
})
