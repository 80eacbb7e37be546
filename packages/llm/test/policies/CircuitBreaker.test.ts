/** Law 16: one breaker per target and model; it judges final outcomes, fails fast, and lets one probe through. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { openStream } from "../../src/policies/Policy.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import type { Answer } from "../../src/testing/Scripted.ts"
import { ask, type CallName, callNames, errorTypes, hello, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const busy = { error: reasons.OverloadedError() }
const unhealthy = [
  "ConnectionError",
  "TimeoutError",
  "OverloadedError",
  "ServerError",
  "StreamInterruptedError",
  "InvalidResponseError",
]

/** An upstream that answers as `now.answer` says. */
const changing = (answer: Answer) => {
  const now = { answer }
  return { now, upstream: new Upstream(() => now.answer) }
}

/** How `count` calls end, one after another. */
const ends = (name: CallName, count: number, model = "m") =>
  Effect.forEach(Array(count), () =>
    Effect.map(Effect.result(ask(name, { ...hello, model })), (result) =>
      result._tag === "Success" ? "answered" : result.failure.reason._tag,
    ),
  )

const three = withCircuitBreaker({ failures: 3, openFor: 5000 })

describe.each(callNames)("the circuit breaker of %s", (name) => {
  it.effect("opens on consecutive failures; then a call fails at once without a request", () => {
    const { upstream } = changing(busy)
    return Effect.gen(function* () {
      expect(yield* ends(name, 4)).toEqual([...Array<string>(3).fill("OverloadedError"), "CircuitOpenError"])
      expect(upstream.asked).toHaveLength(3)
      yield* TestClock.adjust(2000)
      const error = yield* Effect.flip(ask(name, { ...hello, model: "m" }))
      expect(error.reason).toMatchObject({ _tag: "CircuitOpenError", retryAfterMs: 3000 })
      expect(error.attempts).toMatchObject([
        { provider: "upstream", model: "m", errorType: "CircuitOpenError", durationMs: 0, retryAfterMs: 3000 },
      ])
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("does not open while successes come between", () => {
    const upstream = new Upstream(({ index }) => (index % 3 === 2 ? "hello" : busy))
    return Effect.gen(function* () {
      expect(yield* ends(name, 18)).not.toContain("CircuitOpenError")
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("opens on the failure rate, once there are calls enough to tell", () => {
    const upstream = new Upstream(({ index }) => (index % 2 === 0 ? "hello" : busy))
    return Effect.gen(function* () {
      expect(yield* ends(name, 20)).not.toContain("CircuitOpenError")
      expect(yield* ends(name, 1)).toEqual(["CircuitOpenError"])
    }).pipe(Effect.provide(upstream.layer.pipe(withCircuitBreaker({ rate: 0.5, calls: 20 }))))
  })

  it.effect("forgets a window's failures with the window", () => {
    const upstream = new Upstream(({ index }) => (index % 2 === 0 ? "hello" : busy))
    return Effect.gen(function* () {
      for (let window = 0; window < 5; window++) {
        expect(yield* ends(name, 10)).not.toContain("CircuitOpenError")
        yield* TestClock.adjust("30 seconds")
      }
    }).pipe(Effect.provide(upstream.layer.pipe(withCircuitBreaker({ rate: 0.5, calls: 20, window: "30 seconds" }))))
  })

  it.effect.each(errorTypes)("counts %s only if it says that the target is unhealthy", (errorType) => {
    const { upstream } = changing({ error: reasons[errorType]() })
    const counts = unhealthy.includes(errorType)
    return Effect.gen(function* () {
      const expected = counts ? "CircuitOpenError" : errorType
      expect((yield* ends(name, 4)).at(-1)).toBe(expected)
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("does not count aborts", () => {
    const { upstream } = changing({ text: "hello", delay: 1000 })
    return Effect.gen(function* () {
      for (let call = 0; call < 5; call++) {
        const fiber = yield* Effect.forkChild(ask(name))
        yield* TestClock.adjust(500)
        yield* Fiber.interrupt(fiber)
      }
      const last = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(1000)
      expect((yield* Fiber.join(last)).text).toBe("hello")
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("counts a target that does not answer until the call's deadline around it", () => {
    const { upstream } = changing({ stall: true })
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ends(name, 4))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toEqual([...Array<string>(3).fill("TimeoutError"), "CircuitOpenError"])
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry(), three, withTimeout("4 seconds"))))
  })

  it.effect("does not count the time that calls spend in the queue or wait for a limit", () => {
    const upstream = new Upstream(({ request }) =>
      request.seed === 1 ? { text: "hello", delay: 60_000 } : { error: reasons.RateLimitError({ retryAfterMs: 3000 }) },
    )
    const stack = upstream.layer.pipe(withConcurrency(1), withRetry(), three, withTimeout("4 seconds"))
    return Effect.gen(function* () {
      for (let round = 0; round < 4; round++) {
        yield* Effect.forkChild(Effect.exit(ask(name, { ...hello, model: "other", seed: 1 })))
        const fiber = yield* Effect.forkChild(ends(name, 1))
        yield* TestClock.adjust("10 seconds")
        expect(yield* Fiber.join(fiber)).not.toEqual(["CircuitOpenError"])
      }
    }).pipe(Effect.provide(stack))
  })

  it.effect("lets exactly one probe through when its time has come, and closes with its success", () => {
    const { now, upstream } = changing(busy)
    return Effect.gen(function* () {
      yield* ends(name, 3)
      now.answer = { text: "hello", delay: 1000 }
      yield* TestClock.adjust(5000)
      const fibers = yield* Effect.forEach(Array(50), () => Effect.forkChild(ends(name, 1)))
      yield* TestClock.adjust(1000)
      const outcomes = (yield* Effect.forEach(fibers, Fiber.join)).flat()
      expect(outcomes.filter((end) => end === "answered")).toHaveLength(1)
      expect(upstream.asked).toHaveLength(4)
      const after = yield* Effect.forkChild(ends(name, 5))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(after)).toEqual(Array<string>(5).fill("answered"))
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("stays open for another while when the probe fails, and probes again when it is aborted", () => {
    const { now, upstream } = changing(busy)
    return Effect.gen(function* () {
      yield* ends(name, 3)
      yield* TestClock.adjust(5000)
      expect(yield* ends(name, 2)).toEqual(["OverloadedError", "CircuitOpenError"])
      yield* TestClock.adjust(5000)
      now.answer = { text: "hello", delay: 1000 }
      const probe = yield* Effect.forkChild(ask(name, { ...hello, model: "m" }))
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(probe)
      now.answer = "hello"
      expect(yield* ends(name, 2)).toEqual(["answered", "answered"])
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("judges each model by itself", () => {
    const upstream = new Upstream(({ request }) => (request.model === "unhealthy" ? busy : "hello"))
    return Effect.gen(function* () {
      yield* ends(name, 3, "unhealthy")
      expect(yield* ends(name, 1, "unhealthy")).toEqual(["CircuitOpenError"])
      expect(yield* ends(name, 1, "well")).toEqual(["answered"])
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("fails over without a request while it is open", () => {
    const { upstream } = changing(busy)
    const second = new Upstream(() => "from the second", "second")
    return Effect.gen(function* () {
      expect(yield* ends(name, 10)).toEqual(Array<string>(10).fill("answered"))
      expect([upstream.asked.length, second.asked.length]).toEqual([3, 10])
    }).pipe(Effect.provide(upstream.layer.pipe(three, withFallback(second.layer))))
  })

  it.effect("pauses the target, whatever the model, when the account is empty and another target follows", () => {
    const { now, upstream } = changing({ error: reasons.QuotaExceededError() })
    const second = new Upstream(() => "from the second", "second")
    const stack = upstream.layer.pipe(withCircuitBreaker(), withFallback(second.layer.pipe(withCircuitBreaker())))
    return Effect.gen(function* () {
      expect(yield* ends(name, 2)).toEqual(["answered", "answered"])
      expect(yield* ends(name, 1, "another")).toEqual(["answered"])
      expect([upstream.asked.length, second.asked.length]).toEqual([1, 3])
      yield* TestClock.adjust(59_999)
      yield* ends(name, 1)
      expect(upstream.asked).toHaveLength(1)
      yield* TestClock.adjust(1)
      now.answer = "hello"
      yield* ends(name, 2)
      expect([upstream.asked.length, second.asked.length]).toEqual([3, 4])
    }).pipe(Effect.provide(stack))
  })

  it.effect("goes on pausing when a call that began before the account was empty is answered later", () => {
    const answers: ReadonlyArray<Answer> = [{ text: "slow", delay: 10_000 }, { error: reasons.QuotaExceededError() }]
    const upstream = new Upstream(({ index }) => answers[index] ?? "hello")
    const second = new Upstream(() => "from the second", "second")
    return Effect.gen(function* () {
      const slow = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(1000)
      yield* ask(name)
      yield* TestClock.adjust(10_000)
      expect((yield* Fiber.join(slow)).text).toBe("slow")
      expect((yield* ask(name)).text).toBe("from the second")
      expect(upstream.asked).toHaveLength(2)
    }).pipe(Effect.provide(upstream.layer.pipe(withCircuitBreaker(), withFallback(second.layer))))
  })

  it.effect("always asks the last target, since an account may have been topped up", () => {
    const { now, upstream } = changing({ error: reasons.QuotaExceededError() })
    const first = new Upstream(() => ({ error: reasons.ServerError() }), "first")
    const last = upstream.layer.pipe(withCircuitBreaker())
    return Effect.gen(function* () {
      for (const stack of [last, first.layer.pipe(withFallback(last))]) {
        const counted = upstream.asked.length
        now.answer = { error: reasons.QuotaExceededError() }
        const [before, after] = yield* Effect.provide(
          Effect.gen(function* () {
            const refused = yield* ends(name, 3)
            now.answer = "hello"
            return [refused, yield* ends(name, 1)]
          }),
          stack,
        )
        expect(before).toEqual(Array<string>(3).fill("QuotaExceededError"))
        expect(after).toEqual(["answered"])
        expect(upstream.asked.length - counted).toBe(4)
      }
    })
  })

  it.effect("forgets calls that were admitted before it opened", () => {
    const now: { answer: Answer } = { answer: { error: reasons.ServerError(), delay: 1000 } }
    const upstream = new Upstream(() => now.answer)
    return Effect.gen(function* () {
      const early = yield* Effect.forEach(Array(10), () => Effect.forkChild(ends(name, 1)))
      yield* TestClock.adjust(500)
      now.answer = busy
      yield* ends(name, 3)
      now.answer = "hello"
      yield* TestClock.adjust(500)
      yield* Effect.forEach(early, Fiber.join)
      yield* TestClock.adjust(4500)
      expect(yield* ends(name, 2)).toEqual(["answered", "answered"])
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("does not open for the short deadlines of one caller, while the target answers the others", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 3000 }))
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const patient = yield* Effect.forkChild(ends(name, 1, "scripted"))
      yield* TestClock.adjust(3000)
      yield* Fiber.join(patient)
      const impatient = Layer.succeed(LlmProvider, llm).pipe(withTimeout(2000))
      const cut = yield* Effect.forkChild(Effect.provide(ends(name, 10, "scripted"), impatient))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(cut)).toEqual(Array<string>(10).fill("TimeoutError"))
      const after = yield* Effect.forkChild(ends(name, 1, "scripted"))
      yield* TestClock.adjust(3000)
      expect(yield* Fiber.join(after)).toEqual(["answered"])
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("opens within seconds on a target that fails every call, with the default numbers", () => {
    const { upstream } = changing(busy)
    return Effect.gen(function* () {
      expect((yield* ends(name, 11)).at(-1)).toBe("CircuitOpenError")
      expect(upstream.asked).toHaveLength(10)
    }).pipe(Effect.provide(upstream.layer.pipe(withCircuitBreaker())))
  })
})

describe("the circuit breaker of streams", () => {
  it.effect("closes with the first output of its probe, however long its reader takes over the rest", () => {
    const { now, upstream } = changing(busy)
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      yield* ends("stream", 3)
      yield* TestClock.adjust(5000)
      now.answer = { text: ["he", "llo"] }
      const scope = yield* Scope.make()
      const pull = yield* openStream(llm.stream({ ...hello, model: "m" }), scope)
      for (let read = 0; read < 2; read++) yield* pull
      expect(yield* ends("stream", 2)).toEqual(["answered", "answered"])
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("lets another probe through when nobody reads on the one before", () => {
    const { now, upstream } = changing(busy)
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      yield* ends("stream", 3)
      yield* TestClock.adjust(5000)
      now.answer = "hello"
      const scope = yield* Scope.make()
      const unread = yield* openStream(llm.stream({ ...hello, model: "m" }), scope)
      expect(unread).toBeDefined()
      expect(yield* ends("stream", 1)).toEqual(["CircuitOpenError"])
      yield* TestClock.adjust(5000)
      expect(yield* ends("stream", 2)).toEqual(["answered", "answered"])
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("judges the end of a stream, not its beginning", () => {
    const { upstream } = changing({ text: ["he", "llo"], error: reasons.StreamInterruptedError() })
    return Effect.gen(function* () {
      expect((yield* ends("stream", 4)).at(-1)).toBe("CircuitOpenError")
    }).pipe(Effect.provide(upstream.layer.pipe(three)))
  })

  it.effect("counts a stream that falls silent under an idle clock around it", () => {
    const { upstream } = changing({ text: "hello", stall: true })
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ends("stream", 4))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).at(-1)).toBe("CircuitOpenError")
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry(), three, withTimeout({ idle: 2000 }))))
  })
})
