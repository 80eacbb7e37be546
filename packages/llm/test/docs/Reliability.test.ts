/** docs/reliability.md names tests that exist, and limits that the code has. */
import { existsSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import {
  defaultLimits,
  maxCheckedValues,
  maxDepth,
  maxNotes,
  maxParts,
  maxPlainValues,
  maxShapes,
} from "../../src/protocols/Limits.ts"

const page = readFileSync(new URL("../../../../docs/reliability.md", import.meta.url), "utf8")

/** The cells of the table of attacks, row by row. */
const rows = page
  .slice(page.indexOf("## Attacks"), page.indexOf("### The event loop"))
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| attack ") && !line.startsWith("| ---"))
  .map((line) => line.split("|").map((cell) => cell.trim()))

describe("docs/reliability.md", () => {
  it("has a test for each attack, and the test exists", () => {
    expect(rows.length).toBeGreaterThan(20)
    for (const [, attack = "", , seen = "", test = ""] of rows) {
      expect(seen, attack).not.toBe("")
      const [, file = "", words = ""] = /^`([^`]+)`: (.+)$/.exec(test) ?? []
      const url = new URL(`../${file}`, import.meta.url)
      expect([attack, existsSync(url)]).toEqual([attack, true])
      expect(readFileSync(url, "utf8"), attack).toContain(words)
    }
  })

  it("tells the limits of an answer as they are", () => {
    const limits = [
      `${maxDepth} levels`,
      `${maxParts.toLocaleString("en")} parts`,
      `${maxNotes.toLocaleString("en")} notes`,
      `${maxCheckedValues.toLocaleString("en")} to ${maxPlainValues.toLocaleString("en")} values`,
      `${maxShapes.toLocaleString("en")} different sequences of keys`,
    ]
    const mib = (bytes: number) => `${bytes / 1024 / 1024} MiB`
    for (const limit of [...limits, mib(defaultLimits.maxBodyBytes), mib(defaultLimits.maxEventLength)]) {
      expect(page).toContain(limit)
    }
  })
})
