/** What several answers cost together, and who says so. */
import { describe, expect, it } from "vitest"
import type { ResponseMetadata } from "../../src/index.ts"
import { metadataOf } from "../../src/call/Metadata.ts"
import { commonSource, totalOf } from "../../src/call/Totals.ts"

const answer = (costUsd: number | null, priceSource?: ResponseMetadata["priceSource"]) => ({
  metadata: metadataOf({
    provider: "openai",
    model: "m",
    latencyMs: 1,
    timestamp: "2026-11-26T00:00:00.000Z",
    costUsd,
    priceSource,
    attempts: [],
  }),
})

const total = (...answers: ReadonlyArray<ReturnType<typeof answer>>) => {
  const { costUsd, priceSource } = totalOf(answers, answers.at(-1) ?? answer(null), 1)
  return { costUsd, priceSource }
}

describe("the cost of several answers", () => {
  it("is their sum, from the source that they share", () => {
    expect(total(answer(1, "service"), answer(2, "service"))).toEqual({ costUsd: 3, priceSource: "service" })
  })

  it("names no source where they have several", () => {
    expect(total(answer(1, "service"), answer(2, "custom"))).toEqual({ costUsd: 3, priceSource: undefined })
  })

  it("is null, without a source, where one is not known", () => {
    expect(total(answer(null), answer(2, "custom"))).toEqual({ costUsd: null, priceSource: undefined })
  })

  it("has no source where none has a cost", () => {
    expect(commonSource([{ costUsd: null }])).toBeUndefined()
    expect(commonSource([])).toBeUndefined()
  })
})
