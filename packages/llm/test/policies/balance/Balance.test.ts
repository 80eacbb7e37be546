/** Balance: shares, what is passed over and for how long, limits of each deployment, and nothing asked twice. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { type BalanceOptions, withBalance } from "../../../src/policies/balance/Balance.ts"
import type { Answer } from "../../../src/testing/Scripted.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { many, quick, servers, within } from "./Servers.ts"

describe.each(callNames)("balance of %s", (name) => {
  it.effect("gives each deployment its weight of 1,000 calls, and says why in each attempt", () => {
    const { counts, deployments } = servers({ a: quick, b: quick, c: quick })
    const weights = [5, 3, 2]
    const stack = withBalance(
      deployments.map((deployment, index) => ({ ...deployment, weight: weights[index] ?? 1 })),
      { strategy: "weighted" },
    )
    return Effect.gen(function* () {
      const answers = yield* many(name, 1000)
      expect(counts()).toEqual({ a: 500, b: 300, c: 200 })
      expect(new Set(answers.map(({ metadata }) => metadata.attempts[0]?.chosenBy))).toEqual(new Set(["weighted"]))
    }).pipe(Effect.provide(stack))
  })

  it.effect("keeps as much in flight at each as its weight says", () => {
    const { deployments, upstreams } = servers({ a: { text: "hello", delay: 5000 }, b: { text: "hello", delay: 5000 } })
    const stack = withBalance(
      deployments.map((deployment) => ({ ...deployment, weight: deployment.name === "a" ? 3 : 1 })),
      { strategy: "least-in-flight" },
    )
    return Effect.gen(function* () {
      yield* many(name, 400)
      expect(upstreams["a"]?.peakInFlight).toBe(300)
      expect(upstreams["b"]?.peakInFlight).toBe(100)
      expect(upstreams["a"]?.inFlight).toBe(0)
    }).pipe(Effect.provide(stack))
  })

  it.effect(
    "by latency asks the faster ones, tries those that it does not know, and the slow one again in time",
    () => {
      const { counts, deployments, now } = servers({
        slow: { text: "hello", delay: 3000 },
        fast: { text: "hello", delay: 200 },
      })
      return Effect.gen(function* () {
        const one = within("4 seconds", ask(name))
        for (let call = 0; call < 20; call++) yield* one
        const before = counts()
        expect(before["slow"]).toBeGreaterThan(0)
        expect(before["fast"]).toBeGreaterThan(before["slow"] ?? 0)
        now["slow"] = { text: "hello", delay: 10 }
        yield* TestClock.adjust("10 minutes")
        for (let call = 0; call < 20; call++) yield* one
        const after = counts()
        expect((after["slow"] ?? 0) - (before["slow"] ?? 0)).toBeGreaterThan(15)
      }).pipe(Effect.provide(withBalance(deployments)), Random.withSeed("latency"))
    },
  )

  it.effect("of 1,000 calls by latency sends most to the fast ones while all are asked", () => {
    const { counts, deployments } = servers({
      slow: { text: "hello", delay: 4000 },
      fast: { text: "hello", delay: 200 },
      faster: { text: "hello", delay: 100 },
    })
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach(Array.from({ length: 1000 }), () =>
        Effect.flatMap(Effect.forkChild(ask(name)), (fiber) => Effect.as(TestClock.adjust(50), fiber)),
      )
      yield* TestClock.adjust("1 minute")
      yield* Effect.forEach(fibers, Fiber.join)
      const { fast = 0, faster = 0, slow = 0 } = counts()
      expect(slow).toBeGreaterThan(0)
      expect(slow).toBeLessThan(100)
      expect(fast + faster + slow).toBe(1000)
      expect(faster).toBeGreaterThan(fast)
    }).pipe(Effect.provide(withBalance(deployments)), Random.withSeed("fast"))
  })

  it.effect("never has more in flight at a deployment than it may, streams to their end, and uses all of them", () => {
    const slow: Answer = { text: ["one", "two"], delay: 700, pause: 300 }
    const { counts, deployments, upstreams } = servers({ a: slow, b: slow })
    const limits = { a: 3, b: 7 } as Readonly<Record<string, number>>
    const stack = withBalance(deployments.map((one) => ({ ...one, concurrency: limits[one.name] })))
    return Effect.gen(function* () {
      yield* many(name, 1000)
      expect([upstreams["a"]?.peakInFlight, upstreams["b"]?.peakInFlight]).toEqual([3, 7])
      expect(upstreams["b"]?.arrivals.at(-1)).toBeLessThan(110_000)
      expect(upstreams["a"]?.arrivals.at(-1)).toBeLessThan(110_000)
      expect((counts()["a"] ?? 0) + (counts()["b"] ?? 0)).toBe(1000)
    }).pipe(Effect.provide(stack))
  })

  it.effect("never sends more to a deployment than its rate, and together as many as all rates", () => {
    const { deployments, upstreams } = servers({ a: quick, b: quick })
    const rates = { a: 60, b: 30 } as Readonly<Record<string, number>>
    const stack = withBalance(deployments.map((one) => ({ ...one, rpm: rates[one.name] })))
    return Effect.gen(function* () {
      const answers = yield* many(name, 900)
      for (const [server, rpm] of Object.entries(rates)) {
        const arrivals = upstreams[server]?.arrivals ?? []
        expect(mostInAMinute(arrivals)).toBe(rpm)
        // 900 calls at 90 a minute begin within nine whole minutes.
        expect(arrivals.at(-1)).toBeLessThanOrEqual(9 * 60_000)
      }
      expect(answers.every(({ metadata }) => metadata.attempts.length === 1)).toBe(true)
    }).pipe(Effect.provide(stack))
  })

  it.effect("frees what was in flight when a call is interrupted", () => {
    const { deployments, upstreams } = servers({ a: { stall: true }, b: { stall: true } })
    const stack = withBalance(
      deployments.map((one) => ({ ...one, concurrency: 1 })),
      { strategy: "least-in-flight" },
    )
    return Effect.gen(function* () {
      for (let round = 0; round < 5; round++) {
        const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(ask(name)))
        yield* TestClock.adjust(1000)
        expect([upstreams["a"]?.inFlight, upstreams["b"]?.inFlight]).toEqual([1, 1])
        yield* Effect.forEach(fibers, Fiber.interrupt)
      }
    }).pipe(Effect.provide(stack))
  })

  it.effect("asks each deployment for its own name of the model, and for another model by that model's name", () => {
    const { deployments, upstreams } = servers({ a: "hello", b: "hello" })
    const options: BalanceOptions = { strategy: "weighted", model: "gpt" }
    const stack = withBalance(
      deployments.map((one) => ({ ...one, model: `gpt-${one.name}` })),
      options,
    )
    return Effect.gen(function* () {
      for (const model of ["gpt", undefined, "other"]) {
        for (const _ of deployments) yield* ask(name, { ...hello, ...(model === undefined ? {} : { model }) })
      }
      expect(upstreams["a"]?.asked.map(({ request }) => request.model)).toEqual(["gpt-a", "gpt-a", "other"])
      expect(upstreams["b"]?.asked.map(({ request }) => request.model)).toEqual(["gpt-b", "gpt-b", "other"])
    }).pipe(Effect.provide(stack))
  })
})

/** The most that arrived within any 60 seconds. */
const mostInAMinute = (arrivals: ReadonlyArray<number>): number => {
  let most = 0
  let first = 0
  for (const [index, atMs] of arrivals.entries()) {
    while ((arrivals[first] ?? 0) + 60_000 <= atMs) first += 1
    most = Math.max(most, index - first + 1)
  }
  return most
}

it.effect("a stream that breaks after its first output is asked of no other deployment", () => {
  const broken: Answer = { text: ["one ", "two"], error: reasons.ServerError() }
  const { counts, deployments } = servers({ a: broken, b: broken })
  return Effect.gen(function* () {
    const error = yield* Effect.flip(ask("stream"))
    expect(error.attempts).toHaveLength(1)
    expect(error.text).toBe("one two")
    expect((counts()["a"] ?? 0) + (counts()["b"] ?? 0)).toBe(1)
  }).pipe(Effect.provide(withBalance(deployments)))
})

it.effect("a stream that is dropped is in flight no longer", () => {
  const { deployments, upstreams } = servers({ a: { text: ["one", "two"], pause: "1 hour" }, b: "hello" })
  return Effect.gen(function* () {
    const llm = yield* LlmProvider
    for (let call = 0; call < 4; call++) yield* Stream.runDrain(Stream.take(llm.stream(hello), 2))
    expect(upstreams["a"]?.asked.length).toBe(2)
    expect(upstreams["a"]?.inFlight).toBe(0)
  }).pipe(Effect.provide(withBalance(deployments, { strategy: "least-in-flight" })))
})
