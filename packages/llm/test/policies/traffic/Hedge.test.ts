/** Hedging: the slow request is overtaken by a second one, once in a call, never after its first output, within its limits. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { CallEvent } from "../../../src/call/CallEvent.ts"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import { withConcurrency } from "../../../src/policies/Concurrency.ts"
import { withObserver } from "../../../src/policies/Observer.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import { withTelemetry } from "../../../src/policies/Telemetry.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import { type HedgeOptions, withHedge } from "../../../src/policies/traffic/Hedge.ts"
import { HedgeBudget } from "../../../src/policies/traffic/HedgeBudget.ts"
import * as ScriptedEmbeddings from "../../../src/testing/ScriptedEmbeddings.ts"
import { ask, type CallName, callNames, hello } from "../Calls.ts"
import { type Act, type Arrival, BilledUpstream } from "./BilledUpstream.ts"

/** Call number `seed`, by which the upstream tells a second request. */
const call = (name: CallName, seed: number) => ask(name, { ...hello, seed })

/** So many calls, one after the other. */
const calls = (name: CallName, count: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: count }), (_, seed) => Effect.exit(call(name, seed))),
    )
    yield* TestClock.adjust("1 day")
    return yield* Fiber.join(fiber)
  })

const last = 1000

/** The last call, and when it ended. */
const lastCall = (name: CallName) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.result(call(name, last)))
    yield* TestClock.adjust("1 day")
    return yield* Fiber.join(fiber)
  })

/** Answers in 100 ms; the requests of the last call, in turn, as told. */
const slowAtLast = (...acts: ReadonlyArray<Act>) => {
  let turn = 0
  return new BilledUpstream((_, seed) => (seed === last ? acts[turn++] : undefined) ?? { delayMs: 100, costUsd: 1 })
}

const stalled: Act = { delayMs: 1e9 }

describe.each(callNames)("a hedge of %s", (name) => {
  it.effect("sends a second request after the p95 of the model, and takes the first answer to begin", () => {
    const upstream = slowAtLast(stalled)
    const events: Array<CallEvent> = []
    const stack = upstream.layer.pipe(
      withHedge(),
      withTelemetry,
      withObserver((event) => events.push(event)),
    )
    return Effect.gen(function* () {
      yield* calls(name, 20)
      const result = yield* lastCall(name)
      expect(result).toMatchObject({ _tag: "Success", success: { text: "21 begins, 21 ends" } })
      const { metadata } = result._tag === "Success" ? result.success : { metadata: undefined }
      expect(metadata?.attempts).toMatchObject([
        { durationMs: 201, costUsd: null },
        { durationMs: 100, servedModel: undefined, costUsd: 1 },
      ])
      expect(metadata?.attempts.map(({ errorType }) => errorType)).toEqual([undefined, undefined])
      const [first, second] = upstream.arrivals.slice(20)
      // The one that lost ends when the other wins, and not when the call does.
      expect([second, first].map((arrival) => (arrival?.endedAtMs ?? 0) - (first?.atMs ?? 0))).toEqual([201, 201])
      expect(events.filter(({ type }) => type === "hedge")).toEqual([{ type: "hedge", afterMs: 101 }])
      const ends = events.flatMap((event) => (event.type === "attempt-end" ? [Exit.isSuccess(event.exit)] : []))
      expect(ends.slice(-2).toSorted()).toEqual([false, true])
    }).pipe(Effect.provide(stack))
  })

  it.effect("takes the first request where that begins sooner after all", () => {
    const upstream = slowAtLast({ delayMs: 150 }, { delayMs: 100 })
    return Effect.gen(function* () {
      yield* calls(name, 20)
      expect(yield* lastCall(name)).toMatchObject({ success: { text: "20 begins, 20 ends" } })
      expect([upstream.seconds.length, upstream.inFlight]).toEqual([1, 0])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge())))
  })

  it.effect("sends none before the model has answered often enough", () => {
    const upstream = slowAtLast({ delayMs: 5000 })
    return Effect.gen(function* () {
      yield* calls(name, 19)
      yield* lastCall(name)
      expect(upstream.seconds).toEqual([])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ maxRequests: 1 }))))
  })

  it.effect("sends none after the first output, however long the rest takes", () => {
    const upstream = slowAtLast({ delayMs: 99, pauseMs: 60_000 })
    return Effect.gen(function* () {
      yield* calls(name, 20)
      yield* lastCall(name)
      expect(upstream.seconds).toEqual([])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge())))
  })

  it.effect("counts the time from the sending of the request, not from the wait for a permit", () => {
    const upstream = new BilledUpstream(() => ({ delayMs: 100 }))
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach(Array.from({ length: 30 }), (_, seed) => Effect.forkChild(call(name, seed)))
      yield* TestClock.adjust("1 day")
      yield* Effect.forEach(fibers, Fiber.join)
      expect(upstream.seconds).toEqual([])
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1), withHedge({ after: 200, maxRequests: 1 }))))
  })

  it.effect("waits for the other where one fails, and fails as the first where both do", () =>
    Effect.gen(function* () {
      const ends = []
      for (const acts of [
        [{ delayMs: 150, fails: "ServerError" }, { delayMs: 500 }],
        [{ delayMs: 500 }, { delayMs: 10, fails: "RateLimitError" }],
        [
          { delayMs: 150, fails: "ServerError" },
          { delayMs: 500, fails: "RateLimitError" },
        ],
        [
          { delayMs: 500, fails: "ServerError" },
          { delayMs: 10, fails: "RateLimitError" },
        ],
        [{ delayMs: 50, fails: "ServerError" }],
      ] satisfies ReadonlyArray<ReadonlyArray<Act>>) {
        const upstream = slowAtLast(...acts)
        const run = Effect.gen(function* () {
          yield* calls(name, 20)
          const result = yield* lastCall(name)
          return result._tag === "Success"
            ? [result.success.text, result.success.metadata.attempts.map(({ errorType }) => errorType)]
            : [result.failure.reason._tag, result.failure.attempts.map(({ errorType }) => errorType)]
        })
        ends.push(yield* Effect.provide(run, upstream.layer.pipe(withHedge())))
        expect(upstream.inFlight).toBe(0)
      }
      expect(ends).toEqual([
        ["21 begins, 21 ends", ["ServerError", undefined]],
        ["20 begins, 20 ends", [undefined, "RateLimitError"]],
        ["ServerError", ["ServerError", "RateLimitError"]],
        ["ServerError", ["ServerError", "RateLimitError"]],
        ["ServerError", ["ServerError"]],
      ])
    }),
  )

  it.effect("sends one in a call, also where that is retried", () => {
    const upstream = slowAtLast(...Array.from({ length: 8 }, (): Act => ({ delayMs: 300, fails: "ServerError" })))
    return Effect.gen(function* () {
      yield* calls(name, 100)
      const result = yield* lastCall(name)
      expect(result._tag === "Failure" && result.failure.attempts.length).toBe(4)
      expect(upstream.arrivals.length).toBe(104)
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge(), withRetry({ times: 2 }))))
  })

  it.effect("retries no second request, where it stands around the retries", () => {
    const upstream = slowAtLast(stalled, { delayMs: 1, fails: "ServerError" }, { delayMs: 5 })
    return Effect.gen(function* () {
      yield* calls(name, 100)
      yield* lastCall(name)
      expect(upstream.seconds.length).toBe(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry({ times: 3 }), withHedge(), withTimeout("1 hour"))))
  })

  it.effect("has a permit for each request, and gives that of the loser back when the other wins", () => {
    const upstream = slowAtLast(stalled, { delayMs: 100, pauseMs: 60_000 })
    return Effect.gen(function* () {
      yield* calls(name, 20)
      const slow = yield* Effect.forkChild(call(name, last))
      yield* TestClock.adjust(201)
      const other = yield* Effect.forkChild(call(name, 21))
      yield* TestClock.adjust(100)
      // Of `generate` the second is not whole yet, so that both still run.
      expect(upstream.arrivals.length).toBe(name === "stream" ? 23 : 22)
      yield* TestClock.adjust("1 day")
      yield* Fiber.join(slow)
      yield* Fiber.join(other)
      expect(upstream.inFlight).toBe(0)
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(2), withHedge())))
  })

  it.effect("costs nothing where the second request got no permit", () => {
    const upstream = new BilledUpstream((index) => ({ delayMs: index < 20 ? 100 : 150 }))
    return Effect.gen(function* () {
      yield* calls(name, 60)
      expect(upstream.arrivals.length).toBe(60)
      const free = yield* Effect.forkChild(call(name, last))
      yield* TestClock.adjust("1 day")
      yield* Fiber.join(free)
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1), withHedge({ after: 120 }))))
  })

  it.effect("under a deadline records both as ended by it", () => {
    const upstream = slowAtLast(stalled, stalled)
    return Effect.gen(function* () {
      yield* calls(name, 20)
      const result = yield* lastCall(name)
      expect(result).toMatchObject({
        failure: {
          reason: { _tag: "TimeoutError" },
          attempts: [
            { durationMs: 300, errorType: "TimeoutError" },
            { durationMs: 199, errorType: "TimeoutError" },
          ],
        },
      })
      expect(upstream.inFlight).toBe(0)
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge(), withTimeout(300))))
  })

  it.effect("saves up no more than ten, so that an outage is not met with a flood", () => {
    let isSlow = false
    const upstream = new BilledUpstream(() => ({ delayMs: isSlow ? 10_000 : 100 }))
    return Effect.gen(function* () {
      yield* calls(name, 1000)
      isSlow = true
      const fibers = yield* Effect.forEach(Array.from({ length: 200 }), (_, index) =>
        Effect.forkChild(call(name, 1000 + index)),
      )
      yield* TestClock.adjust(5000)
      expect(upstream.seconds.length).toBe(10)
      yield* Effect.forEach(fibers, Fiber.interrupt)
      expect(upstream.inFlight).toBe(0)
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: 150 }))))
  })

  it.effect("sends none at an unknown price where money is limited", () => {
    const upstream = new BilledUpstream((index) => ({ delayMs: index < 40 ? 100 : 1000 }))
    return Effect.gen(function* () {
      yield* calls(name, 60)
      expect(upstream.seconds).toEqual([])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: 150, maxCostUsd: 100 }))))
  })

  it.effect("stops when its money is spent, whichever request wins", () => {
    const upstream = new BilledUpstream((index) => ({ delayMs: index < 100 ? 100 : 1000 - (index % 2), costUsd: 0.25 }))
    return Effect.gen(function* () {
      yield* calls(name, 500)
      expect(upstream.seconds.length).toBe(4)
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: 150, maxCostUsd: 1, maxRequests: 1 }))))
  })

  it.effect("shares its limits with the other Layers of its budget", () => {
    const upstream = new BilledUpstream((index) => ({ delayMs: index < 100 ? 100 : 1000, costUsd: 0.25 }))
    const budget = new HedgeBudget({ maxCostUsd: 1, maxRequests: 1 })
    const policy = withHedge({ after: 150, budget })
    return Effect.gen(function* () {
      yield* Effect.provide(calls(name, 200), upstream.layer.pipe(policy))
      yield* Effect.provide(calls(name, 200), upstream.layer.pipe(policy))
      const firsts = 400
      expect(upstream.arrivals.length - firsts).toBe(4)
      expect(budget.spentUsd).toBe(1)
    })
  })

  it.effect("spends no more than a share of what first requests cost", () => {
    const upstream = new BilledUpstream((index) => ({ delayMs: index < 100 ? 100 : 1000, costUsd: 0.25 }))
    return Effect.gen(function* () {
      yield* calls(name, 500)
      const { length } = upstream.seconds
      expect(length).toBeGreaterThan(8)
      expect(length).toBeLessThanOrEqual(0.02 * 500)
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: 150, maxCostShare: 0.02, maxRequests: 1 }))))
  })
})

const Milliseconds = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const Load = Schema.Array(
  Schema.Struct({
    delayMs: Milliseconds(2000),
    pauseMs: Milliseconds(300),
    fails: Schema.Literals(["none", "none", "none", "ServerError", "RateLimitError"]),
    costCents: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
    gapMs: Milliseconds(500),
    abortAfterMs: Schema.Literals([1e6, 1e6, 1e6, 100, 700]),
  }),
).check(Schema.isMinLength(20), Schema.isMaxLength(80))

const Limits = Schema.Struct({
  after: Schema.Literals(["p50", "p95", 0, 50, 300]),
  samples: Schema.Literals([1, 5, 20]),
  maxRequests: Schema.Literals([0.05, 0.1, 0.34, 1]),
  maxCostUsd: Schema.Literals([1e6, 0, 1.5, 4]),
})

/** The first answers cost the most, so that what may be aborted costs no more than what is known. */
const mostUsd = 1
const learning = 10

describe.each(callNames)("whatever happens to a hedged %s", (name) => {
  it.effect.prop(
    "its requests and its cost stay within their limits, none is sent after output, and no text comes twice",
    { load: Load, limits: Limits },
    ({ limits, load }) => {
      const options: HedgeOptions = limits
      const upstream = new BilledUpstream((index) => {
        if (index < learning) return { delayMs: 100, costUsd: mostUsd }
        const act = load[index % load.length]
        if (act === undefined) return { delayMs: 0 }
        const { costCents, fails, ...times } = act
        return { ...times, costUsd: (mostUsd * costCents) / 100, ...(fails === "none" ? {} : { fails }) }
      })
      return Effect.gen(function* () {
        yield* calls(name, learning)
        const fibers = []
        for (const [index, { abortAfterMs, gapMs }] of load.entries()) {
          const fiber = yield* Effect.forkChild(Effect.exit(call(name, learning + index)))
          fibers.push(fiber)
          yield* Effect.forkChild(Effect.delay(Fiber.interrupt(fiber), abortAfterMs))
          yield* TestClock.adjust(gapMs)
        }
        yield* TestClock.adjust("1 day")
        for (const fiber of fibers) {
          const exit = yield* Fiber.await(fiber)
          if (Exit.isFailure(exit) || Exit.isFailure(exit.value)) continue
          const answered = Number.parseInt(exit.value.value.text, 10)
          expect(exit.value.value.text).toBe(`${answered} begins, ${answered} ends`)
        }
        const firsts = new Map<number, Arrival>()
        const seconds: Array<Arrival> = []
        for (const arrival of upstream.arrivals) {
          const first = firsts.get(arrival.seed)
          if (first === undefined) firsts.set(arrival.seed, arrival)
          else {
            seconds.push(arrival)
            expect(seconds.length).toBeLessThanOrEqual(limits.maxRequests * firsts.size + 1e-9)
            expect(arrival.atMs).toBeLessThanOrEqual(first.outputAtMs ?? Number.POSITIVE_INFINITY)
          }
        }
        expect(new Set(seconds.map(({ seed }) => seed)).size).toBe(seconds.length)
        // As if the service charged those that were interrupted in full.
        const extraUsd = seconds.reduce((sum, { costUsd }) => sum + costUsd, 0)
        expect(extraUsd).toBeLessThanOrEqual(limits.maxCostUsd + 1e-9)
        expect(upstream.inFlight).toBe(0)
      }).pipe(Effect.provide(upstream.layer.pipe(withHedge(options))))
    },
  )
})

it.effect("embeddings are hedged too", () => {
  const embeddings = ScriptedEmbeddings.layerEmbeddings([
    ...Array.from({ length: 20 }, () => ({ delay: 100 })),
    { delay: "1 hour" },
    { delay: 100 },
  ])
  return Effect.gen(function* () {
    const { embed } = yield* EmbeddingProvider
    const asked = Effect.forEach(Array.from({ length: 21 }), () => embed({ inputs: ["a"] }))
    const fiber = yield* Effect.forkChild(asked)
    yield* TestClock.adjust("1 minute")
    const answers = yield* Fiber.join(fiber)
    expect(answers.at(-1)?.metadata.attempts).toMatchObject([{ durationMs: 201 }, { durationMs: 100 }])
    expect(embeddings.requests.length).toBe(22)
  }).pipe(Effect.provide(embeddings.pipe(withHedge())))
})
