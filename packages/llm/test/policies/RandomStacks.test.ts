/**
 * Law 23 as a property: telemetry, a timeout that does not run out, and defaults, put anywhere into any stack, change
 * neither the number of requests nor the retries nor the records.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { ErrorType, LlmError } from "../../src/model/LlmError.ts"
import type { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withCache } from "../../src/policies/cache/Cache.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withAdaptiveConcurrency } from "../../src/policies/traffic/AdaptiveConcurrency.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withDefaults } from "../../src/policies/Defaults.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withObserver } from "../../src/policies/Observer.ts"
import type { Policy } from "../../src/policies/Policy.ts"
import { withBalance } from "../../src/policies/balance/Balance.ts"
import { withHedge } from "../../src/policies/traffic/Hedge.ts"
import { withRateLimit } from "../../src/policies/traffic/RateLimit.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTelemetry } from "../../src/policies/Telemetry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { withBudget } from "../../src/policies/usage/Budget.ts"
import { UsageLedger, withUsageLedger } from "../../src/policies/usage/UsageLedger.ts"
import { ask, type CallName, callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

/** Policies that decide. */
const deciding: Readonly<Record<string, () => Policy<LlmError>>> = {
  "retry twice": () => withRetry({ times: 2 }),
  "retry once": () => withRetry({ times: 1 }),
  "one permit": () => withConcurrency(1),
  "a limit that is found": () => withAdaptiveConcurrency({ max: 2 }),
  breaker: () => withCircuitBreaker({ failures: 2 }),
  cache: () => withCache(),
  "two a minute": () => withRateLimit({ rpm: 2 }),
  balance: () => (layer) =>
    withBalance([
      { name: "one", layer },
      { name: "two", layer, weight: 2 },
    ]),
  "a budget of three": () => withBudget({ tokens: 30, outputTokens: 10 }),
  fallback: () => withFallback(new Upstream(() => ({ error: reasons.ServerError() }), "other").layer),
}

/** Policies that only watch, or whose limits are not reached. */
const watching: Readonly<Record<string, () => Policy<LlmError>>> = {
  telemetry: () => withTelemetry,
  ledger: () => withUsageLedger(new UsageLedger()),
  budget: () => withBudget({ tokens: 1_000_000 }),
  deadline: () => withTimeout("30 days"),
  clocks: () => withTimeout({ total: "30 days", idle: "20 days", firstOutput: "20 days", queue: "20 days" }),
  hedge: () => withHedge({ after: "20 days" }),
  observer: () => withObserver(() => {}),
  defaults: () => withDefaults({ temperature: 0.5 }),
}

const outcomes: ReadonlyArray<ErrorType | "hello"> = [
  "OverloadedError",
  "RateLimitError",
  "InvalidRequestError",
  "InvalidResponseError",
  "QuotaExceededError",
  "hello",
]

/** What a stack makes of three calls: requests, ends, and records without their times. */
const run = (
  name: CallName,
  script: ReadonlyArray<ErrorType | "hello">,
  policies: ReadonlyArray<() => Policy<LlmError>>,
) =>
  Effect.gen(function* () {
    const upstream = new Upstream(({ index }) => {
      const outcome = script[index % script.length] ?? "hello"
      return outcome === "hello" ? "hello" : { error: reasons[outcome]() }
    })
    const stack = policies.reduce<Layer.Layer<LlmProvider, LlmError>>(
      (layer, policy) => policy()(layer),
      upstream.layer,
    )
    const calls = Effect.forEach([1, 2, 3], () => Effect.result(ask(name)))
    const fiber = yield* Effect.forkChild(Effect.provide(calls, stack))
    yield* TestClock.adjust("2 days")
    const ends = yield* Fiber.join(fiber)
    return {
      requests: upstream.asked.length,
      ends: ends.map((end) => (end._tag === "Success" ? end.success.text : end.failure.reason._tag)),
      attempts: ends.map((end) =>
        (end._tag === "Success" ? end.success.metadata : end.failure).attempts.map(
          ({ errorType, provider, targetIndex, waitedMs }) => [provider, targetIndex, errorType, waitedMs],
        ),
      ),
    }
  }).pipe(Random.withSeed("stack"))

describe.each(callNames)("watching policies around %s", (name) => {
  it.effect.prop(
    "change neither requests, retries, ends nor records, wherever they stand in whatever stack",
    {
      script: Schema.Array(Schema.Literals(outcomes)).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
      stack: Schema.Array(Schema.Literals(Object.keys(deciding))).check(Schema.isMaxLength(4)),
      watchers: Schema.Array(
        Schema.Struct({
          watcher: Schema.Literals(Object.keys(watching)),
          place: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
        }),
      ).check(Schema.isMinLength(1), Schema.isMaxLength(4)),
    },
    ({ script, stack, watchers }) =>
      Effect.gen(function* () {
        const plain = stack.flatMap((policy) => deciding[policy] ?? [])
        const watched = [...plain]
        for (const { place, watcher } of watchers) watched.splice(place, 0, ...[watching[watcher] ?? []].flat())
        expect(yield* run(name, script, watched)).toEqual(yield* run(name, script, plain))
      }),
  )
})
