/** What calls used, by provider and model: every attempt once, every call once. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { tagStream, tagCalls } from "../../../src/call/CallOptions.ts"
import * as Provider from "../../../src/call/Provider.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { withFallback } from "../../../src/policies/Fallback.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import { UsageLedger, withUsageLedger } from "../../../src/policies/usage/UsageLedger.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"

const usage = { inputTokens: 1000, outputTokens: 100, totalTokens: 1100, cachedInputTokens: 400, cacheWriteTokens: 100 }

/** 500 uncached input tokens at 2, 400 cached at 0.5, 100 written at 4, 100 output at 10 dollars a million. */
const costUsd = (500 * 2 + 400 * 0.5 + 100 * 4 + 100 * 10) / 1_000_000

const priced = Provider.layer({
  name: "priced",
  model: "m",
  prices: { m: { input: 2, output: 10, cachedInput: 0.5, cacheWrite: 4 } },
  generate: () => Effect.succeed({ parts: [{ type: "text", text: "hello" }], finishReason: "stop", usage }),
})

describe.each(callNames)("the ledger of %s", (name) => {
  it.effect("counts each attempt at its own model, and the call where it ended", () =>
    Effect.gen(function* () {
      const ledger = new UsageLedger()
      const failing = Scripted.layer([{ error: reasons.ServerError() }, { error: reasons.ServerError() }], {
        name: "first",
      })
      const stack = failing.pipe(withRetry({ times: 1 }), withFallback(priced), withUsageLedger(ledger))
      const fiber = yield* Effect.forkChild(Effect.provide(ask(name), stack))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      expect(ledger.total).toMatchObject({ calls: 1, errors: 0, attempts: 3, unpriced: 0, usage })
      expect(ledger.total.costUsd).toBeCloseTo(costUsd, 12)
      expect(ledger.total.costBySource).toEqual({ custom: ledger.total.costUsd })
      expect(ledger.total.latency.maxMs).toBeGreaterThanOrEqual(1000)
      expect(
        ledger.byModel().map(({ attempts, calls, model, provider }) => [provider, model, attempts, calls]),
      ).toEqual([
        ["first", "scripted", 2, 0],
        ["priced", "m", 1, 1],
      ])
    }),
  )

  it.effect("counts each attempt once where it stands inside a retry", () =>
    Effect.gen(function* () {
      const ledger = new UsageLedger()
      const failingOnce = Scripted.layer([{ error: reasons.ServerError() }, "hello"])
      const stack = failingOnce.pipe(withUsageLedger(ledger), withRetry({ times: 1 }))
      const fiber = yield* Effect.forkChild(Effect.provide(ask(name), stack))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).metadata.attempts).toHaveLength(2)
      expect(ledger.total).toMatchObject({ calls: 2, errors: 1, attempts: 2 })
    }),
  )

  it.effect("counts failures, defects, aborts and answers without a price as what they are", () =>
    Effect.gen(function* () {
      const ledger = new UsageLedger()
      const noted = withUsageLedger(ledger)
      const dying = Provider.layer({ name: "own", generate: () => Effect.die("bug"), stream: () => Stream.die("bug") })
      yield* Effect.exit(Effect.provide(ask(name), Scripted.layer([{ error: reasons.ServerError() }]).pipe(noted)))
      yield* Effect.exit(Effect.provide(ask(name), dying.pipe(noted)))
      const stalling = Scripted.layer([{ stall: true }]).pipe(noted)
      const fiber = yield* Effect.forkChild(Effect.provide(ask(name), stalling))
      yield* TestClock.adjust(1000)
      yield* Fiber.interrupt(fiber)
      expect(ledger.total).toMatchObject({ calls: 3, errors: 3, attempts: 3, costUsd: 0 })
      const unpriced = ledger.total.unpriced
      yield* Effect.provide(ask(name), Scripted.layer([{ text: "hello", usage }]).pipe(noted))
      expect(ledger.total).toMatchObject({ calls: 4, errors: 3, usage, costUsd: 0, unpriced: unpriced + 1 })
    }),
  )

  it.effect("tells a thousand models apart, and counts the others together", () =>
    Effect.gen(function* () {
      const ledger = new UsageLedger()
      const answers = Array.from({ length: 1010 }, () => "hello")
      const noted = Scripted.layer(answers).pipe(withUsageLedger(ledger))
      const calls = Effect.forEach(answers, (_, index) => ask(name, { ...hello, model: `m-${index}` }))
      yield* Effect.provide(calls, noted)
      const rows = ledger.byModel()
      expect(rows).toHaveLength(1001)
      expect(rows.at(-1)).toMatchObject({ provider: "(others)", model: "(others)", calls: 10 })
      expect(ledger.total.calls).toBe(1010)
    }),
  )
})

describe.each(callNames)("the tags of %s", (name) => {
  it.effect("are rows of their own, each with all that its calls took", () =>
    Effect.gen(function* () {
      const ledger = new UsageLedger()
      const script = ["a", "b", "c", "d"].map((text) => ({ text, usage }))
      const failing = { error: reasons.ServerError() }
      const noted = Scripted.layer([...script, failing]).pipe(withUsageLedger(ledger))
      yield* Effect.provide(
        Effect.gen(function* () {
          yield* ask(name)
          yield* tagCalls({ team: "search" })(ask(name))
          // The inner one wins, and both are there; a child fiber has them too.
          const inner = tagCalls({ user: "u1", team: "ads" })(Effect.flatMap(Effect.forkChild(ask(name)), Fiber.join))
          yield* tagCalls({ team: "search", user: "u0" })(inner)
          yield* tagCalls({ team: "ads" })(Effect.exit(Effect.andThen(ask(name), ask(name))))
        }),
        noted,
      )
      expect(ledger.total.calls).toBe(5)
      expect(
        ledger.byTag("team").map(({ calls, errors, usage: used, value }) => [value, calls, errors, used.inputTokens]),
      ).toEqual([
        ["search", 1, 0, 1000],
        ["ads", 3, 1, 2000],
      ])
      expect(ledger.byTag("user").map(({ calls, value }) => [value, calls])).toEqual([["u1", 1]])
      expect(ledger.byTag("nobody")).toEqual([])
      expect(Object.keys(ledger.toJSON().byTag)).toEqual(["team", "user"])
      const [heading, first] = ledger.toCsv("team").split("\r\n")
      expect(heading).toMatch(/^team,calls,errors,attempts,inputTokens,/)
      expect(first).toMatch(/^search,1,0,1,1000,100,1100,/)
    }),
  )

  it.effect("are told apart up to a thousand values, and counted together beyond", () =>
    Effect.gen(function* () {
      const ledger = new UsageLedger()
      const answers = Array.from({ length: 1003 }, () => "hello")
      const calls = Effect.forEach(answers, (_, index) => tagCalls({ user: `u${index}` })(ask(name)))
      yield* Effect.provide(calls, Scripted.layer(answers).pipe(withUsageLedger(ledger)))
      const rows = ledger.byTag("user")
      expect([rows.length, rows.at(-1)]).toMatchObject([1001, { value: "(others)", calls: 3 }])
    }),
  )
})

it("the ledger tells a hundred names of tags apart", () => {
  const ledger = new UsageLedger()
  for (let index = 0; index < 103; index++) {
    const tags = { [`t${index}`]: "x" }
    ledger.record({ attempts: [], provider: "own", latencyMs: 1, isError: false, tags })
  }
  expect(Object.keys(ledger.toJSON().byTag)).toHaveLength(101)
  expect(ledger.byTag("(others)").map(({ calls, value }) => [value, calls])).toEqual([
    ["t100", 1],
    ["t101", 1],
    ["t102", 1],
  ])
})

it.effect("a stream has its tags each time that it is read", () =>
  Effect.gen(function* () {
    const ledger = new UsageLedger()
    const read = Effect.flatMap(LlmProvider, (llm) => Stream.runDrain(tagStream({ user: "u1" })(llm.stream(hello))))
    yield* Effect.provide(Effect.andThen(read, read), Scripted.layer(["a", "b"]).pipe(withUsageLedger(ledger)))
    expect(ledger.byTag("user")).toMatchObject([{ value: "u1", calls: 2 }])
  }),
)

describe("the ledger as text", () => {
  const record = (ledger: UsageLedger, model: string) =>
    ledger.record({ attempts: [], provider: "own", model, latencyMs: 100, isError: false })

  it("is JSON with the total and each model", () => {
    const ledger = new UsageLedger()
    record(ledger, "m")
    expect(JSON.parse(JSON.stringify(ledger))).toMatchObject({
      total: { calls: 1 },
      byModel: [{ model: "m", calls: 1 }],
    })
  })

  it("is CSV, in which a name is text and never a formula", () => {
    const ledger = new UsageLedger()
    record(ledger, '=HYPERLINK("x"),1')
    const [heading, line, rest] = ledger.toCsv().split("\r\n")
    expect(heading).toMatch(/^provider,model,calls,errors,attempts,inputTokens,/)
    expect(line).toMatch(/^own,"'=HYPERLINK\(""x""\),1",1,0,0,/)
    expect(rest).toBe("")
  })
})
