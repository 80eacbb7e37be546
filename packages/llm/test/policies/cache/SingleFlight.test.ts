/** Who shares a request with whom: calls of one process, and of several where their store has leases. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { CallOptions, tagCalls } from "../../../src/call/CallOptions.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import * as CacheStore from "../../../src/policies/cache/CacheStore.ts"
import { withConcurrency } from "../../../src/policies/Concurrency.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import { withBudget } from "../../../src/policies/usage/Budget.ts"
import { UsageLedger, withUsageLedger } from "../../../src/policies/usage/UsageLedger.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

/** What was said, without what belongs to one call. */
const said = ({ finishReason, parts, text, toolCalls }: Effect.Success<ReturnType<typeof ask>>) => ({
  finishReason,
  parts,
  text,
  toolCalls,
})

describe("equal calls under way", () => {
  it.effect.each(["generate", "stream", "mixed"] as const)("a hundred of them make one request: %s", (kind) => {
    const upstream = new Upstream(() => ({ text: ["Hel", "lo"], delay: 1000, pause: 1000 }))
    return Effect.gen(function* () {
      const calls = Array.from({ length: 100 }, (_, index) =>
        Effect.delay(ask(kind === "mixed" ? (index % 3 === 0 ? "generate" : "stream") : kind), index * 10),
      )
      const fiber = yield* Effect.forkChild(Effect.all(calls, { concurrency: "unbounded" }))
      yield* TestClock.adjust("1 minute")
      const answers = yield* Fiber.join(fiber)
      expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(["Hello"]))
      expect(upstream.asked).toHaveLength(1)
      expect(answers.filter(({ metadata }) => metadata.cached !== true)).toHaveLength(1)
      expect(answers.flatMap(({ metadata }) => metadata.attempts)).toHaveLength(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect("a later stream gets what came before at once, and the rest as it comes", () => {
    const upstream = new Upstream(() => ({ text: ["a", "b", "c"], delay: 1000, pause: 1000 }))
    return Effect.gen(function* () {
      const seen = yield* Ref.make<ReadonlyArray<string>>([])
      const first = yield* Effect.forkChild(ask("stream"))
      yield* TestClock.adjust(2500)
      const second = yield* Effect.forkChild(
        ask("stream", hello, (event) => {
          if (event.type === "text-delta") Effect.runSync(Ref.update(seen, (texts) => [...texts, event.delta]))
        }),
      )
      yield* TestClock.adjust(1)
      expect(yield* Ref.get(seen)).toEqual(["a", "b"])
      yield* TestClock.adjust(1000)
      expect(yield* Ref.get(seen)).toEqual(["a", "b", "c"])
      expect(said(yield* Fiber.join(second))).toEqual(said(yield* Fiber.join(first)))
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect.each(callNames)("share one failure, each with its own attempts: %s", (name) => {
    const upstream = new Upstream(() => ({ error: reasons.RateLimitError({ retryAfterMs: 5 }), delay: 1000 }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 20 }, () => Effect.flip(ask(name))),
          { concurrency: "unbounded" },
        ),
      )
      yield* TestClock.adjust("1 minute")
      const errors = yield* Fiber.join(fiber)
      expect(new Set(errors.map(({ reason }) => reason._tag))).toEqual(new Set(["RateLimitError"]))
      expect(upstream.asked).toHaveLength(1)
      expect(errors.map(({ attempts }) => attempts.length).toSorted()).toEqual([...Array(19).fill(0), 1])
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect.each(callNames)(
    "go on where the one that began is interrupted, and one of them owns the request: %s",
    (name) => {
      const upstream = new Upstream(() => ({ text: "hello", delay: 1000 }))
      const ledger = new UsageLedger()
      return Effect.gen(function* () {
        const leader = yield* Effect.forkChild(ask(name))
        yield* TestClock.adjust(100)
        const others = yield* Effect.forkChild(Effect.all([ask(name), ask(name)], { concurrency: "unbounded" }))
        yield* TestClock.adjust(100)
        yield* Fiber.interrupt(leader)
        yield* TestClock.adjust(800)
        const answers = yield* Fiber.join(others)
        expect(answers.map(({ text }) => text)).toEqual(["hello", "hello"])
        expect(answers.map(({ metadata }) => metadata.attempts.length)).toEqual([1, 0])
        expect([upstream.asked.length, upstream.inFlight]).toEqual([1, 0])
      }).pipe(Effect.provide(upstream.layer.pipe(withCache(), withUsageLedger(ledger))))
    },
  )

  it.effect.each(callNames)(
    "begin anew, with one request, where the request fails without the call that began it: %s",
    (name) => {
      const upstream = new Upstream(({ index }) =>
        index === 0 ? { error: reasons.ServerError(), delay: 1000 } : { text: "hello", delay: 1000 },
      )
      return Effect.gen(function* () {
        const leader = yield* Effect.forkChild(ask(name))
        yield* TestClock.adjust(100)
        const others = yield* Effect.forkChild(
          Effect.all(
            Array.from({ length: 10 }, () => ask(name)),
            { concurrency: "unbounded" },
          ),
        )
        yield* TestClock.adjust(100)
        yield* Fiber.interrupt(leader)
        yield* TestClock.adjust(5000)
        expect((yield* Fiber.join(others)).map(({ text }) => text)).toEqual(Array(10).fill("hello"))
        expect(upstream.asked).toHaveLength(2)
      }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
    },
  )

  it.effect.each(callNames)("share no failure of a call that sets other retries: %s", (name) => {
    const upstream = new Upstream(({ index }) =>
      index === 0 ? { error: reasons.OverloadedError(), delay: 1000 } : { text: "hello", delay: 1000 },
    )
    return Effect.gen(function* () {
      const once = Effect.provideService(ask(name), CallOptions, { maxRetries: 0 })
      const hasty = yield* Effect.forkChild(Effect.flip(once))
      yield* TestClock.adjust(100)
      const patient = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(hasty)).reason._tag).toBe("OverloadedError")
      expect((yield* Fiber.join(patient)).text).toBe("hello")
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry(), withCache())))
  })

  it.effect.each(callNames)("share no refusal of a budget that is not theirs: %s", (name) => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 1000, usage: { totalTokens: 1000 } }))
    const stack = upstream.layer.pipe(withConcurrency(1), withCache(), withBudget({ tokens: 1500, tag: "team" }))
    return Effect.gen(function* () {
      const of = (team: string, seed: number) =>
        Effect.forkChild(Effect.result(tagCalls({ team })(ask(name, { ...hello, seed }))))
      const first = yield* of("poor", 1)
      yield* TestClock.adjust(1000)
      yield* Fiber.join(first)
      const before = yield* of("others", 2)
      yield* TestClock.adjust(100)
      const poor = yield* of("poor", 3)
      yield* TestClock.adjust(100)
      const rich = yield* of("rich", 3)
      yield* TestClock.adjust(5000)
      yield* Fiber.join(before)
      expect(yield* Fiber.join(poor)).toMatchObject({ failure: { reason: { _tag: "BudgetExceededError" } } })
      expect(yield* Fiber.join(rich)).toMatchObject({ success: { text: "hello", metadata: { attempts: [{}] } } })
    }).pipe(Effect.provide(stack))
  })

  it.effect.each(callNames)("wait under deadlines of their own, from when the request was let go: %s", (name) => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 10_000 }))
    const stack = upstream.layer.pipe(withCache(), withTimeout({ total: "5 seconds", totalFrom: "first-permit" }))
    return Effect.gen(function* () {
      const patient = yield* Effect.forkChild(Effect.provideService(ask(name), CallOptions, { timeoutMs: 60_000 }))
      yield* TestClock.adjust(1000)
      const hasty = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust(5000)
      expect((yield* Fiber.join(hasty)).reason).toMatchObject({ _tag: "TimeoutError", clock: "total" })
      yield* TestClock.adjust(5000)
      expect((yield* Fiber.join(patient)).text).toBe("hello")
      expect(upstream.asked).toHaveLength(1)
    }).pipe(Effect.provide(stack))
  })

  it.effect("read in step by one reader, both come to their end", () => {
    const texts = Array.from({ length: 600 }, (_, index) => `${index} `)
    const upstream = new Upstream(() => ({ text: texts }))
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const pairs = yield* Stream.runCollect(Stream.zip(llm.stream(hello), llm.stream(hello)))
      expect(pairs.length).toBeGreaterThan(600)
      expect(pairs.filter(([left, right]) => left.type !== right.type)).toEqual([])
      expect(upstream.asked).toHaveLength(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect("a stream is read ahead of a reader that stopped by a bounded number of events", () => {
    let produced = 0
    const endless = Layer.succeed(LlmProvider, {
      name: "endless",
      generate: () => Effect.never,
      stream: () =>
        Stream.fromEffectRepeat(
          Effect.delay(
            Effect.sync(() => {
              produced += 1
              return { type: "text-delta" as const, index: 0, delta: "x" }
            }),
            1,
          ),
        ),
    })
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const reader = yield* Effect.forkChild(Stream.runForEach(llm.stream(hello), () => Effect.never))
      yield* TestClock.adjust(5000)
      expect([produced > 200, produced < 300]).toEqual([true, true])
      yield* Fiber.interrupt(reader)
    }).pipe(Effect.provide(endless.pipe(withCache())))
  })

  it.effect.each(callNames)("share a defect, and the next call asks again: %s", (name) => {
    let asked = 0
    const broken = Layer.succeed(LlmProvider, {
      name: "broken",
      generate: () => Effect.suspend(() => Effect.die(`bug ${asked++}`)),
      stream: () => Stream.suspend(() => Stream.die(`bug ${asked++}`)),
    })
    return Effect.gen(function* () {
      const ends = [yield* Effect.exit(ask(name)), yield* Effect.exit(ask(name))]
      expect(ends.map((end) => (Exit.isFailure(end) ? Cause.squash(end.cause) : end))).toEqual(["bug 0", "bug 1"])
    }).pipe(Effect.provide(broken.pipe(withCache())))
  })

  it.effect.each(callNames)(
    "of another process are waited for under the call's own deadline, and asked when it is gone: %s",
    (name) => {
      const now = { isTaken: true }
      const memory = CacheStore.memory()
      const lease = { renew: Effect.void, renewEvery: Duration.seconds(1), release: Effect.void }
      const store: CacheStore.CacheStore = {
        ...memory,
        lease: () => Effect.sync(() => (now.isTaken ? Option.none() : Option.some(lease))),
      }
      const upstream = new Upstream(() => "hello")
      const stack = upstream.layer.pipe(
        withCache({ store }),
        withTimeout({ total: "5 seconds", totalFrom: "first-permit" }),
      )
      return Effect.gen(function* () {
        const late = yield* Effect.forkChild(Effect.flip(ask(name)))
        yield* TestClock.adjust(5000)
        expect((yield* Fiber.join(late)).reason).toMatchObject({ _tag: "TimeoutError", clock: "total" })
        const waiting = yield* Effect.forkChild(ask(name))
        yield* TestClock.adjust(2000)
        expect(upstream.asked).toHaveLength(0)
        now.isTaken = false
        yield* TestClock.adjust(1000)
        expect((yield* Fiber.join(waiting)).text).toBe("hello")
      }).pipe(Effect.provide(stack))
    },
  )

  it.effect.each(callNames)("renew a lease while they run, and give it back however they end: %s", (name) => {
    const seen: Array<string> = []
    const store: CacheStore.CacheStore = {
      ...CacheStore.memory(),
      lease: () =>
        Effect.succeedSome({
          renew: Effect.sync(() => void seen.push("renewed")),
          renewEvery: Duration.seconds(1),
          release: Effect.sync(() => void seen.push("released")),
        }),
    }
    const upstream = new Upstream(({ index }) =>
      index === 0 ? { text: "hello", delay: 2500 } : index === 1 ? { error: reasons.ServerError() } : { stall: true },
    )
    return Effect.gen(function* () {
      const answered = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(2500)
      yield* Fiber.join(answered)
      expect(seen.splice(0)).toEqual(["renewed", "renewed", "released"])
      yield* Effect.exit(ask(name, { ...hello, seed: 1 }))
      expect(seen.splice(0)).toEqual(["released"])
      const given = yield* Effect.forkChild(ask(name, { ...hello, seed: 2 }))
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(given)
      expect(seen.splice(0)).toEqual(["released"])
      expect(upstream.inFlight).toBe(0)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ store }))))
  })
})
