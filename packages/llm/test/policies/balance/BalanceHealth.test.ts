/** Which deployments are passed over, for how long, and what a call does where none can be asked. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { withBalance } from "../../../src/policies/balance/Balance.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import { ask, callNames, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"
import { many, quick, servers, story, within } from "./Servers.ts"

describe.each(callNames)("a balance of %s", (name) => {
  it.effect("passes over one that is asked too often until the time that it said", () => {
    const { counts, deployments, now } = servers({
      a: { error: reasons.RateLimitError({ retryAfterMs: 20_000 }) },
      b: quick,
    })
    const stack = withBalance(deployments, { strategy: "weighted" })
    return Effect.gen(function* () {
      const fibers = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(500)
      const first = yield* Fiber.join(fibers)
      expect(story(first)).toEqual([
        ["a", "weighted", "RateLimitError"],
        ["b", "next", undefined],
      ])
      now["a"] = quick
      for (let second = 1; second < 20; second++) {
        const fiber = yield* Effect.forkChild(ask(name))
        yield* TestClock.adjust(1000)
        expect(story(yield* Fiber.join(fiber))).toEqual([["b", "only", undefined]])
      }
      expect(counts()).toEqual({ a: 1, b: 20 })
      yield* TestClock.adjust(1000)
      for (let call = 0; call < 10; call++) yield* within("1 minute", ask(name))
      expect(counts()).toEqual({ a: 6, b: 25 })
    }).pipe(Effect.provide(stack))
  })

  it.effect("passes over one that is out of quota for a minute, and one with a wrong key", () => {
    const { counts, deployments, now } = servers({
      broke: { error: reasons.QuotaExceededError() },
      wrong: { error: reasons.AuthenticationError() },
      well: "hello",
    })
    const stack = withBalance(deployments, { strategy: "weighted" })
    return Effect.gen(function* () {
      for (let call = 0; call < 10; call++) yield* ask(name)
      expect(counts()).toEqual({ broke: 1, wrong: 1, well: 10 })
      now["broke"] = "hello"
      yield* TestClock.adjust("61 seconds")
      for (let call = 0; call < 9; call++) yield* ask(name)
      expect(counts()["broke"]).toBeGreaterThan(2)
      expect(counts()["wrong"]).toBe(2)
    }).pipe(Effect.provide(stack))
  })

  it.effect("fails at once with the soonest time, and no request, where each said when it comes back", () => {
    const { counts, deployments, now } = servers({
      a: { error: reasons.RateLimitError({ retryAfterMs: 60_000 }) },
      b: { error: reasons.RateLimitError({ retryAfterMs: 7000 }) },
    })
    return Effect.gen(function* () {
      const first = yield* Effect.flip(ask(name))
      expect(first.reason).toMatchObject({ _tag: "RateLimitError", retryAfterMs: 7000 })
      expect(first.attempts).toHaveLength(2)
      yield* TestClock.adjust(2000)
      const second = yield* Effect.flip(ask(name))
      expect(second.reason).toMatchObject({ _tag: "RateLimitError", retryAfterMs: 5000 })
      expect(second.attempts.map(({ chosenBy, deployment, durationMs }) => [deployment, chosenBy, durationMs])).toEqual(
        [["b", "soonest", 0]],
      )
      expect(counts()).toEqual({ a: 1, b: 1 })
      now["b"] = "hello"
      const retried = yield* Effect.forkChild(ask(name).pipe(Effect.retry({ times: 0 })))
      expect((yield* Effect.flip(Fiber.join(retried))).reason._tag).toBe("RateLimitError")
    }).pipe(Effect.provide(withBalance(deployments)))
  })

  it.effect("a retry around it waits until the first one is back", () => {
    let isBusy = true
    const upstream = new Upstream(() => (isBusy ? { error: reasons.RateLimitError({ retryAfterMs: 7000 }) } : "hello"))
    const stack = withBalance([{ name: "a", layer: upstream.layer }]).pipe(withRetry({ times: 2 }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(1000)
      isBusy = false
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
      expect(upstream.arrivals[1]).toBeGreaterThanOrEqual(7000)
      expect(upstream.arrivals).toHaveLength(2)
    }).pipe(Effect.provide(stack))
  })

  it.effect("asks the one that comes back first where all keep failing and none said for how long", () => {
    const { counts, deployments, now } = servers({
      a: { error: reasons.ServerError() },
      b: { error: reasons.ServerError() },
    })
    return Effect.gen(function* () {
      for (let call = 0; call < 3; call++) yield* Effect.flip(ask(name))
      expect(counts()).toEqual({ a: 3, b: 3 })
      now["a"] = "hello"
      now["b"] = "hello"
      expect((yield* ask(name)).metadata.attempts[0]?.chosenBy).toBe("soonest")
    }).pipe(Effect.provide(withBalance(deployments, { failures: 3 })))
  })

  it.effect("asks each at most once, and only after failures that another one may mend", () => {
    const { counts, deployments, now } = servers({
      a: { error: reasons.OverloadedError() },
      b: { error: reasons.OverloadedError() },
    })
    return Effect.gen(function* () {
      const error = yield* Effect.flip(ask(name))
      expect(error.attempts.map(({ deployment }) => deployment).toSorted()).toEqual(["a", "b"])
      expect(counts()).toEqual({ a: 1, b: 1 })
      for (const reason of [
        reasons.InvalidRequestError(),
        reasons.ContentFilterError(),
        reasons.ContextLengthExceededError(),
      ]) {
        now["a"] = { error: reason }
        now["b"] = { error: reason }
        expect((yield* Effect.flip(ask(name))).attempts).toHaveLength(1)
      }
    }).pipe(Effect.provide(withBalance(deployments, { strategy: "weighted" })))
  })

  it.effect("asks no more than maxTries", () => {
    const busy = { error: reasons.OverloadedError() }
    const { deployments } = servers({ a: busy, b: busy, c: busy, d: busy })
    return Effect.gen(function* () {
      expect((yield* Effect.flip(ask(name))).attempts).toHaveLength(2)
    }).pipe(Effect.provide(withBalance(deployments, { maxTries: 2 })))
  })

  it.effect("a deployment that hangs leaves the next one its share of the deadline", () => {
    const { deployments } = servers({ hung: { stall: true }, well: quick })
    const stack = withBalance(deployments, { strategy: "weighted" }).pipe(withTimeout("20 seconds"))
    return Effect.gen(function* () {
      const { metadata } = yield* within("1 minute", ask(name))
      expect(
        metadata.attempts.map(({ deployment, durationMs, errorType }) => [deployment, durationMs, errorType]),
      ).toEqual([
        ["hung", 10_000, "TimeoutError"],
        ["well", 100, undefined],
      ])
    }).pipe(Effect.provide(stack))
  })

  it.effect("sends nothing to one that keeps failing until its time, and then one request at a time to try it", () => {
    const { counts, deployments, now, upstreams } = servers({ ill: { error: reasons.ServerError() }, well: quick })
    const stack = withBalance(deployments, { strategy: "weighted", failures: 3, openFor: "10 seconds" })
    const atOnce = (count: number) => Effect.forEach(Array.from({ length: count }), () => Effect.forkChild(ask(name)))
    return Effect.gen(function* () {
      yield* atOnce(6)
      yield* TestClock.adjust(100)
      expect(counts()["ill"]).toBe(3)
      for (let second = 0; second < 9; second++) {
        yield* atOnce(10)
        yield* TestClock.adjust("1 second")
      }
      expect(counts()["ill"]).toBe(3)
      yield* TestClock.adjust("1 second")
      yield* atOnce(50)
      yield* TestClock.adjust("9 seconds")
      // One of them tried it, and it is passed over for as long again.
      expect(counts()["ill"]).toBe(4)
      now["ill"] = { text: "hello", delay: 300 }
      yield* TestClock.adjust("1 second")
      const trying = yield* atOnce(100)
      yield* TestClock.adjust(200)
      expect(upstreams["ill"]?.inFlight).toBe(1)
      yield* TestClock.adjust("1 second")
      yield* Effect.forEach(trying, Fiber.join)
      expect(counts()["ill"]).toBe(5)
      yield* many(name, 100)
      expect(counts()["ill"]).toBe(55)
    }).pipe(Effect.provide(stack))
  })
})
