/** Files, figures and answers that no honest program writes: they are shown, or refused, and nothing crashes or hangs. */
import { describe, expect, it } from "vitest"
import { setTimeout as sleep } from "node:timers/promises"
import { Patience } from "../src/provider-batch/Persistence.ts"
import { ServiceFailure } from "../src/provider-batch/services/ServiceHttp.ts"
import { LiveMarkdown } from "../src/terminal/LiveMarkdown.ts"
import { tableLines } from "../src/terminal/Table.ts"
import { costPlot } from "../src/usage/UsagePlots.ts"

describe("a table", () => {
  it("of more rows than a function takes arguments is made", () => {
    const rows = Array.from({ length: 130_000 }, () => ["1"])
    expect(tableLines([{ title: "n", isNumber: true }], rows, undefined)).toHaveLength(130_001)
  })
})

describe("a plot of costs", () => {
  it.each([[[1e308, Number.POSITIVE_INFINITY]], [[Number.NaN, 1]], [[1, Number.NEGATIVE_INFINITY]]])(
    "without an end is left out: %j",
    (costs) => {
      expect(costPlot(costs, 80)).toBe("")
    },
  )

  it("of costs that can be is drawn", () => {
    expect(costPlot([1, 2, 3], 80)).not.toBe("")
  })
})

describe("a service that wants to be asked again in a year", () => {
  it("is not asked again at once", async () => {
    const stop = new AbortController()
    let asked = 0
    const persisting = new Patience(1, undefined, stop.signal).persist(
      () => {
        asked += 1
        return Promise.reject(new ServiceFailure("slow down", 429, 31_536_000_000))
      },
      () => {},
    )
    await sleep(200)
    stop.abort(new Error("enough"))
    await expect(persisting).rejects.toThrow("enough")
    expect(asked).toBe(1)
  })
})

describe("an answer on a terminal", () => {
  const drawn = (length: number) => {
    let written = ""
    const live = new LiveMarkdown({ write: (text) => (written += text), columns: 80, rows: 20, colors: false })
    for (let at = 0; at < length; at += 5) live.push("word ")
    live.finish()
    return written
  }

  it("in one long block is drawn a number of times that grows with the length no more than its logarithm does", () => {
    const drawings = (length: number) => drawn(length).split("\x1b[J").length
    expect(drawings(20_000) - drawings(10_000)).toBeLessThan(80)
    expect(drawings(1000)).toBeGreaterThan(150)
  })

  it("is whole at its end", () => {
    const words = drawn(20_000).split("\x1b[J").at(-1)?.match(/word/g)
    expect(words).toHaveLength(4000)
  })
})
