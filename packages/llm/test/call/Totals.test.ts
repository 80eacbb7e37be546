/** What several answers come to together: their cost and who says so, their tokens, their time and what was said of them. */
import { describe, expect, it } from "vitest"
import type { AttemptRecord, ResponseMetadata } from "../../src/index.ts"
import { metadataOf } from "../../src/call/Metadata.ts"
import { attemptsOf, commonSource, sumUsage, totalOf } from "../../src/call/Totals.ts"

const answered = (changes: Partial<ResponseMetadata> = {}) => ({
  metadata: {
    ...metadataOf({
      provider: "openai",
      model: "m",
      latencyMs: 1,
      timestamp: "2026-11-26T00:00:00.000Z",
      attempts: [],
    }),
    ...changes,
  },
})

const answer = (costUsd: number | null, priceSource?: ResponseMetadata["priceSource"]) =>
  answered({ costUsd, ...(priceSource === undefined ? {} : { priceSource }) })

const whole = (...answers: ReadonlyArray<ReturnType<typeof answer>>) =>
  totalOf(answers, answers.at(-1) ?? answered(), 70)

const total = (...answers: ReadonlyArray<ReturnType<typeof answer>>) => {
  const { costUsd, priceSource } = whole(...answers)
  return { costUsd, priceSource }
}

describe("the cost of several answers", () => {
  it("is their sum, from the source that they share", () => {
    expect(total(answer(1, "service"), answer(2, "service"))).toEqual({ costUsd: 3, priceSource: "service" })
  })

  it("names no source where they have several", () => {
    expect(total(answer(1, "service"), answer(2, "custom"))).toEqual({ costUsd: 3, priceSource: undefined })
    expect(whole(answer(1, "service"), answer(2, "custom"))).not.toHaveProperty("priceSource")
  })

  it("is null, without a source, where one is not known", () => {
    for (const unknown of [whole(answer(null), answer(2, "custom")), whole(answer(2, "custom"), answer(null))]) {
      expect(unknown.costUsd).toBeNull()
      expect(unknown).not.toHaveProperty("priceSource")
    }
  })

  it("has no source where none has a cost", () => {
    expect(commonSource([{ costUsd: null }])).toBeUndefined()
    expect(commonSource([])).toBeUndefined()
  })

  it("has the source of those that have a cost", () => {
    expect(commonSource([{ costUsd: null }, { costUsd: 1, priceSource: "custom" }])).toBe("custom")
    expect(commonSource([{ costUsd: 0 }, { costUsd: 1, priceSource: "custom" }])).toBeUndefined()
  })
})

describe("the tokens of several answers", () => {
  it("are summed by bucket; a bucket that nobody told is absent", () => {
    const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3, cachedInputTokens: 4, cacheWriteTokens: 5 }
    expect(sumUsage([usage, { ...usage, reasoningTokens: 6 }, {}])).toStrictEqual({
      inputTokens: 2,
      outputTokens: 4,
      totalTokens: 6,
      cachedInputTokens: 8,
      cacheWriteTokens: 10,
      reasoningTokens: 6,
    })
    expect(sumUsage([{ inputTokens: 0 }])).toStrictEqual({ inputTokens: 0 })
  })

  it.each([
    [["reported", "reported"], "reported"],
    [["unknown", "unknown"], "unknown"],
    [["reported", "unknown"], "partial"],
    [["unknown", "reported"], "partial"],
    [["reported", "partial"], "partial"],
    [["partial", "partial"], "partial"],
  ] as const)("that were %s are %s together", (statuses, status) => {
    expect(whole(...statuses.map((usageStatus) => answered({ usageStatus }))).usageStatus).toBe(status)
  })
})

describe("the rest of several answers", () => {
  const attempt = (provider: string): AttemptRecord => ({
    provider,
    targetIndex: 0,
    started: "2026-11-26T00:00:00.000Z",
    queuedMs: 0,
    waitedMs: 0,
    durationMs: 1,
    costUsd: null,
  })
  const first = answered({
    timestamp: "2026-11-26T00:00:01.000Z",
    attempts: [attempt("a"), attempt("b")],
    warnings: ["seed was dropped", "topP was dropped"],
    usage: { inputTokens: 1 },
    requestId: "first",
  })
  const last = answered({
    timestamp: "2026-11-26T00:00:02.000Z",
    attempts: [attempt("c")],
    warnings: ["topP was dropped", "stop was dropped"],
    usage: { inputTokens: 2 },
    requestId: "last",
  })

  it("is the last one's, over the time, the attempts and the warnings of all", () => {
    expect(whole(first, last)).toMatchObject({
      requestId: "last",
      timestamp: "2026-11-26T00:00:01.000Z",
      latencyMs: 70,
      usage: { inputTokens: 3 },
      attempts: [attempt("a"), attempt("b"), attempt("c")],
      warnings: ["seed was dropped", "topP was dropped", "stop was dropped"],
      degraded: false,
    })
    expect(attemptsOf([first, last]).map(({ provider }) => provider)).toEqual(["a", "b", "c"])
  })

  it("is the last one's where there is no other", () => {
    expect(totalOf([], last, 5)).toMatchObject({ timestamp: "2026-11-26T00:00:02.000Z", latencyMs: 5, attempts: [] })
  })

  it("is degraded where one of them is", () => {
    expect(whole(answered({ degraded: true }), answered()).degraded).toBe(true)
  })
})
