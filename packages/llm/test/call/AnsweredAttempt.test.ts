/** What comes of an attempt that was answered: the metadata of the call, with what it cost. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { opened } from "./Opened.ts"

const blank = (text: string) => text.replaceAll("secret", "<redacted>")
const usage = { inputTokens: 1_000_000, outputTokens: 1_000_000 }
const prices = { m: { input: 1, output: 2 } }

describe("an answered attempt", () => {
  const end = { usage, usageStatus: "reported" } as const

  it.effect("gives the metadata of the whole call", () =>
    Effect.gen(function* () {
      const { attempt, context } = yield* opened({ temperature: 0.5, maxTokens: 9, pricing: { prices }, redact: blank })
      context.ledger.warn("other was passed over")
      yield* TestClock.adjust(25)
      attempt.sawHead({ status: 200, requestId: "req" })
      const named = { servedModel: "m-secret", responseId: "resp_secret", rawFinishReason: "end_secret" }
      const metadata = attempt.finish({ ...end, ...named, warnings: ["a secret was dropped"] })
      expect(metadata).toMatchObject({
        provider: "own",
        model: "m",
        temperature: 0.5,
        maxTokens: 9,
        usage,
        usageStatus: "reported",
        latencyMs: 25,
        timestamp: "1970-01-01T00:00:00.000Z",
        requestId: "req",
        servedModel: "m-<redacted>",
        responseId: "resp_<redacted>",
        rawFinishReason: "end_<redacted>",
        costUsd: 3,
        priceSource: "custom",
        warnings: ["other was passed over", "a <redacted> was dropped"],
      })
      expect(metadata.attempts).toMatchObject([{ durationMs: 25, usage, costUsd: 3, servedModel: "m-<redacted>" }])
      expect(metadata.attempts[0]?.errorType).toBeUndefined()
    }),
  )

  it.effect("counts the latency from the beginning of the call", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust(1000)
      const first = yield* opened()
      yield* TestClock.adjust(10)
      const { attempt } = yield* opened({}, { ledger: first.context.ledger })
      yield* TestClock.adjust(7)
      const metadata = attempt.finish(end)
      expect(metadata).toMatchObject({ latencyMs: 17, timestamp: "1970-01-01T00:00:01.000Z", warnings: [] })
      expect(metadata.attempts[1]?.durationMs).toBe(7)
    }),
  )

  it.effect("tells what was dropped, what the service said, and a limit that nobody asked for, in this order", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({ warnings: ["seed was dropped"], asksForLimit: false, maxTokens: 5 })
      const { warnings } = attempt.finish({ ...end, finishReason: "length", warnings: ["topP was dropped"] })
      expect(warnings.slice(0, 2)).toEqual(["seed was dropped", "topP was dropped"])
      expect(warnings[2]).toContain("5 tokens")
      expect(warnings).toHaveLength(3)
    }),
  )

  it.effect("costs what the head of its response says, whatever its prices and its end say", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({ pricing: { prices } })
      attempt.sawHead({ status: 200, requestId: undefined, costUsd: 0.25 })
      const metadata = attempt.finish({ ...end, billing: { costUsd: 4 } })
      expect(metadata).toMatchObject({ costUsd: 0.25, priceSource: "service" })
    }),
  )

  it.effect("costs what its end says where the head says nothing", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({ pricing: { prices } })
      expect(attempt.finish({ ...end, billing: { costUsd: 4 } })).toMatchObject({ costUsd: 4, priceSource: "service" })
    }),
  )

  it.effect("is priced by the model that served it before the one that was asked", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({ pricing: { prices: { ...prices, served: { input: 10, output: 20 } } } })
      expect(attempt.finish({ ...end, servedModel: "served" }).costUsd).toBe(30)
    }),
  )

  it.effect("is priced at the time of its end", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({ pricing: { prices: ({ atMs }) => atMs } })
      yield* TestClock.adjust(8)
      expect(attempt.finish(end).costUsd).toBe(8)
      expect(attempt.epochMs()).toBe(8)
    }),
  )

  it.effect("keeps the usage as it was told", () =>
    Effect.gen(function* () {
      const told = { inputTokens: 1 }
      const { attempt } = yield* opened()
      attempt.finish({ usage: told, usageStatus: "reported" })
      told.inputTokens = 2
      expect(attempt.record().usage).toEqual({ inputTokens: 1 })
    }),
  )

  it.effect("has no usage in its record where none is known, and the cost that the service told all the same", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({ pricing: { prices } })
      const metadata = attempt.finish({ usage: {}, usageStatus: "unknown", billing: { costUsd: 2 } })
      expect(metadata).toMatchObject({ usage: {}, usageStatus: "unknown", costUsd: 2 })
      expect(attempt.record()).not.toHaveProperty("usage")
    }),
  )

  it.effect("costs nothing where no service charges for it", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({ pricing: { prices }, isFree: true })
      const metadata = attempt.finish(end)
      expect(metadata.costUsd).toBe(0)
      expect(metadata).not.toHaveProperty("priceSource")
      expect(attempt.record()).not.toHaveProperty("usage")
    }),
  )
})
