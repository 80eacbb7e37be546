/** What the order of policies means: the numbers that the policies' own words promise. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import type { LlmError } from "../../src/model/LlmError.ts"
import type { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withDefaults } from "../../src/policies/Defaults.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import type { Policy } from "../../src/policies/Policy.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTelemetry } from "../../src/policies/Telemetry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, type CallName, callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const busy = { error: reasons.OverloadedError() }
const always = (name: string) => new Upstream(() => busy, name)

/** The failure of one call through a stack. */
const failure = (name: CallName, stack: Layer.Layer<LlmProvider, LlmError>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.flip(Effect.provide(ask(name), stack)))
    yield* TestClock.adjust("1 day")
    return yield* Fiber.join(fiber)
  })

const policies: Readonly<Record<string, Policy<LlmError>>> = {
  retry: withRetry({ times: 1 }),
  concurrency: withConcurrency(5),
  breaker: withCircuitBreaker(),
  timeout: withTimeout({ total: "10 minutes", idle: "2 minutes", firstOutput: "1 minute", queue: "1 minute" }),
  telemetry: withTelemetry,
  defaults: withDefaults({ temperature: 0.7, maxTokens: 100 }),
}

/** Every order of these policies around one provider. */
const orders = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((order) => [item, ...order]))

describe.each(callNames)("policies around %s", (name) => {
  it.effect("answer, and tell the attempts of the call, in every one of the 720 orders", () =>
    Effect.forEach(
      orders(Object.values(policies)),
      (order) =>
        Effect.gen(function* () {
          const upstream = new Upstream(({ index }) => (index === 0 ? busy : { text: ["he", "llo"], pause: 10 }))
          const stack = order.reduce<Layer.Layer<LlmProvider, LlmError>>(
            (layer, policy) => policy(layer),
            upstream.layer,
          )
          const fiber = yield* Effect.forkChild(Effect.provide(ask(name), stack))
          yield* TestClock.adjust("1 minute")
          const { metadata, text } = yield* Fiber.join(fiber)
          expect(text).toBe("hello")
          expect(metadata.attempts.map(({ errorType }) => errorType)).toEqual(["OverloadedError", undefined])
          expect(metadata).toMatchObject({ temperature: 0.7, maxTokens: 100 })
          expect(upstream.inFlight).toBe(0)
        }),
      { discard: true },
    ),
  )

  it.effect("make at most (1 + times) x targets requests, whichever of retry and fallback is outside", () =>
    Effect.gen(function* () {
      for (const outside of ["retry", "fallback"]) {
        const [one, two, three] = [always("one"), always("two"), always("three")]
        const each = outside === "retry" ? (layer: Layer.Layer<LlmProvider, LlmError>) => layer : withRetry()
        const targets = each(one.layer).pipe(withFallback(each(two.layer)), withFallback(each(three.layer)))
        const error = yield* failure(name, outside === "retry" ? targets.pipe(withRetry()) : targets)
        expect([one, two, three].map(({ asked }) => asked.length)).toEqual([4, 4, 4])
        expect(error.attempts.map(({ targetIndex }) => targetIndex)).toEqual(
          outside === "retry" ? [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2] : [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2],
        )
      }
    }),
  )

  it.effect("hold a permit while backing off only where the permit is put outside the retry", () =>
    Effect.gen(function* () {
      const began = { inside: 0, outside: 0 }
      for (const place of ["inside", "outside"] as const) {
        const upstream = new Upstream(({ index }) =>
          index === 0 ? { error: reasons.RateLimitError({ retryAfterMs: 30_000 }) } : "hello",
        )
        const stack =
          place === "inside"
            ? upstream.layer.pipe(withConcurrency(1), withRetry())
            : upstream.layer.pipe(withRetry(), withConcurrency(1))
        const calls = Effect.forEach([1, 2], () => ask(name), { concurrency: "unbounded" })
        const fiber = yield* Effect.forkChild(Effect.provide(calls, stack))
        yield* TestClock.adjust("1 second")
        began[place] = upstream.asked.length
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(fiber)
      }
      expect(began).toEqual({ inside: 2, outside: 1 })
    }),
  )

  it.effect("judge calls where the breaker is outside the retry, attempts where it is inside", () =>
    Effect.gen(function* () {
      const breaker = withCircuitBreaker({ failures: 4, openFor: "1 hour" })
      const outside = always("outside")
      const calls = outside.layer.pipe(withRetry(), breaker)
      const inside = always("inside")
      const attempts = inside.layer.pipe(breaker, withRetry({ times: 9 }))
      const error = yield* failure(name, attempts)
      expect(error.reason._tag).toBe("CircuitOpenError")
      expect(inside.asked).toHaveLength(4)
      expect((yield* failure(name, calls)).reason._tag).toBe("OverloadedError")
      expect(outside.asked).toHaveLength(4)
    }),
  )
})
