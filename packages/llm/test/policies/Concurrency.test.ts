/** Law 12 (never more than N in flight, first come first served), and the permits of laws 8 and 11. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import * as Permits from "../../src/policies/mechanisms/Permits.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, callNames, hello, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const slow = { text: ["he", "llo"], delay: 1000 }
const numbered = (seed: number) => ({ ...hello, seed })
const arrived = (upstream: Upstream) => upstream.asked.map(({ request }) => request.seed)
const Load = Schema.Array(
  Schema.Struct({
    delay: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
    fails: Schema.Boolean,
    abortAfter: Schema.optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))),
  }),
).check(Schema.isMaxLength(40))

describe.each(callNames)("concurrency of %s", (name) => {
  it.effect.prop(
    "never has more than N requests in flight, and returns every permit, whatever fails or is aborted",
    { load: Load, permits: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })) },
    ({ load, permits }) => {
      const upstream = new Upstream(({ request }) => {
        const { delay = 0, fails = false } = load[request.seed ?? 0] ?? {}
        return fails ? { error: reasons.ServerError(), delay } : { text: "hello", delay }
      })
      return Effect.gen(function* () {
        const semaphore = yield* Semaphore.make(permits)
        const stack = upstream.layer.pipe(withConcurrency(semaphore))
        const fibers = yield* Effect.forEach(load, ({ abortAfter }, seed) => {
          const call = Effect.asVoid(Effect.exit(Effect.provide(ask(name, numbered(seed)), stack)))
          return Effect.forkChild(
            abortAfter === undefined ? call : Effect.asVoid(Effect.timeoutOption(call, abortAfter)),
          )
        })
        yield* TestClock.adjust("1 minute")
        yield* Effect.forEach(fibers, Fiber.join)
        expect(upstream.peakInFlight).toBeLessThanOrEqual(permits)
        expect(upstream.inFlight).toBe(0)
        expect(yield* Semaphore.takeIfAvailable(semaphore, permits)).toBe(true)
      })
    },
  )

  it.effect("serves first come first, and charges the wait to the attempt", () => {
    const upstream = new Upstream(() => slow)
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach([0, 1, 2, 3, 4], (seed) => Effect.forkChild(ask(name, numbered(seed))))
      yield* TestClock.adjust("1 minute")
      const responses = yield* Effect.forEach(fibers, Fiber.join)
      expect(arrived(upstream)).toEqual([0, 1, 2, 3, 4])
      expect(upstream.arrivals).toEqual([0, 0, 1000, 1000, 2000])
      const queuedMs = responses.map(({ metadata }) => metadata.attempts[0]?.queuedMs)
      expect(queuedMs).toEqual([0, 0, 1000, 1000, 2000])
      expect(upstream.peakInFlight).toBe(2)
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(2))))
  })

  it.effect("lets a waiter that is aborted leave the queue", () => {
    const upstream = new Upstream(() => slow)
    return Effect.gen(function* () {
      const [first, second, third] = yield* Effect.all([
        Effect.forkChild(ask(name, numbered(1))),
        Effect.forkChild(ask(name, numbered(2))),
        Effect.forkChild(ask(name, numbered(3))),
      ])
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(second)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(first)
      yield* Fiber.join(third)
      expect(arrived(upstream)).toEqual([1, 3])
      expect(upstream.arrivals).toEqual([0, 1000])
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1))))
  })

  it.effect("lets a waiter that is out of time leave the queue: the queue clock", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 10_000 }))
    return Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const first = yield* Effect.forkChild(ask(name))
      const second = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust(2999)
      expect(second.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(1)
      const error = yield* Fiber.join(second)
      expect(error.reason).toMatchObject({ _tag: "TimeoutError", clock: "queue", limitMs: 3000 })
      expect(error.message).toMatch(/no permit.*3000 ms/)
      expect(error.attempts).toEqual([])
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(first)
      expect(upstream.asked).toHaveLength(1)
      const third = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(third)
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1), withTimeout({ queue: 3000 }))))
  })

  it.effect("lets a waiter that is out of time leave the queue: the deadline", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 10_000 }))
    const stack = upstream.layer.pipe(withConcurrency(1))
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const impatient = Layer.succeed(LlmProvider, llm).pipe(withTimeout(3000))
      const first = yield* Effect.forkChild(ask(name))
      const second = yield* Effect.forkChild(Effect.flip(Effect.provide(ask(name), impatient)))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(second)).reason).toMatchObject({ _tag: "TimeoutError", clock: "total" })
      yield* Fiber.join(first)
      expect(upstream.asked).toHaveLength(1)
    }).pipe(Effect.provide(stack))
  })

  it.effect("charges every wait in the queue, also one that ran out of time, to the attempt that follows", () => {
    const upstream = new Upstream(({ index }) => ({ text: "hello", delay: index === 0 ? 3500 : 0 }))
    const stack = upstream.layer.pipe(withConcurrency(1), withTimeout({ queue: 3000 }), withRetry({ times: 1 }))
    return Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      yield* Effect.forkChild(ask(name))
      const second = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      const { attempts } = (yield* Fiber.join(second)).metadata
      expect(attempts.map(({ queuedMs }) => queuedMs)).toEqual([3000])
      expect(attempts[0]?.waitedMs).toBeGreaterThanOrEqual(1000)
    }).pipe(Effect.provide(stack))
  })

  it.effect("shares one limit among several targets", () => {
    const first = new Upstream(({ index }) =>
      index % 2 === 0 ? { ...slow, error: reasons.ServerError(), text: [] } : slow,
    )
    const second = new Upstream(() => slow)
    let inFlight = 0
    return Effect.gen(function* () {
      const permits = yield* Semaphore.make(2)
      const stack = first.layer.pipe(
        withConcurrency(permits),
        withFallback(second.layer.pipe(withConcurrency(permits))),
      )
      const all = yield* Effect.forkChild(
        Effect.provide(
          Effect.forEach(Array(8), () => ask(name), { concurrency: "unbounded" }),
          stack,
        ),
      )
      for (let tick = 0; tick < 40; tick++) {
        yield* TestClock.adjust(500)
        inFlight = Math.max(inFlight, first.inFlight + second.inFlight)
      }
      yield* Fiber.join(all)
      expect(inFlight).toBe(2)
      expect(second.asked).toHaveLength(4)
    })
  })
})

describe.each(callNames)("the queue of %s", (name) => {
  it.effect("does not try again a call that got no permit in time", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 10_000 }))
    const stack = upstream.layer.pipe(withConcurrency(1), withRetry(), withTimeout({ queue: 3000 }))
    return Effect.gen(function* () {
      yield* Effect.forkChild(ask(name))
      const second = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust(3000)
      expect(second.pollUnsafe()).toBeDefined()
      expect((yield* Fiber.join(second)).reason).toMatchObject({ clock: "queue" })
    }).pipe(Effect.provide(stack))
  })

  it.effect("is charged to the attempt from a millisecond on", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 1 }))
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(ask(name)))
      yield* TestClock.adjust(1000)
      const responses = yield* Effect.forEach(fibers, Fiber.join)
      expect(responses.map(({ metadata }) => metadata.attempts[0]?.queuedMs)).toEqual([0, 1])
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1))))
  })

  it.effect("is one for several Layers with permits of the program's own", () => {
    const [one, two] = [new Upstream(() => slow), new Upstream(() => slow)]
    const permits = Permits.make(1)
    return Effect.gen(function* () {
      const calls = [one, two].map(({ layer }) => Effect.provide(ask(name), layer.pipe(withConcurrency(permits))))
      const both = yield* Effect.forkChild(Effect.all(calls, { concurrency: "unbounded" }))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(both)
      expect([one.arrivals, two.arrivals]).toEqual([[0], [1000]])
    })
  })
})

describe("concurrency of streams", () => {
  it.effect("holds the permit of a streaming call to its end, and no longer", () => {
    const upstream = new Upstream(() => ({ text: ["he", "llo"], pause: 5000 }))
    return Effect.gen(function* () {
      const first = yield* Effect.forkChild(ask("stream", numbered(1)))
      const second = yield* Effect.forkChild(ask("stream", numbered(2)))
      yield* TestClock.adjust(4999)
      expect(arrived(upstream)).toEqual([1])
      yield* TestClock.adjust(1)
      expect(arrived(upstream)).toEqual([1, 2])
      yield* Fiber.join(first)
      yield* TestClock.adjust(5000)
      yield* Fiber.join(second)
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1))))
  })

  it.effect("takes a reader who stops reading for an abort", () => {
    const upstream = new Upstream(() => ({ text: ["he", "llo"], pause: 5000 }))
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const first = yield* Stream.runHead(Stream.filter(llm.stream(hello), ({ type }) => type === "text-delta"))
      expect(Option.getOrThrow(first)).toMatchObject({ delta: "he" })
      expect(upstream.inFlight).toBe(0)
      yield* Stream.runHead(llm.stream(hello))
      expect(upstream.asked).toHaveLength(2)
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1))))
  })
})
