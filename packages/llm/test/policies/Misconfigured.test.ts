/** Invalid settings of policies, as a program without types may write them: the Layer fails, and nothing is sent. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { withCache } from "../../src/policies/cache/Cache.ts"
import * as CacheStore from "../../src/policies/cache/CacheStore.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withAdaptiveConcurrency } from "../../src/policies/traffic/AdaptiveConcurrency.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { type BalanceOptions, type Deployment, withBalance } from "../../src/policies/balance/Balance.ts"
import { withHedge } from "../../src/policies/traffic/Hedge.ts"
import { withRateLimit } from "../../src/policies/traffic/RateLimit.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import type { Policy } from "../../src/policies/Policy.ts"
import type { LlmError } from "../../src/model/LlmError.ts"
import { withBudget } from "../../src/policies/usage/Budget.ts"
import { Upstream } from "./Upstream.ts"

/** What a setting read from somewhere may be. */
const untyped = (value: unknown): any => value

/** A balance of two deployments of one layer, the second with these settings. */
const balanced =
  (second: Partial<Omit<Deployment, "layer">>, options: BalanceOptions = {}): Policy<LlmError> =>
  (layer) =>
    withBalance(
      [
        { name: "a", layer },
        { name: "b", layer, ...second },
      ],
      options,
    )

const mistakes = [
  ["withAdaptiveConcurrency", "min", () => withAdaptiveConcurrency({ min: 0 })],
  ["withAdaptiveConcurrency", "max", () => withAdaptiveConcurrency({ max: 1.5 })],
  ["withAdaptiveConcurrency", "initial", () => withAdaptiveConcurrency({ min: 3, initial: 2 })],
  ["withAdaptiveConcurrency", "initial", () => withAdaptiveConcurrency({ min: 3, max: 2 })],
  ["withAdaptiveConcurrency", "initial", () => withAdaptiveConcurrency({ max: 5, initial: 9 })],
  ["withAdaptiveConcurrency", "tolerance", () => withAdaptiveConcurrency({ tolerance: 1 })],
  ["withAdaptiveConcurrency", "there is no option maximum", () => withAdaptiveConcurrency(untyped({ maximum: 5 }))],
  ["withConcurrency", "0", () => withConcurrency(0)],
  ["withConcurrency", "-1", () => withConcurrency(-1)],
  ["withConcurrency", "NaN", () => withConcurrency(Number.NaN)],
  ["withConcurrency", "0.5", () => withConcurrency(0.5)],
  ["withCache", "ttl", () => withCache({ ttl: untyped("a while") })],
  ["withCache", "storeTimeout", () => withCache({ storeTimeout: untyped("soon") })],
  ["withCache", "ttl must be a duration, above 0, not 0", () => withCache({ ttl: 0 })],
  ["withCache", "storeTimeout must be a duration, above 0, not 0", () => withCache({ storeTimeout: 0 })],
  ["withCache", "maxEntries", () => withCache({ maxEntries: 0 })],
  ["withCache", "maxBytes", () => withCache({ maxBytes: Number.NaN })],
  ["withCache", "leave it out", () => withCache({ store: CacheStore.memory(), maxEntries: 5 })],
  ["withRateLimit", "there is no option rps", () => withRateLimit(untyped({ rps: 5 }))],
  ["withRateLimit", "rpm", () => withRateLimit({ rpm: 0 })],
  ["withRateLimit", "tpm", () => withRateLimit({ tpm: Number.NaN })],
  ["withRateLimit", "outputTokens", () => withRateLimit({ outputTokens: -1 })],
  ["withRateLimit", "maxWait", () => withRateLimit({ maxWait: untyped("a while") })],
  ["withRateLimit", "maxWait must be a duration, 0 or more, not -1", () => withRateLimit({ maxWait: -1 })],
  ["withRateLimit", "maxWait must be a duration", () => withRateLimit({ maxWait: untyped({ second: 5 }) })],
  ["withBalance", "deployments[1].name", () => balanced({ name: "a" })],
  ["withBalance", "deployments[1].name", () => balanced({ name: untyped(7) })],
  ["withBalance", "deployments[1].weight", () => balanced({ weight: 0 })],
  ["withBalance", "deployments[1].weight", () => balanced({ weight: untyped("much") })],
  ["withBalance", "deployments[1].concurrency", () => balanced({ concurrency: 0.5 })],
  ["withBalance", "deployments[1].rpm", () => balanced({ rpm: -1 })],
  ["withBalance", "deployments[1].tpm", () => balanced({ tpm: Number.NaN })],
  ["withBalance", "strategy", () => balanced({}, { strategy: untyped("fair") })],
  ["withBalance", "maxTries", () => balanced({}, { maxTries: 0 })],
  ["withBalance", "stickyBy", () => balanced({}, { stickyBy: untyped("user") })],
  ["withBalance", "failures", () => balanced({}, { failures: 1.5 })],
  ["withBalance", "openFor", () => balanced({}, { openFor: untyped("long") })],
  ["withBalance", "quotaPause", () => balanced({}, { quotaPause: untyped("long") })],
  ["withBalance", "openFor must be a duration, 0 or more and finite", () => balanced({}, { openFor: Infinity })],
  ["withBalance", "quotaPause must be a duration, 0 or more and finite", () => balanced({}, { quotaPause: -1 })],
  ["withHedge", "after", () => withHedge({ after: untyped("soon") })],
  ["withHedge", "p100", () => withHedge({ after: "p100" })],
  ["withHedge", "Infinity", () => withHedge({ after: Infinity })],
  ["withHedge", "after", () => withHedge({ after: untyped({ second: 5 }) })],
  ["withHedge", "budget", () => withHedge({ budget: untyped({}) })],
  ["withHedge", "samples", () => withHedge({ samples: 0 })],
  ["withHedge", "maxRequests", () => withHedge({ maxRequests: 0 })],
  ["withHedge", "maxRequests", () => withHedge({ maxRequests: 1.5 })],
  ["withHedge", "maxCostUsd", () => withHedge({ maxCostUsd: -1 })],
  ["withHedge", "maxCostShare", () => withHedge({ maxCostShare: Number.NaN })],
  ["withRetry", "-1", () => withRetry({ times: -1 })],
  ["withRetry", "NaN", () => withRetry({ times: Number.NaN })],
  ["withRetry", "1.5", () => withRetry({ times: 1.5 })],
  ["withTimeout", "soon", () => withTimeout(untyped("soon"))],
  ["withTimeout", "idle", () => withTimeout({ total: "1 second", idle: untyped("later") })],
  ["withTimeout", "total must be a duration, above 0, not 0", () => withTimeout(0)],
  ["withTimeout", "total must be a duration, above 0, not NaN", () => withTimeout(Number.NaN)],
  ["withTimeout", "total must be a duration, above 0, not an object", () => withTimeout(untyped({ totl: "1 second" }))],
  ["withTimeout", "queue must be a duration, above 0, not -5", () => withTimeout({ queue: -5 })],
  ["withTimeout", "idle must be a duration, above 0", () => withTimeout({ total: "1 second", idle: "-Infinity" })],
  ["withCircuitBreaker", "failures", () => withCircuitBreaker({ failures: 0 })],
  ["withCircuitBreaker", "rate", () => withCircuitBreaker({ rate: 2 })],
  ["withCircuitBreaker", "rate", () => withCircuitBreaker({ rate: 0 })],
  ["withCircuitBreaker", "calls", () => withCircuitBreaker({ calls: 1.5 })],
  ["withCircuitBreaker", "window", () => withCircuitBreaker({ window: untyped("long") })],
  ["withCircuitBreaker", "window must be a duration, above 0, not 0", () => withCircuitBreaker({ window: 0 })],
  ["withCircuitBreaker", "openFor must be a duration, 0 or more", () => withCircuitBreaker({ openFor: "-1 seconds" })],
  ["withCircuitBreaker", "quotaPause must be a duration", () => withCircuitBreaker({ quotaPause: "Infinity" })],
  ["withCircuitBreaker", "quotaPause", () => withCircuitBreaker({ quotaPause: untyped("long") })],
  ["withBudget", "usd or tokens", () => withBudget({})],
  ["withBudget", "usd", () => withBudget({ usd: 0 })],
  ["withBudget", "NaN", () => withBudget({ usd: Number.NaN })],
  ["withBudget", "tokens", () => withBudget({ tokens: 0.5 })],
  ["withBudget", "outputTokens", () => withBudget({ tokens: 5, outputTokens: 0 })],
  ["withBudget", "per", () => withBudget({ usd: 1, per: untyped("a day") })],
  ["withBudget", "per", () => withBudget({ usd: 1, per: 0 })],
  ["withBudget", "tag", () => withBudget({ usd: 1, tag: "" })],
  ["withBudget", "name", () => withBudget({ usd: 1, name: untyped(7) })],
  ["withBudget", "unpriced", () => withBudget({ usd: 1, unpriced: untyped("maybe") })],
  ["withBudget", "plain object", () => withBudget(untyped(7))],
  ["withCircuitBreaker", "openFor", () => withCircuitBreaker({ openFor: untyped("long") })],
] as const

describe("a policy with an invalid setting", () => {
  it.effect.each(mistakes)(
    "%s of %s fails its Layer with a ConfigurationError, before any call",
    ([policy, wrong, make]) => {
      const upstream = new Upstream(() => "hello")
      return Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(upstream.layer.pipe(make()))))
        expect(error).toMatchObject({ provider: "configuration", attempts: [] })
        expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: policy })
        expect(error.message).toContain(wrong)
        expect(upstream.asked).toEqual([])
      })
    },
  )
})
