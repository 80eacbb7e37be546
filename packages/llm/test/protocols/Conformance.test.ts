/** Every recorded exchange is read as its recording says it must be. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { corpusIsThere, expectedOf } from "../Corpus.ts"
import { conformanceCells, found, readExchange, recordingsByWire } from "./Reading.ts"

describe.skipIf(!corpusIsThere).each(recordingsByWire)("recorded exchanges of %s", (_, protocol, exchanges) => {
  it.each(exchanges.map((exchange) => [exchange.id, exchange] as const))("%s", (_id, exchange) => {
    const expected = expectedOf(exchange)
    expect(found(readExchange(protocol, exchange), expected)).toEqual(expected)
  })
})

describe.skipIf(!corpusIsThere)("docs/conformance.md", () => {
  it("says what is read; `npm run conformance -w @wiseflow/llm` writes it", () => {
    const page = readFileSync(new URL("../../../../docs/conformance.md", import.meta.url), "utf8")
    const lines = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    const cells = lines.map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    )
    expect(cells.slice(1)).toEqual(conformanceCells())
  })
})
