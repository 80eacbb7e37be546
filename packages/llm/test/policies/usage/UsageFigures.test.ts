/** The figures of a ledger, one by one: what each attempt adds to them, and how they are written. */
import { describe, expect, it } from "vitest"
import type { AttemptRecord } from "../../../src/model/LlmResponse.ts"
import { UsageLedger } from "../../../src/policies/usage/UsageLedger.ts"

const attempt = (given: Partial<AttemptRecord> = {}): AttemptRecord => ({
  provider: "own",
  model: "m",
  targetIndex: 0,
  started: "2026-01-01T00:00:00.000Z",
  queuedMs: 0,
  waitedMs: 0,
  durationMs: 100,
  costUsd: null,
  ...given,
})

const noted = (attempts: ReadonlyArray<AttemptRecord>, given: Partial<Parameters<UsageLedger["record"]>[0]> = {}) => {
  const ledger = new UsageLedger()
  ledger.record({ attempts, provider: "own", model: "m", latencyMs: 100, isError: false, ...given })
  return ledger
}

const usage = {
  inputTokens: 1,
  outputTokens: 2,
  totalTokens: 3,
  cachedInputTokens: 4,
  cacheWriteTokens: 5,
  reasoningTokens: 6,
}

describe("the figures of a ledger", () => {
  it("are all 0 before the first call", () => {
    expect(new UsageLedger().total).toEqual({
      calls: 0,
      errors: 0,
      attempts: 0,
      usage: {
        inputTokens: 0,
        outputTokens: 0,
        totalTokens: 0,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        reasoningTokens: 0,
      },
      costUsd: 0,
      unpriced: 0,
      costBySource: {},
      latency: { count: 0, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 },
    })
  })

  it("sum up the tokens of all attempts, each kind by itself, and what they cost by source", () => {
    const ledger = noted([
      attempt({ usage, costUsd: 0.5, priceSource: "custom" }),
      attempt({ usage, costUsd: 0.25, priceSource: "custom" }),
      attempt({ usage: { inputTokens: 10 }, costUsd: 1, priceSource: "table prices" }),
      attempt({ costUsd: 2 }),
    ])
    for (const figures of [ledger.total, ledger.byModel()[0]]) {
      expect(figures).toMatchObject({
        calls: 1,
        errors: 0,
        attempts: 4,
        usage: {
          inputTokens: 12,
          outputTokens: 4,
          totalTokens: 6,
          cachedInputTokens: 8,
          cacheWriteTokens: 10,
          reasoningTokens: 12,
        },
        costUsd: 3.75,
        unpriced: 0,
        costBySource: { custom: 0.75, "table prices": 1 },
      })
      expect(Object.keys(figures?.costBySource ?? {})).toHaveLength(2)
    }
  })

  it("count as unpriced what was answered or used tokens without a price, and not what failed", () => {
    const unpriced = (given: Partial<AttemptRecord>) => noted([attempt(given)]).total.unpriced
    expect([
      unpriced({}),
      unpriced({ usage }),
      unpriced({ usage, errorType: "TimeoutError" }),
      unpriced({ errorType: "ServerError" }),
      unpriced({ costUsd: 0 }),
    ]).toEqual([1, 1, 1, 0, 0])
  })

  it("of several models add up to the total", () => {
    const ledger = new UsageLedger()
    const models = ["a", "b", undefined]
    for (const [index, model] of models.entries())
      ledger.record({
        attempts: [attempt({ model, usage, costUsd: 1, priceSource: "table prices" }), attempt({ model })],
        provider: "own",
        model,
        latencyMs: 100 * (index + 1),
        isError: model === "b",
      })
    expect(ledger.total).toMatchObject({
      calls: 3,
      errors: 1,
      attempts: 6,
      costUsd: 3,
      unpriced: 3,
      costBySource: { "table prices": 3 },
      usage: { inputTokens: 3, reasoningTokens: 18 },
      latency: { count: 3, meanMs: 200, maxMs: 300 },
    })
    const rows = ledger.byModel()
    expect(rows.map(({ calls, errors, model, provider }) => [provider, model, calls, errors])).toEqual([
      ["own", "a", 1, 0],
      ["own", "b", 1, 1],
      ["own", undefined, 1, 0],
    ])
    expect(rows[2]).not.toHaveProperty("model")
  })

  it("that were read do not change with the next call", () => {
    const ledger = noted([attempt({ usage })])
    const before = ledger.total
    const row = ledger.byModel()[0]
    ledger.record({ attempts: [attempt({ usage })], provider: "own", model: "m", latencyMs: 1, isError: false })
    expect([before.usage.inputTokens, row?.usage.inputTokens, ledger.total.usage.inputTokens]).toEqual([1, 1, 2])
  })

  it("of a tag are those of its calls, and a tag without a value counts to nothing", () => {
    const ledger = noted([attempt({ usage, costUsd: 1 })], { tags: { team: "a" }, isError: true })
    const odd: any = { team: undefined }
    ledger.record({ attempts: [attempt({ usage })], provider: "own", latencyMs: 1, isError: false, tags: odd })
    expect(ledger.byTag("team")).toMatchObject([
      { value: "a", calls: 1, errors: 1, attempts: 1, costUsd: 1, usage: { inputTokens: 1 }, latency: { maxMs: 100 } },
    ])
    expect(ledger.byTag("team")).toHaveLength(1)
  })
})

describe("names beyond those that are told apart", () => {
  const full = (count: number) => {
    const ledger = new UsageLedger()
    for (let index = 0; index < count; index++)
      ledger.record({ attempts: [], provider: `p${index % 10}`, model: `m${index}`, latencyMs: 1, isError: false })
    return ledger
  }

  it("are none up to a thousand models of all providers together", () => {
    expect(
      full(1000)
        .byModel()
        .some(({ provider }) => provider === "(others)"),
    ).toBe(false)
    expect(
      full(1001)
        .byModel()
        .filter(({ provider }) => provider === "(others)"),
    ).toMatchObject([{ provider: "(others)", model: "(others)", calls: 1 }])
  })

  it("are those alone that are new", () => {
    const ledger = full(1001)
    ledger.record({ attempts: [], provider: "p0", model: "m0", latencyMs: 1, isError: false })
    expect(ledger.byModel().find(({ model }) => model === "m0")?.calls).toBe(2)
  })

  it("are none up to a thousand values, and up to a hundred tags", () => {
    const tagged = (values: number, tags: number) => {
      const ledger = new UsageLedger()
      const record = (name: string, value: string) =>
        ledger.record({ attempts: [], provider: "own", latencyMs: 1, isError: false, tags: { [name]: value } })
      for (let index = 0; index < values; index++) record("user", `u${index}`)
      for (let index = 1; index < tags; index++) record(`t${index}`, "x")
      record("user", "u0")
      return ledger
    }
    expect(tagged(1000, 1).byTag("user").at(-1)?.value).toBe("u999")
    expect(tagged(1001, 1).byTag("user").at(-1)).toMatchObject({ value: "(others)", calls: 1 })
    expect(tagged(1001, 1).byTag("user")[0]?.calls).toBe(2)
    expect(Object.keys(tagged(1, 100).toJSON().byTag)).not.toContain("(others)")
    expect(Object.keys(tagged(1, 101).toJSON().byTag)).toContain("(others)")
    expect(tagged(1, 101).byTag("user")[0]?.calls).toBe(2)
  })
})

describe("a ledger as CSV", () => {
  const columns =
    "calls,errors,attempts,inputTokens,outputTokens,totalTokens,cachedInputTokens,cacheWriteTokens,reasoningTokens,costUsd,unpriced,latencyP50Ms,latencyP95Ms,latencyP99Ms,latencyMaxMs"

  it("has a line of headings and one for each row, each ended by CR and LF", () => {
    const ledger = noted([attempt({ usage, costUsd: 0.5 })], { tags: { team: "a" } })
    const [heading, line] = ledger.toCsv().split("\r\n")
    const sorted = (text = "") => text.split(",").toSorted()
    expect(sorted(heading)).toEqual(sorted(`provider,model,${columns}`))
    const cells = Object.fromEntries((heading ?? "").split(",").map((name, at) => [name, line?.split(",")[at]]))
    expect(cells).toEqual({
      provider: "own",
      model: "m",
      calls: "1",
      errors: "0",
      attempts: "1",
      inputTokens: "1",
      outputTokens: "2",
      totalTokens: "3",
      cachedInputTokens: "4",
      cacheWriteTokens: "5",
      reasoningTokens: "6",
      costUsd: "0.5",
      unpriced: "0",
      latencyP50Ms: expect.stringMatching(/^(99|100)/),
      latencyP95Ms: expect.stringMatching(/^(99|100)/),
      latencyP99Ms: expect.stringMatching(/^(99|100)/),
      latencyMaxMs: "100",
    })
    expect(ledger.toCsv()).toMatch(/^[^\r\n]+\r\n[^\r\n]+\r\n$/)
    expect(ledger.toCsv("team")).toMatch(/^team,calls,[^\r\n]+\r\na,1,[^\r\n]+\r\n$/)
    expect(new UsageLedger().toCsv("team")).toMatch(/^team,calls,[^\r\n]+\r\n$/)
  })

  it.each([
    ["plain", "plain"],
    [undefined, ""],
    ["a=b", "a=b"],
    ["=1", "'=1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@a", "'@a"],
    ["\ta", "'\ta"],
    ["\ra", '"\'\ra"'],
    ["a,b", '"a,b"'],
    ['a"b"', '"a""b"""'],
    ["a\nb", '"a\nb"'],
    ["a\rb", '"a\rb"'],
  ])("writes the model %j as %s", (model, cell) => {
    const csv = noted([], { model }).toCsv()
    expect(csv.slice(csv.indexOf("\r\n") + 2)).toMatch(/^own,/)
    expect(csv.slice(csv.indexOf("\r\n") + 2 + "own,".length)).toSatisfy((rest: string) =>
      rest.startsWith(`${cell},1,0,`),
    )
  })

  it("writes the name of a tag as text too", () => {
    expect(noted([], { tags: { "=a": "b" } }).toCsv("=a")).toMatch(/^'=a,calls,/)
  })
})
