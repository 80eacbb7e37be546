/** Settings that cannot be meant, as a program without types may write them: a typed error at once, and no request. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, callNames } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

/** What a setting read from somewhere may be. */
const untyped = (value: unknown): any => value

const mistakes = [
  ["withConcurrency", "0", () => withConcurrency(0)],
  ["withConcurrency", "-1", () => withConcurrency(-1)],
  ["withConcurrency", "NaN", () => withConcurrency(Number.NaN)],
  ["withConcurrency", "0.5", () => withConcurrency(0.5)],
  ["withRetry", "-1", () => withRetry({ times: -1 })],
  ["withRetry", "NaN", () => withRetry({ times: Number.NaN })],
  ["withRetry", "1.5", () => withRetry({ times: 1.5 })],
  ["withTimeout", "soon", () => withTimeout(untyped("soon"))],
  ["withTimeout", "idle", () => withTimeout({ total: "1 second", idle: untyped("later") })],
  ["withCircuitBreaker", "openFor", () => withCircuitBreaker({ openFor: untyped("long") })],
] as const

describe.each(callNames)("%s behind a policy with a setting that cannot be meant", (name) => {
  it.effect.each(mistakes)("%s of %s is a ConfigurationError, and nothing is sent", ([policy, wrong, make]) => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      const error = yield* Effect.flip(ask(name))
      expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: policy })
      expect(error.message).toContain(wrong)
      expect(upstream.asked).toEqual([])
    }).pipe(Effect.provide(upstream.layer.pipe(make())))
  })
})
