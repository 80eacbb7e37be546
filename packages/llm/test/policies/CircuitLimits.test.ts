/** A circuit breaker's settings to the call and to the millisecond, what it remembers, and whom it blames for a late call. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { type LlmErrorReason, QuotaExceededError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { type CircuitBreakerOptions, withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import * as Permits from "../../src/policies/mechanisms/Permits.ts"
import { withObserver } from "../../src/policies/Observer.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import type { Answer } from "../../src/testing/Scripted.ts"
import { ask, type CallName, callNames, hello, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const busy: Answer = { error: reasons.OverloadedError() }
const empty: Answer = { error: new QuotaExceededError({ message: "no money left", status: 402, code: "billing" }) }

/** How `count` calls end, one after another. */
const ends = (name: CallName, count = 1, model = "m") =>
  Effect.forEach(Array(count), () =>
    Effect.map(Effect.result(ask(name, { ...hello, model })), (result) =>
      result._tag === "Success" ? "answered" : result.failure.reason._tag,
    ),
  )

/** How calls end under a breaker: `+` is answered, `-` fails, and anything else is passed over by the clock in milliseconds. */
const outcomes = (name: CallName, options: CircuitBreakerOptions, calls: ReadonlyArray<"+" | "-" | number>) => {
  const now: { answer: Answer } = { answer: busy }
  const upstream = new Upstream(() => now.answer)
  return Effect.gen(function* () {
    const all: Array<string | undefined> = []
    for (const call of calls) {
      if (typeof call === "number") yield* TestClock.adjust(call)
      else {
        now.answer = call === "+" ? "hello" : busy
        all.push((yield* ends(name))[0])
      }
    }
    return all.map((end) => (end === "answered" ? "+" : end === "OverloadedError" ? "-" : "open")).join("")
  }).pipe(Effect.provide(upstream.layer.pipe(withCircuitBreaker(options))))
}

describe.each(callNames)("a circuit breaker of %s", (name) => {
  it.effect.each<readonly [string, CircuitBreakerOptions, ReadonlyArray<"+" | "-" | number>, string]>([
    ["stays open for its time", { failures: 1, openFor: 700 }, ["-", 699, "+", 1, "+", "+"], "-open++"],
    ["counts failures of one window", { calls: 2, window: 100 }, ["-", 99, "-", "+"], "--open"],
    ["forgets those of the window before", { calls: 2, window: 100 }, ["-", 100, "-", "+"], "--+"],
    ["keeps to its own rate", { rate: 0.75, calls: 4 }, ["+", "-", "+", "-", "-", "-", "-", "-", "-"], "+-+-----open"],
    ["keeps to its own number of calls", { rate: 0.75, calls: 4 }, ["+", "-", "-", "-", "+"], "+---open"],
    ["may wait for nothing but failures", { rate: 1, calls: 3 }, ["-", "+", "-", "-", "-", "+"], "-+---+"],
  ])("%s", ([, options, calls, expected]) =>
    Effect.gen(function* () {
      expect(yield* outcomes(name, options, calls)).toBe(expected)
    }),
  )

  it.effect("opens by default when half of twenty calls failed, and not after nineteen", () =>
    Effect.gen(function* () {
      const halves = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? "+" : "-"))
      expect(yield* outcomes(name, {}, [...halves, "+"])).toBe(`${"+-".repeat(10)}open`)
      expect(yield* outcomes(name, {}, [...halves.slice(1), "+"])).toBe(`${"-+".repeat(9)}-+`)
    }),
  )

  it.effect("passes an empty account over for its pause, where another target follows", () => {
    const upstream = new Upstream(() => empty)
    const second = new Upstream(() => "from the second")
    return Effect.gen(function* () {
      yield* ends(name)
      yield* TestClock.adjust(699)
      yield* ends(name)
      expect(upstream.asked.length).toBe(1)
      yield* TestClock.adjust(1)
      yield* ends(name)
      expect(upstream.asked.length).toBe(2)
    }).pipe(Effect.provide(upstream.layer.pipe(withCircuitBreaker({ quotaPause: 700 }), withFallback(second.layer))))
  })

  it.effect("says why it made no request: the account's own words, or the last failure", () => {
    const upstream = new Upstream(({ request }) => (request.model === "m" ? busy : empty), "first")
    const reasonsTold: Array<LlmErrorReason> = []
    const observer = withObserver((event) => event.type === "fallback" && reasonsTold.push(event.error.reason))
    const second = new Upstream(() => "hello", "second")
    const stack = upstream.layer.pipe(withCircuitBreaker({ failures: 1 }), withFallback(second.layer), observer)
    return Effect.gen(function* () {
      yield* ends(name, 2)
      expect(reasonsTold[1]).toMatchObject({ _tag: "CircuitOpenError", retryAfterMs: 5000 })
      expect(reasonsTold[1]?.message).toMatch(/no request made: first failed too often.*OverloadedError/)
      yield* ends(name, 2, "other")
      expect(reasonsTold[3]).toMatchObject({ _tag: "QuotaExceededError", code: "billing", retryAfterMs: 60_000 })
      expect(reasonsTold[3]?.message).toMatch(/no request made: first said its quota is used up \(no money left\)/)
    }).pipe(Effect.provide(stack))
  })

  /** One breaker, as a target that another follows, and as one that is asked alone. */
  const topped = (upstream: Upstream) =>
    Effect.gen(function* () {
      const llm = yield* Effect.provide(LlmProvider, upstream.layer.pipe(withCircuitBreaker()))
      const alone = Layer.succeed(LlmProvider, llm)
      const second = new Upstream(() => "from the second")
      return { alone, followed: alone.pipe(withFallback(second.layer)) }
    })

  it.effect("asks an account again that was topped up, once it has answered a call", () => {
    const now: { answer: Answer } = { answer: empty }
    const upstream = new Upstream(() => now.answer)
    return Effect.gen(function* () {
      const { alone, followed } = yield* topped(upstream)
      yield* Effect.provide(ask(name), followed)
      now.answer = "from the first"
      expect((yield* Effect.provide(ask(name), followed)).text).toBe("from the second")
      yield* Effect.provide(ask(name), alone)
      expect((yield* Effect.provide(ask(name), followed)).text).toBe("from the first")
    })
  })

  it.effect("does not hold an account for empty because of a call from before it was topped up", () => {
    const answers: ReadonlyArray<Answer> = [{ ...empty, delay: 5000 }, empty, "topped up"]
    const upstream = new Upstream(({ index }) => answers[index] ?? "from the first")
    return Effect.gen(function* () {
      const { alone, followed } = yield* topped(upstream)
      const early = yield* Effect.forkChild(Effect.exit(Effect.provide(ask(name), alone)), { startImmediately: true })
      yield* Effect.exit(Effect.provide(ask(name), alone))
      yield* Effect.provide(ask(name), alone)
      yield* TestClock.adjust(5000)
      yield* Fiber.join(early)
      expect((yield* Effect.provide(ask(name), followed)).text).toBe("from the first")
    })
  })

  it.effect("goes on asking where only one end user's budget is used up", () => {
    const used = new QuotaExceededError({ message: "yours is used up", scope: "user" })
    const upstream = new Upstream(({ index }) => (index === 0 ? { error: used } : "from the first"))
    return Effect.gen(function* () {
      const { followed } = yield* topped(upstream)
      const texts = yield* Effect.provide(
        Effect.forEach([1, 2], () => ask(name)),
        followed,
      )
      expect(texts.map(({ text }) => text)).toEqual(["from the second", "from the first"])
    })
  })

  it.effect("blames no target for a call that never came out of its queue", () => {
    const first = new Upstream(() => ({ stall: true }))
    const second = new Upstream(() => "from the second")
    return Effect.gen(function* () {
      const permits = Permits.make(1)
      const scope = yield* Scope.make()
      yield* permits.holdIn(scope)
      const breaker = second.layer.pipe(withConcurrency(permits), withCircuitBreaker({ failures: 1 }))
      const guarded = Layer.succeed(LlmProvider, yield* Effect.provide(LlmProvider, breaker))
      const stack = first.layer.pipe(withFallback(guarded), withTimeout("10 seconds"))
      const late = yield* Effect.forkChild(Effect.flip(Effect.provide(ask(name), stack)))
      yield* TestClock.adjust("10 seconds")
      expect((yield* Fiber.join(late)).attempts).toMatchObject([{ errorType: "TimeoutError", durationMs: 5000 }])
      yield* Scope.close(scope, Exit.void)
      expect((yield* Effect.provide(ask(name), guarded)).text).toBe("from the second")
    })
  })

  it.effect("gives the place of a probe that was cut short in the queue to the next call", () => {
    const upstream = new Upstream(({ index }) => (index === 0 ? busy : "hello"))
    return Effect.gen(function* () {
      const permits = Permits.make(1)
      const breaker = upstream.layer.pipe(withConcurrency(permits), withCircuitBreaker({ failures: 1 }))
      const guarded = Layer.succeed(LlmProvider, yield* Effect.provide(LlmProvider, breaker))
      yield* Effect.provide(ends(name), guarded)
      yield* TestClock.adjust(5000)
      const scope = yield* Scope.make()
      yield* permits.holdIn(scope)
      const probe = Effect.exit(Effect.provide(ask(name, { ...hello, model: "m" }), guarded.pipe(withTimeout(3000))))
      const fiber = yield* Effect.forkChild(probe)
      yield* TestClock.adjust(3000)
      expect(Exit.isFailure(yield* Fiber.join(fiber))).toBe(true)
      yield* Scope.close(scope, Exit.void)
      expect(yield* Effect.provide(ends(name), guarded)).toEqual(["answered"])
    })
  })

  it.effect.each([
    [{ total: 999 }, "TimeoutError"],
    [{ total: 1000 }, "CircuitOpenError"],
    [{ attempt: 500 }, "CircuitOpenError"],
  ] as const)("judges a target that is silent under %j as it should", ([clocks, expected]) => {
    const upstream = new Upstream(() => ({ stall: true }))
    const stack = upstream.layer.pipe(withCircuitBreaker({ failures: 1 }), withTimeout(clocks))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ends(name, 2))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toEqual(["TimeoutError", expected])
    }).pipe(Effect.provide(stack))
  })
})

describe("the models that a circuit breaker remembers", () => {
  const others = (count: number) =>
    Effect.forEach(
      Array.from({ length: count }, (_, index) => `other ${index}`),
      (model) => ends("generate", 1, model),
    )

  it.effect.each([
    [999, "CircuitOpenError"],
    [1000, "OverloadedError"],
  ] as const)(
    "after %i others: one that failed twice is asked a third time, and then ends with %s",
    ([count, expected]) => {
      const upstream = new Upstream(({ request }) => (request.model === "m" ? busy : "hello"))
      return Effect.gen(function* () {
        yield* ends("generate", 2)
        yield* others(count)
        expect(yield* ends("generate", 2)).toEqual(["OverloadedError", expected])
      }).pipe(Effect.provide(upstream.layer.pipe(withCircuitBreaker({ failures: 3 }))))
    },
  )

  it.effect("are kept while their circuit is open, until a thousand are", () => {
    const upstream = new Upstream(({ request }) => (request.model === "well" ? "hello" : busy))
    return Effect.gen(function* () {
      yield* ends("generate")
      yield* others(998)
      expect(yield* ends("generate", 2, "well")).toEqual(["answered", "answered"])
      yield* ends("generate", 1, "one more")
      expect(yield* ends("generate")).toEqual(["CircuitOpenError"])
      yield* ends("generate", 1, "well")
      expect(yield* ends("generate")).toEqual(["OverloadedError"])
    }).pipe(Effect.provide(upstream.layer.pipe(withCircuitBreaker({ failures: 1 }))))
  })
})
