/** The lines that say how far a batch is. */
import { describe, expect, it } from "vitest"
import { progressLine, summaryLine } from "../../src/batch/ProgressLine.ts"

const facts = {
  answered: 3,
  failed: 0,
  skipped: 0,
  readBytes: 10,
  elapsedMs: 2000,
  inputBytes: 10,
  costUsd: 0,
  unpriced: 0,
}

describe.each([
  ["summaryLine", summaryLine],
  ["progressLine", progressLine],
])("%s", (_, line) => {
  it("tells what answers cost", () => {
    expect(line({ ...facts, costUsd: 0.0125 })).toMatch(/, \$0\.012500$/)
    expect(line(facts)).toMatch(/, \$0\.000000$/)
  })

  it("tells no 0 where no price is known", () => {
    expect(line({ ...facts, unpriced: 3 })).toMatch(/, cost unknown$/)
  })

  it("tells how many answers the cost leaves out", () => {
    expect(line({ ...facts, costUsd: 1.5, unpriced: 1 })).toMatch(/, \$1\.5000 and 1 of unknown cost$/)
  })
})
