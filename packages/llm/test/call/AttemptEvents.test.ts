/** What is told of an attempt as it happens, and what the gates around it decide. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import type { AttemptGate, AttemptPlan } from "../../src/call/AttemptGate.ts"
import { BudgetExceededError, ServerError } from "../../src/model/LlmError.ts"
import type { AttemptRecord } from "../../src/model/LlmResponse.ts"
import { reasons } from "../policies/Calls.ts"
import { opened } from "./Opened.ts"

const failed = new ServerError({ message: "failed", status: 500 })
const end = { usage: {}, usageStatus: "unknown" } as const

describe("the events of an attempt", () => {
  it.effect("tell its beginning, its first output once, and its end once", () =>
    Effect.gen(function* () {
      const { attempt, events } = yield* opened()
      yield* TestClock.adjust(20)
      attempt.sawOutput()
      yield* TestClock.adjust(5)
      attempt.sawOutput()
      attempt.finish(end)
      attempt.close()
      expect(events).toMatchObject([
        { type: "attempt-start", attempt: 0, telemetryName: "own", url: undefined, record: { durationMs: 0 } },
        { type: "first-output", attempt: 0, afterMs: 20 },
        { type: "attempt-end", attempt: 0, record: { firstOutputMs: 20, durationMs: 25 }, exit: Exit.void },
      ])
      expect(events).toHaveLength(3)
    }),
  )

  it.effect("number the attempts of a call", () =>
    Effect.gen(function* () {
      const first = yield* opened()
      const second = yield* opened({}, { ledger: first.context.ledger })
      expect(second.events).toMatchObject([{ type: "attempt-start", attempt: 1 }])
    }),
  )

  it.effect("name the address without its secrets, and the provider as traces call it", () =>
    Effect.gen(function* () {
      const url = "https://example.com/?key=secret"
      const shown = yield* opened({ url, telemetryName: "azure.ai", redact: (text) => text.replace("secret", "…") })
      expect(shown.events).toMatchObject([{ telemetryName: "azure.ai", url: "https://example.com/?key=…" }])
      expect(shown.attempt.telemetryName).toBe("azure.ai")
      const plain = yield* opened({ url })
      expect(plain.events).toMatchObject([{ telemetryName: "own", url }])
    }),
  )

  it.effect("tell why it failed, or that nobody waits for it any more", () =>
    Effect.gen(function* () {
      const broken = yield* opened()
      broken.attempt.fail(failed)
      expect(broken.events[1]).toMatchObject({ type: "attempt-end", exit: Exit.fail(failed) })
      const left = yield* opened()
      left.attempt.close()
      const [, last] = left.events
      expect(last?.type === "attempt-end" && Exit.hasInterrupts(last.exit)).toBe(true)
    }),
  )

  it.effect("are told to nobody where nobody observes, and the record is the same", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({}, { observers: [] })
      yield* TestClock.adjust(3)
      attempt.sawOutput()
      attempt.close(Exit.void)
      expect(attempt.record()).toMatchObject({ firstOutputMs: 3, durationMs: 3 })
    }),
  )
})

describe("the gates of a call", () => {
  /** A gate that writes down what it is asked and told. */
  const watching = () => {
    const plans: Array<AttemptPlan> = []
    const records: Array<AttemptRecord> = []
    const gate: AttemptGate = {
      enter: (plan) => {
        plans.push(plan)
        return (record) => void records.push(record)
      },
    }
    return { gate, plans, records }
  }
  const refusal = reasons.BudgetExceededError()

  it.effect("are told what is about to be asked, and the final record of it once", () =>
    Effect.gen(function* () {
      const { gate, plans, records } = watching()
      const request = { messages: [] }
      const prices = { m: { input: 1, output: 2 } }
      const { attempt } = yield* opened({ maxTokens: 7, pricing: { prices } }, { gates: [gate] }, request)
      const [plan] = plans
      expect(plan).toMatchObject({ provider: "own", model: "m", maxTokens: 7 })
      expect(plan?.request).toBe(request)
      expect(plan?.price({ inputTokens: 1_000_000, outputTokens: 1_000_000 })).toBe(3)
      expect(records).toEqual([])
      yield* TestClock.adjust(4)
      attempt.fail(failed)
      attempt.close()
      expect(records).toMatchObject([{ durationMs: 4, errorType: "ServerError" }])
    }),
  )

  it.effect("learn no price where none is known, or where the program's own function throws", () =>
    Effect.gen(function* () {
      const { gate, plans } = watching()
      yield* opened({}, { gates: [gate] })
      const prices = () => {
        throw new Error("no price today")
      }
      yield* opened({ pricing: { prices } }, { gates: [gate] })
      expect(plans.map(({ price }) => price({ inputTokens: 1, outputTokens: 1 }))).toEqual([undefined, undefined])
    }),
  )

  it.effect("learn the price of the moment", () =>
    Effect.gen(function* () {
      const { gate, plans } = watching()
      yield* TestClock.adjust(9)
      yield* opened(
        { pricing: { prices: ({ atMs, model, provider }) => (provider === "own" && model === "m" ? atMs : null) } },
        { gates: [gate] },
      )
      expect(plans[0]?.price({ inputTokens: 1, outputTokens: 1 })).toBe(9)
    }),
  )

  it.effect(
    "refuse a request, whose record stands in the ledger all the same; the gates before are told of its end",
    () =>
      Effect.gen(function* () {
        const [before, after] = [watching(), watching()]
        const refusing: AttemptGate = { enter: () => refusal }
        const error = yield* Effect.flip(opened({}, { gates: [before.gate, refusing, after.gate] }))
        expect(error.reason).toBeInstanceOf(BudgetExceededError)
        expect(error.attempts).toMatchObject([{ provider: "own", errorType: "BudgetExceededError", durationMs: 0 }])
        expect(before.records).toMatchObject([{ errorType: "BudgetExceededError" }])
        expect(after.plans).toEqual([])
      }),
  )

  it.effect("are not asked for what is free", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({ isFree: true }, { gates: [{ enter: () => refusal }] })
      expect(attempt.finish(end).costUsd).toBe(0)
    }),
  )

  it.effect("let nothing begin before the call's permit: it has come with the first attempt", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust(6)
      const { context } = yield* opened()
      expect(context.permit.atMs).toBe(6)
    }),
  )
})
