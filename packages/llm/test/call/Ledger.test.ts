/** What a call has been through, what surrounds its answer, and what is said of one that was cut. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { Ledger, type LedgerEntry } from "../../src/call/Ledger.ts"
import { limitWarning, metadataOf } from "../../src/call/Metadata.ts"
import type { AttemptRecord } from "../../src/model/LlmResponse.ts"
import { begun } from "./Opened.ts"

const record = (provider: string): AttemptRecord => ({
  provider,
  targetIndex: 0,
  started: "2026-11-26T00:00:00.000Z",
  queuedMs: 0,
  waitedMs: 0,
  durationMs: 1,
  costUsd: null,
})
const entry = (provider: string): LedgerEntry => ({
  provider,
  model: `${provider}-model`,
  telemetryName: `${provider}.ai`,
  wasSent: true,
  record: () => record(provider),
})

describe("the ledger of a call", () => {
  const empty = Effect.map(begun, ({ fiber }) => new Ledger(fiber))

  it.effect("knows when the call began", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust(1500)
      const ledger = yield* empty
      expect([ledger.startedMs, ledger.started]).toEqual([1500, "1970-01-01T00:00:01.500Z"])
    }),
  )

  it.effect("tells whether its last attempt was sent", () =>
    Effect.gen(function* () {
      const ledger = yield* empty
      expect(ledger.lastWasSent).toBe(false)
      ledger.add(entry("a"))
      expect(ledger.lastWasSent).toBe(true)
      ledger.add({ ...entry("b"), wasSent: false })
      expect(ledger.lastWasSent).toBe(false)
    }),
  )

  it.effect("has the attempts in their order, numbered from 0", () =>
    Effect.gen(function* () {
      const ledger = yield* empty
      expect([ledger.count, ledger.last, ledger.attempts()]).toEqual([0, undefined, []])
      expect([ledger.add(entry("a")), ledger.add(entry("b"))]).toEqual([0, 1])
      expect(ledger.add(entry("c"))).toBe(2)
      expect(ledger.count).toBe(3)
      expect(ledger.attempts()).toEqual(["a", "b", "c"].map(record))
      expect(ledger.last).toEqual(record("c"))
    }),
  )

  it.effect("names the target that was asked last, or the one that it is told where none was", () =>
    Effect.gen(function* () {
      const ledger = yield* empty
      expect(ledger.lastTarget("stack")).toEqual({ provider: "stack", model: undefined })
      expect(ledger.lastTelemetryName("stack")).toBe("stack")
      for (const provider of ["a", "b", "c"]) ledger.add(entry(provider))
      expect(ledger.lastTarget("stack")).toEqual({ provider: "c", model: "c-model" })
      expect(ledger.lastTelemetryName("stack")).toBe("c.ai")
    }),
  )

  it.effect("hands out each wait once", () =>
    Effect.gen(function* () {
      const ledger = yield* empty
      expect(ledger.takeWaits()).toBe(0)
      ledger.waitedInVain(3)
      ledger.waitedInVain(4)
      expect([ledger.takeWaits(), ledger.takeWaits()]).toEqual([7000, 0])
    }),
  )

  it.effect("keeps the warnings in their order", () =>
    Effect.gen(function* () {
      const ledger = yield* empty
      expect(ledger.warnings).toEqual([])
      ledger.warn("a was passed over")
      ledger.warn("b was passed over")
      expect(ledger.warnings).toEqual(["a was passed over", "b was passed over"])
    }),
  )
})

describe("the metadata of an answer", () => {
  const known = { provider: "p", model: "m", latencyMs: 1, timestamp: "2026-11-26T00:00:00.000Z", attempts: [] }

  it("says of what is not known that it is not", () => {
    expect(metadataOf(known)).toStrictEqual({
      ...known,
      servedModel: undefined,
      temperature: undefined,
      maxTokens: undefined,
      usage: {},
      usageStatus: "unknown",
      requestId: undefined,
      rawFinishReason: undefined,
      costUsd: null,
      warnings: [],
      degraded: false,
    })
  })

  it("has everything that is known", () => {
    const all = {
      ...known,
      servedModel: "m-1",
      temperature: 0,
      maxTokens: 5,
      usage: { inputTokens: 1 },
      usageStatus: "reported",
      requestId: "req",
      responseId: "resp",
      rawFinishReason: "end_turn",
      costUsd: 0,
      priceSource: "custom",
      warnings: ["seed was dropped"],
      degraded: true,
    } as const
    expect(metadataOf(all)).toStrictEqual(all)
  })

  it("has the limits and headers of the last response, where the call asked for its headers", () => {
    const limits = { requests: { remaining: 3 } }
    const responseHeaders = { "x-a": "1" }
    const of = (...attempts: ReadonlyArray<AttemptRecord>) => metadataOf({ ...known, attempts })
    const told = { ...record("b"), limits, responseHeaders }
    expect(of(record("a"), told)).toMatchObject({ limits, responseHeaders })
    for (const without of [of(told, record("a")), of({ ...record("b"), limits })]) {
      expect(without).not.toHaveProperty("limits")
      expect(without).not.toHaveProperty("responseHeaders")
    }
    const unlimited = of({ ...record("b"), responseHeaders })
    expect(unlimited).toMatchObject({ responseHeaders })
    expect(unlimited).not.toHaveProperty("limits")
  })
})

describe("an answer that was cut at a limit", () => {
  const cut = { finishReason: "length" } as const
  const unasked = { asksForLimit: false, maxTokens: 4096 }

  it("that nobody asked for has a warning with the limit, and what to set", () => {
    const warning = limitWarning(cut, unasked)
    expect(warning).toContain("was cut at 4096 tokens (max_tokens)")
    expect(warning).toContain("set maxTokens")
    const other = limitWarning({ ...cut, rawFinishReason: "length" }, { asksForLimit: false })
    expect(other).toContain("was cut at a limit of the model or its service")
  })

  it.each([
    ["that the request set", cut, { maxTokens: 5 }],
    ["that the request is known to have set", cut, { ...unasked, asksForLimit: true }],
    ["of its context window", { ...cut, rawFinishReason: "model_context_window_exceeded" }, unasked],
    ["of the model's length", { ...cut, rawFinishReason: "model_length" }, unasked],
    ["that it did not reach", { finishReason: "stop" }, unasked],
    ["that is not known", {}, unasked],
  ] as const)("%s has none", (_, end, target) => {
    expect(limitWarning(end, target)).toBeUndefined()
  })
})
