/** A budget at its edges: what is paid for which end, what is free, whose budget it is, and values that are forgotten. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { AttemptPlan } from "../../../src/call/AttemptGate.ts"
import { tagCalls } from "../../../src/call/CallOptions.ts"
import * as Provider from "../../../src/call/Provider.ts"
import type { AttemptRecord } from "../../../src/model/LlmResponse.ts"
import type { LlmErrorReason } from "../../../src/model/LlmError.ts"
import { Budget, type BudgetOptions, withBudget, withLastingBudget } from "../../../src/policies/usage/Budget.ts"
import { UsageLedger, withUsageLedger } from "../../../src/policies/usage/UsageLedger.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

/** A dollar a million tokens in, ten out. */
const prices = { m: { input: 1, output: 10 }, gift: { input: 0, output: 0 } }

const answering = (outputTokens: number) =>
  Provider.layer({
    name: "own",
    model: "m",
    prices,
    generate: () => Effect.succeed({ parts: [], finishReason: "stop", usage: { inputTokens: 0, outputTokens } }),
  })

/** 100 tokens of output and four of input: 0.001004 dollars. */
const request = { ...hello, maxTokens: 100 }

describe.each(callNames)("a call (%s)", (name) => {
  it.effect.each<readonly [string, LlmErrorReason, boolean, number]>([
    ["timed out", reasons.TimeoutError(), false, 0.001004],
    ["broke off", reasons.StreamInterruptedError(), true, 0.001004],
    ["failed after its first output", reasons.ServerError(), true, 0.001004],
    ["failed before any output", reasons.ServerError(), false, 0],
  ])("that %s pays in money as in tokens", ([, reason, hasOutput, expected]) => {
    const fail = Stream.fail(reason)
    const layer = Provider.layer({
      name: "own",
      model: "m",
      prices,
      stream: () =>
        hasOutput ? Stream.concat(Stream.succeed({ type: "text-delta" as const, index: 0, delta: "a" }), fail) : fail,
    })
    const spent = (options: BudgetOptions) =>
      Effect.gen(function* () {
        yield* Effect.flip(ask(name, request))
        const { reason: refusal } = yield* Effect.flip(ask(name, { ...request, maxTokens: 1e6 }))
        return refusal._tag === "BudgetExceededError" ? [refusal.used, refusal.reserved] : [refusal._tag]
      }).pipe(Effect.provide(layer.pipe(withBudget(options))))
    return Effect.gen(function* () {
      expect(yield* spent({ usd: 1 })).toEqual([expected, 0])
      expect(yield* spent({ tokens: 1000 })).toEqual([expected === 0 ? 0 : 104, 0])
    })
  })

  it.effect("that costs nothing is answered though all is used", () =>
    Effect.gen(function* () {
      yield* ask(name, request)
      expect((yield* Effect.flip(ask(name, request))).reason._tag).toBe("BudgetExceededError")
      yield* ask(name, { ...request, model: "gift" })
    }).pipe(Effect.provide(answering(200).pipe(withBudget({ usd: 0.002, unpriced: "allow" })))),
  )

  it.effect("at a price that is not known is told what of the budget is used and reserved", () => {
    const layer = Provider.layer({
      name: "own",
      model: "m",
      prices,
      generate: () =>
        Effect.delay(Effect.succeed({ parts: [], finishReason: "stop" as const, usage: { outputTokens: 100 } }), 1000),
    })
    return Effect.gen(function* () {
      const first = yield* Effect.forkChild(ask(name, request))
      yield* TestClock.adjust(1000)
      yield* Fiber.join(first)
      const second = yield* Effect.forkChild(ask(name, request))
      yield* TestClock.adjust(10)
      const { reason } = yield* Effect.flip(ask(name, { ...request, model: "unknown" }))
      expect(reason).toMatchObject({ limit: 1, used: expect.closeTo(0.001, 5), reserved: 0.001004 })
      expect(reason._tag === "BudgetExceededError" && reason.tag).not.toHaveProperty("value")
      yield* TestClock.adjust(1000)
      yield* Fiber.join(second)
    }).pipe(Effect.provide(layer.pipe(withBudget({ usd: 1, tag: "user" }))))
  })

  it.effect("shares a lasting budget with every Layer that was made of it, and a wrong one refuses", () => {
    const policy = withLastingBudget({ tokens: 150 })
    const once = Effect.result(Effect.provide(ask(name, request), answering(100).pipe(policy)))
    return Effect.gen(function* () {
      expect([(yield* once)._tag, (yield* once)._tag]).toEqual(["Success", "Failure"])
      const wrong = answering(1).pipe(withLastingBudget({}))
      expect(yield* Effect.flip(Effect.provide(ask(name), wrong))).toMatchObject({
        reason: { _tag: "ConfigurationError", setting: "budget" },
      })
    })
  })

  it.effect("has a latency that is counted from its own beginning", () => {
    const ledger = new UsageLedger()
    const upstream = new Upstream(() => ({ text: "hello", delay: 300 }))
    return Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(300)
      yield* Fiber.join(fiber)
      expect(ledger.total.latency).toMatchObject({ count: 1, meanMs: 300, maxMs: 300 })
    }).pipe(Effect.provide(upstream.layer.pipe(withUsageLedger(ledger))))
  })
})

describe("the values of a tag", () => {
  const plan: AttemptPlan = {
    provider: "own",
    model: "m",
    request: hello,
    maxTokens: 100,
    price: () => 0.001,
  }

  const record: AttemptRecord = {
    provider: "own",
    targetIndex: 0,
    started: "",
    queuedMs: 0,
    waitedMs: 0,
    durationMs: 0,
    costUsd: 0.001,
    usage: { totalTokens: 100 },
  }

  /** A request of a user: true where it may be made. It ends at once, having used so much. */
  const entering = (budget: Budget, user: string, used: "all" | "nothing" | "open") =>
    tagCalls({ user })(
      Effect.withFiber((fiber) =>
        Effect.sync(() => {
          const entered = budget.enter(plan, fiber)
          if (typeof entered !== "function") return false
          if (used === "all") entered(record)
          if (used === "nothing") entered({ ...record, costUsd: 0, usage: { totalTokens: 0 } })
          return true
        }),
      ),
    )

  const many = (budget: Budget, count: number, used: "all" | "nothing" | "open") =>
    Effect.forEach(Array.from({ length: count }), (_, index) => entering(budget, `u${index}`, used))

  it.effect.each<readonly [string, BudgetOptions]>([
    ["tokens", { tokens: 150 }],
    ["money", { usd: 0.0015 }],
    ["both", { usd: 0.0015, tokens: 1000 }],
    ["both, the other way round", { usd: 1, tokens: 150 }],
  ])("are a thousand with a budget of their own, and those beyond share one: %s", ([, options]) =>
    Effect.gen(function* () {
      for (const used of ["all", "open"] as const) {
        const budget = new Budget({ ...options, tag: "user" })
        expect((yield* many(budget, 1000, used)).every((may) => may)).toBe(true)
        // The first of those beyond uses what all of them have.
        expect([yield* entering(budget, "v0", used), yield* entering(budget, "v1", used)]).toEqual([true, false])
        expect(yield* entering(budget, "u0", used)).toBe(false)
      }
    }),
  )

  it.effect.each<readonly [string, BudgetOptions]>([
    ["tokens", { tokens: 150 }],
    ["money", { usd: 0.0015 }],
    ["both", { usd: 0.0015, tokens: 150 }],
  ])("of which nothing was used make room for others: %s", ([, options]) =>
    Effect.gen(function* () {
      const budget = new Budget({ ...options, tag: "user" })
      yield* many(budget, 1000, "nothing")
      expect([yield* entering(budget, "v0", "all"), yield* entering(budget, "v1", "all")]).toEqual([true, true])
      expect([yield* entering(budget, "v0", "all"), yield* entering(budget, "v1", "all")]).toEqual([false, false])
    }),
  )

  it.effect("are forgotten no sooner than there are a thousand", () =>
    Effect.gen(function* () {
      const budget = new Budget({ tokens: 150, tag: "user" })
      yield* many(budget, 999, "all")
      expect([yield* entering(budget, "v0", "all"), yield* entering(budget, "v0", "all")]).toEqual([true, false])
      expect([yield* entering(budget, "v1", "all"), yield* entering(budget, "v2", "all")]).toEqual([true, false])
    }),
  )
})
