/**
 * Random stacks of policies over providers that answer, fail, stall and break off, and random callers. Whatever the order,
 * every call ends once, its story agrees with what the providers were asked, no limit is passed, and nothing stays open.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { MinimumLogLevel } from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import type { LlmError } from "../../src/model/LlmError.ts"
import type { LlmProvider } from "../../src/model/LlmProvider.ts"
import type { LlmResponse } from "../../src/model/LlmResponse.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withDefaults } from "../../src/policies/Defaults.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import type { Policy } from "../../src/policies/Policy.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTelemetry } from "../../src/policies/Telemetry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import type * as Scripted from "../../src/testing/Scripted.ts"
import { ask, callNames, reasons } from "../policies/Calls.ts"
import { Upstream } from "../policies/Upstream.ts"
import { patient, runs } from "./Fuzzing.ts"

type Stack = Layer.Layer<LlmProvider, LlmError>

const policies: Readonly<Record<string, Policy<LlmError>>> = {
  retry: withRetry({ times: 2 }),
  "one retry": withRetry({ times: 1 }),
  breaker: withCircuitBreaker(),
  timeout: withTimeout({ total: "2 minutes", idle: "20 seconds", firstOutput: "30 seconds" }),
  attempts: withTimeout({ attempt: "40 seconds" }),
  concurrency: withConcurrency(2),
  telemetry: withTelemetry,
  defaults: withDefaults({ temperature: 0.5, maxTokens: 10 }),
}

const failures = ["OverloadedError", "RateLimitError", "ServerError", "ConnectionError", "AuthenticationError"] as const

/** What a provider does with one request. */
const answers: fc.Arbitrary<Scripted.Answer> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Scripted.Answer>("hello") },
  fc.constant<Scripted.Answer>({ text: ["he", "llo"], delay: 5000, pause: 1000 }),
  fc.constant<Scripted.Answer>({ stall: true }),
  fc.constant<Scripted.Answer>({ text: ["he"], error: reasons.StreamInterruptedError() }),
  fc.constantFrom(...failures).map((name): Scripted.Answer => ({ error: reasons[name](), delay: 100 })),
  fc.constant<Scripted.Answer>({ error: reasons.RateLimitError({ retryAfterMs: 600_000 }) }),
)

const target = fc.record({
  script: fc.array(answers, { minLength: 1, maxLength: 6 }),
  policies: fc.array(fc.constantFrom(...Object.keys(policies)), { maxLength: 5 }),
})

const scenarios = fc.record({
  targets: fc.array(target, { minLength: 1, maxLength: 3 }),
  outer: fc.array(fc.constantFrom(...Object.keys(policies)), { maxLength: 3 }),
  calls: fc.array(
    fc.record({ name: fc.constantFrom(...callNames), abortedMs: fc.option(fc.nat(60_000), { freq: 4 }) }),
    { minLength: 1, maxLength: 8 },
  ),
})

const around = (layer: Stack, names: ReadonlyArray<string>): Stack =>
  names.reduce((stack, name) => policies[name]?.(stack) ?? stack, layer)

/** The attempts that a call tells of, without those that were refused before a request. */
const requestsTold = (exit: Exit.Exit<LlmResponse, LlmError>): number | undefined => {
  const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
  const attempts = Exit.isSuccess(exit) ? exit.value.metadata.attempts : error?.attempts
  return attempts?.filter(({ errorType }) => errorType !== "CircuitOpenError").length
}

describe("a random stack of policies", () => {
  it("ends every call once, tells what was asked, passes no limit and leaves nothing open", patient, async () => {
    const property = fc.asyncProperty(scenarios, async ({ calls, outer, targets }) => {
      const upstreams = targets.map(
        ({ script }, place) => new Upstream(({ index }) => script[index % script.length] ?? "hello", `target-${place}`),
      )
      const layers = upstreams.map((upstream, place) => around(upstream.layer, targets[place]?.policies ?? []))
      const [first, ...rest] = layers
      if (first === undefined) return
      // Without a deadline of its own a stack may wait for ever for one that stalls.
      const stack = around(
        rest.reduce((stack, next) => stack.pipe(withFallback(next)), first),
        outer,
      ).pipe(withTimeout("10 minutes"))
      const program = Effect.gen(function* () {
        const fibers = yield* Effect.forEach(calls, ({ abortedMs, name }, place) => {
          const call = ask(name, { messages: [{ role: "user", content: "hello" }], user: `call-${place}` })
          return Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(call)
            if (abortedMs !== null) {
              yield* Effect.forkChild(Effect.andThen(Effect.sleep(abortedMs), Fiber.interrupt(fiber)))
            }
            return fiber
          })
        })
        yield* TestClock.adjust("1 day")
        return yield* Effect.forEach(fibers, (fiber) => Fiber.await(fiber))
      })
      const exits = await Effect.runPromise(
        Effect.scoped(Effect.provide(Effect.provide(program, stack), TestClock.layer())).pipe(
          Effect.provideService(MinimumLogLevel, "None"),
        ),
      )
      expect(exits).toHaveLength(calls.length)
      for (const [place, exit] of exits.entries()) {
        const received = upstreams.flatMap(({ asked }) =>
          asked.filter(({ request }) => request.user === `call-${place}`),
        )
        if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) {
          expect(calls[place]?.abortedMs).not.toBeNull()
          continue
        }
        if (Exit.isFailure(exit)) expect(exit.cause.reasons.every(Cause.isFailReason)).toBe(true)
        expect(requestsTold(exit)).toBe(received.length)
      }
      for (const [place, upstream] of upstreams.entries()) {
        expect(upstream.inFlight).toBe(0)
        const limited = [...(targets[place]?.policies ?? []), ...outer].includes("concurrency")
        if (limited) expect(upstream.peakInFlight).toBeLessThanOrEqual(2)
      }
    })
    await fc.assert(property, runs(400))
  })
})
