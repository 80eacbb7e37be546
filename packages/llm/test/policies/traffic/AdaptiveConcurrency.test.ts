/** A limit that is found: near to the capacity whatever that is, soon again after an outage, and by no fault of callers. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { LlmError, OverloadedError, RateLimitError } from "../../../src/model/LlmError.ts"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import {
  type AdaptiveConcurrencyOptions,
  withAdaptiveConcurrency,
} from "../../../src/policies/traffic/AdaptiveConcurrency.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import { withRateLimit } from "../../../src/policies/traffic/RateLimit.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import * as ScriptedEmbeddings from "../../../src/testing/ScriptedEmbeddings.ts"
import { ask, type CallName, callNames, hello, reasons } from "../Calls.ts"
import { Deployment } from "./Deployment.ts"
import { Upstream } from "../Upstream.ts"

/** More callers than any limit, each of which asks again and again. */
const crowd = (name: CallName, callers: number) =>
  Effect.forEach(
    Array.from({ length: callers }),
    () =>
      Effect.forkChild(
        Effect.forever(
          Effect.flatMap(Effect.result(ask(name)), ({ _tag }) => Effect.sleep(_tag === "Success" ? 0 : 300)),
        ),
      ),
    { discard: true },
  )

/** The limit, told whenever it changes. */
const watched = (options: AdaptiveConcurrencyOptions = {}) => {
  const seen: Array<number> = []
  let limit = options.initial ?? 5
  const policy = withAdaptiveConcurrency({
    ...options,
    onLimit: (next) => {
      limit = next
      seen.push(next)
    },
  })
  return { policy, seen, limit: () => limit }
}

/** The limit each second. */
const seconds = (count: number, limit: () => number) =>
  Effect.gen(function* () {
    const limits: Array<number> = []
    for (let second = 0; second < count; second++) {
      yield* TestClock.adjust(1000)
      limits.push(limit())
    }
    return limits.toSorted((one, other) => one - other)
  })

const at = (sorted: ReadonlyArray<number>, share: number) =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN

describe.each(callNames)("the limit of %s", (name) => {
  it.effect("settles at the capacity of a service that refuses more", () => {
    const deployment = new Deployment({ servers: 10, above: "refuses" })
    const { limit, policy } = watched()
    return Effect.gen(function* () {
      yield* crowd(name, 30)
      yield* seconds(40, limit)
      const refusedBefore = deployment.refused
      const limits = yield* seconds(60, limit)
      expect([at(limits, 0.05) >= 7, at(limits, 0.95) <= 11]).toEqual([true, true])
      expect(deployment.throughput(40_000, 100_000)).toBeGreaterThanOrEqual(9)
      expect(deployment.refused - refusedBefore).toBeLessThan(0.03 * 600)
    }).pipe(Effect.provide(deployment.layer.pipe(policy)))
  })

  it.effect("stays near the capacity of a service that lets more wait", () => {
    const deployment = new Deployment({ servers: 10, above: "queues" })
    const { limit, policy } = watched()
    return Effect.gen(function* () {
      yield* crowd(name, 60)
      yield* seconds(40, limit)
      deployment.latenciesMs.length = 0
      const limits = yield* seconds(60, limit)
      expect([at(limits, 0.05) >= 6, at(limits, 0.95) <= 30]).toEqual([true, true])
      expect(deployment.throughput(40_000, 100_000)).toBeGreaterThanOrEqual(9)
      // Without a limit 60 callers would wait for six seconds.
      expect(
        at(
          deployment.latenciesMs.toSorted((one, other) => one - other),
          0.5,
        ),
      ).toBeLessThanOrEqual(2500)
    }).pipe(Effect.provide(deployment.layer.pipe(policy)))
  })

  it.effect("falls to its least in an outage, and is soon back after it, under retries", () => {
    const deployment = new Deployment({ servers: 10, above: "refuses" })
    const { limit, policy } = watched({ min: 2 })
    return Effect.gen(function* () {
      yield* crowd(name, 30)
      yield* seconds(30, limit)
      deployment.behaviour.isDown = true
      yield* seconds(20, limit)
      expect(limit()).toBe(2)
      deployment.behaviour.isDown = false
      yield* seconds(60, limit)
      expect(deployment.throughput(80_000, 110_000)).toBeGreaterThanOrEqual(9)
    }).pipe(Effect.provide(deployment.layer.pipe(policy, withRetry({ times: 1 }))))
  })

  it.effect("does not fall for aborted calls, callers' mistakes and failures that are not of capacity", () => {
    const errors = [
      reasons.InvalidRequestError(),
      reasons.ContentFilterError(),
      reasons.QuotaExceededError(),
      reasons.AuthenticationError(),
      reasons.ServerError(),
    ]
    const upstream = new Upstream(({ index }) =>
      index % 2 === 0 ? { stall: true } : { error: errors[index % errors.length], delay: 10 },
    )
    const { policy, seen } = watched({ initial: 8 })
    return Effect.gen(function* () {
      for (let turn = 0; turn < 50; turn++) {
        const fibers = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.forkChild(Effect.exit(ask(name))))
        yield* TestClock.adjust(100)
        yield* Effect.forEach(fibers, Fiber.interrupt)
      }
      expect([seen, upstream.inFlight]).toEqual([[], 0])
    }).pipe(Effect.provide(upstream.layer.pipe(policy)))
  })

  it.effect("falls once for all requests that were in flight together", () => {
    const upstream = new Upstream(() => ({ error: reasons.OverloadedError(), delay: 100 }))
    const { policy, seen } = watched({ initial: 40 })
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach(Array.from({ length: 40 }), () => Effect.forkChild(Effect.exit(ask(name))))
      yield* TestClock.adjust(1000)
      yield* Effect.forEach(fibers, Fiber.join)
      expect(seen).toEqual([32])
    }).pipe(Effect.provide(upstream.layer.pipe(policy)))
  })

  it.effect.each([
    ["a rate limit of the service", reasons.RateLimitError(), [6]],
    ["no capacity", reasons.OverloadedError(), [6]],
    ["no capacity, said in no time and without a status", new OverloadedError({ message: "full" }), [6]],
    ["a rate limit without a status", new RateLimitError({ message: "too fast" }), [6]],
    ["a time-out of the service", reasons.TimeoutError(), [6]],
    ["a failure of the service", reasons.ServerError(), []],
  ] as const)("after %s is as it should be", ([, error, expected]) => {
    const upstream = new Upstream(() => ({ error, delay: 10 }))
    const { policy, seen } = watched({ initial: 8 })
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.exit(ask(name)))
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
      expect(seen).toEqual(expected)
    }).pipe(Effect.provide(upstream.layer.pipe(policy)))
  })

  it.effect("counts an answer once, a stream at its first output", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 100 }))
    const { policy, seen } = watched({ initial: 10 })
    return Effect.gen(function* () {
      const ten = Effect.gen(function* () {
        const fibers = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.forkChild(ask(name)))
        yield* TestClock.adjust(100)
        yield* Effect.forEach(fibers, Fiber.join)
        return [...seen]
      })
      expect([yield* ten, yield* ten]).toEqual([[], [15]])
    }).pipe(Effect.provide(upstream.layer.pipe(policy)))
  })

  it.effect("does not fall for a pace after a failure of the same call that took time", () => {
    const upstream = new Upstream(() => ({ error: reasons.ServerError(), delay: 100 }))
    const { policy, seen } = watched({ initial: 8 })
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).attempts.map(({ errorType }) => errorType)).toContain("RateLimitError")
      expect(seen).toEqual([])
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 1, maxWait: 0 }), policy, withRetry({ times: 1 }))))
  })

  it.effect("does not fall for clocks within it that are not those of a request", () => {
    const upstream = new Upstream(() => ({ stall: true }))
    const { policy, seen } = watched({ initial: 8 })
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust(1000)
      expect((yield* Fiber.join(fiber)).reason).toMatchObject({ _tag: "TimeoutError", clock: "total" })
      expect(seen).toEqual([])
    }).pipe(Effect.provide(upstream.layer.pipe(withTimeout(500), policy)))
  })

  it.effect("falls for attempts out of time, not for a call's own deadline", () =>
    Effect.gen(function* () {
      const ends = []
      for (const isAttempt of [true, false]) {
        const upstream = new Upstream(() => ({ stall: true }))
        const { policy, seen } = watched({ initial: 8 })
        const stack = isAttempt
          ? upstream.layer.pipe(withTimeout({ attempt: 500 }), policy)
          : upstream.layer.pipe(policy, withTimeout(500))
        const fiber = yield* Effect.forkChild(Effect.provide(Effect.exit(ask(name)), stack))
        yield* TestClock.adjust(1000)
        expect(Exit.isFailure(yield* Fiber.join(fiber))).toBe(true)
        ends.push(seen)
      }
      expect(ends).toEqual([[6], []])
    }),
  )

  it.effect("does not fall for a pace that this library keeps", () => {
    const upstream = new Upstream(() => "hello")
    const { policy, seen } = watched({ initial: 8 })
    return Effect.gen(function* () {
      yield* Effect.result(ask(name))
      expect((yield* Effect.flip(ask(name))).reason._tag).toBe("RateLimitError")
      expect(seen).toEqual([])
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 1, maxWait: 0 }), policy)))
  })

  it.effect("does not grow while it is not used", () => {
    const deployment = new Deployment({ servers: 100, above: "refuses" })
    const { limit, policy, seen } = watched()
    return Effect.gen(function* () {
      yield* crowd(name, 4)
      yield* seconds(40, limit)
      expect(seen).toEqual([])
    }).pipe(Effect.provide(deployment.layer.pipe(policy)))
  })

  it.effect("is kept to, first come first served, also when it has just fallen", () => {
    const upstream = new Upstream(({ index }) =>
      index === 0 ? { error: reasons.OverloadedError(), delay: 50 } : { text: "hello", delay: 100 },
    )
    const { policy } = watched({ initial: 10, max: 10 })
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach(Array.from({ length: 30 }), (_, seed) =>
        Effect.forkChild(Effect.exit(ask(name, { ...hello, seed }))),
      )
      yield* TestClock.adjust(50)
      // Nine are left, one more than the limit: nobody is let in.
      expect([upstream.asked.length, upstream.inFlight]).toEqual([10, 9])
      yield* TestClock.adjust(50)
      expect(upstream.inFlight).toBe(8)
      yield* TestClock.adjust("1 minute")
      yield* Effect.forEach(fibers, Fiber.join)
      expect(upstream.asked.map(({ request }) => request.seed)).toEqual(Array.from({ length: 30 }, (_, seed) => seed))
    }).pipe(Effect.provide(upstream.layer.pipe(policy)))
  })

  it.effect("lets a call wait no longer than its queue clock", () => {
    const upstream = new Upstream(() => ({ stall: true }))
    return Effect.gen(function* () {
      yield* Effect.forkChild(ask(name))
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust(700)
      expect((yield* Fiber.join(fiber)).reason).toMatchObject({ _tag: "TimeoutError", clock: "queue" })
      expect(upstream.asked.length).toBe(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withAdaptiveConcurrency({ max: 1 }), withTimeout({ queue: 700 }))))
  })
})

it.effect("a stream holds its place to its end, and its latency counts to the first output", () => {
  const upstream = new Upstream(() => ({ text: ["a", "b"], delay: 100, pause: 60_000 }))
  const { policy, seen } = watched({ initial: 20, max: 100 })
  return Effect.gen(function* () {
    yield* crowd("stream", 40)
    yield* TestClock.adjust(101)
    expect([upstream.inFlight, seen]).toEqual([30, [30]])
    yield* TestClock.adjust(50_000)
    expect(upstream.asked.length).toBe(30)
  }).pipe(Effect.provide(upstream.layer.pipe(policy)))
})

it.effect.each([
  ["with a status", 429, [6]],
  ["without one", undefined, []],
] as const)(
  "a rate limit of a provider that keeps no records counts where it came from a service: %s",
  ([, status, expected]) => {
    const { policy, seen } = watched({ initial: 8 })
    const reason = new RateLimitError({ message: "too fast", ...(status === undefined ? {} : { status }) })
    const failing = Effect.fail(new LlmError({ reason, provider: "hand", attempts: [] }))
    const layer = Layer.succeed(LlmProvider, {
      name: "hand",
      generate: () => failing,
      stream: () => Stream.fromEffect(failing),
    })
    return Effect.gen(function* () {
      expect((yield* Effect.flip(ask("generate"))).reason._tag).toBe("RateLimitError")
      expect(seen).toEqual(expected)
    }).pipe(Effect.provide(layer.pipe(policy)))
  },
)

it.effect("a listener that throws changes nothing", () => {
  const upstream = new Upstream(() => ({ error: reasons.OverloadedError() }))
  const policy = withAdaptiveConcurrency({
    onLimit: () => {
      throw new Error("a broken listener")
    },
  })
  return Effect.gen(function* () {
    expect((yield* Effect.flip(ask("generate"))).reason._tag).toBe("OverloadedError")
  }).pipe(Effect.provide(upstream.layer.pipe(policy)))
})

it.effect("embeddings have a limit too", () => {
  const embeddings = ScriptedEmbeddings.layerEmbeddings(Array.from({ length: 40 }, () => ({ delay: 100 })))
  const { policy, seen } = watched({ initial: 4, max: 9 })
  return Effect.gen(function* () {
    const { embed } = yield* EmbeddingProvider
    const all = Effect.forEach(Array.from({ length: 40 }), () => embed({ inputs: ["a"] }), { concurrency: "unbounded" })
    const fiber = yield* Effect.forkChild(all)
    yield* TestClock.adjust("1 minute")
    yield* Fiber.join(fiber)
    expect(seen).toEqual([6, 9])
  }).pipe(Effect.provide(embeddings.pipe(policy)))
})
