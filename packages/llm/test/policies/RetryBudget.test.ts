/** Law 9: a retry budget keeps retries from multiplying an outage, and never bites while most of them succeed. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import { CallOptions } from "../../src/call/CallOptions.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { ask, callNames, hello, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const busy = reasons.OverloadedError()

/** The same sequence of numbers between 0 and 1 in every run (mulberry32). */
const sequence = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

/** A share of the requests fails at random. */
const failing = (share: number, delayMs: number) => {
  const random = sequence(1)
  return new Upstream(() => {
    return random() < share ? { error: busy, delay: delayMs } : { text: "hello", delay: delayMs }
  })
}

/** Failures of `count` calls made at once. */
const failuresOf = (name: "generate" | "stream", count: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.forEach(Array(count), () => Effect.result(ask(name)), { concurrency: "unbounded" }),
    )
    yield* TestClock.adjust("1 day")
    return (yield* Fiber.join(fiber)).filter(({ _tag }) => _tag === "Failure").length
  })

/** With three retries, 1 call in 81 fails four times in a row; a budget that bites would lose many more. */
const unlucky = (calls: number) => Math.ceil((calls / 81) * 2)

describe.each(callNames)("the retry budget of %s", (name) => {
  it.effect(
    "never bites while most retries succeed: a third failing at random is served for thousands of calls",
    () => {
      const upstream = failing(1 / 3, 0)
      return Effect.gen(function* () {
        let failures = 0
        for (let batch = 0; batch < 60; batch++) failures += yield* failuresOf(name, 50)
        expect(failures).toBeLessThan(unlucky(3000))
      }).pipe(Effect.provide(upstream.layer.pipe(withRetry())), Random.withSeed(1))
    },
  )

  it.effect("never bites while most retries succeed: not with a thousand calls in flight at once", () => {
    const upstream = failing(1 / 3, 20_000)
    return Effect.gen(function* () {
      expect(yield* failuresOf(name, 1000)).toBeLessThan(unlucky(1000))
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry())), Random.withSeed(1))
  })

  it.effect("never bites while most retries succeed: not with a thousand calls queued for ten permits", () => {
    const upstream = failing(1 / 3, 1000)
    return Effect.gen(function* () {
      expect(yield* failuresOf(name, 1000)).toBeLessThan(unlucky(1000))
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(10), withRetry())), Random.withSeed(1))
  })

  it.effect(
    "never bites while most retries succeed: not when a thousand calls are told to come back in a second",
    () => {
      const later = { error: reasons.RateLimitError({ retryAfterMs: 1000 }) }
      const upstream = new Upstream(({ index }) => (index < 1000 ? later : { text: "hello", delay: 20_000 }))
      return Effect.gen(function* () {
        expect(yield* failuresOf(name, 1000)).toBe(0)
      }).pipe(Effect.provide(upstream.layer.pipe(withRetry())), Random.withSeed(1))
    },
  )

  it.effect("bites on rate limits that do not end", () => {
    const upstream = new Upstream(() => ({ error: reasons.RateLimitError({ retryAfterMs: 10_000 }) }))
    return Effect.gen(function* () {
      for (let second = 0; second < 60; second++) {
        for (let call = 0; call < 20; call++) yield* Effect.forkChild(Effect.exit(ask(name)))
        yield* TestClock.adjust("1 second")
      }
      expect(upstream.asked.length - 1200).toBeLessThanOrEqual(240)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry())), Random.withSeed(1))
  })

  it.effect.each([0, 30_000])(
    "lets extra requests fall to a fifth of the calls when nothing succeeds (each failing after %s ms)",
    (delayMs) => {
      const upstream = new Upstream(() => ({ error: busy, delay: delayMs }))
      return Effect.gen(function* () {
        for (let second = 0; second < 60; second++) {
          for (let call = 0; call < 20; call++) yield* Effect.forkChild(Effect.exit(ask(name)))
          yield* TestClock.adjust("1 second")
        }
        yield* TestClock.adjust("10 minutes")
        const extra = upstream.asked.length - 1200
        expect(extra).toBeGreaterThan(0)
        expect(extra).toBeLessThanOrEqual(240)
      }).pipe(Effect.provide(upstream.layer.pipe(withRetry())), Random.withSeed(1))
    },
  )

  it.effect("refills within seconds of the recovery", () => {
    let failing = true
    let failNext = false
    const upstream = new Upstream(() => {
      if (failing || failNext) {
        failNext = false
        return { error: busy }
      }
      return "hello"
    })
    return Effect.gen(function* () {
      yield* failuresOf(name, 2000)
      const before = upstream.asked.length
      expect(yield* failuresOf(name, 10)).toBe(10)
      expect(upstream.asked.length - before).toBe(10)
      failing = false
      // Two seconds at 200 calls a second.
      for (let call = 0; call < 400; call++) yield* ask(name)
      failNext = true
      expect(yield* failuresOf(name, 1)).toBe(0)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry())), Random.withSeed(1))
  })

  it.effect("counts no failure that is not worth trying again, nor one of a call that has no retries", () => {
    // Retries that hang hold all that there is. From then on only the share of failures says whether another is left.
    const hanging = 150
    const upstream = new Upstream(({ index, request }) => {
      if (request.seed === 1) return index < hanging ? { error: reasons.RateLimitError() } : { stall: true }
      if (request.seed === 2) return { error: reasons.InvalidRequestError() }
      if (request.seed === 3) return { error: busy }
      return upstream.asked.filter((asked) => asked.request.seed === 4).length === 1
        ? { error: reasons.RateLimitError() }
        : "hello"
    })
    const call = (seed: number) => ask(name, { ...hello, seed })
    return Effect.gen(function* () {
      const held = yield* Effect.forEach(Array(hanging), () => Effect.forkChild(call(1)))
      yield* TestClock.adjust("1 hour")
      expect(upstream.asked).toHaveLength(2 * hanging)
      const callOptions = { maxRetries: 0 }
      for (let turn = 0; turn < 200; turn++) {
        yield* Effect.result(call(2))
        yield* Effect.provideService(Effect.result(call(3)), CallOptions, callOptions)
      }
      const last = yield* Effect.forkChild(call(4))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(last)).text).toBe("hello")
      yield* Effect.forEach(held, Fiber.interrupt)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry())), Random.withSeed(1))
  })
})
