/** `usage`, `embed` and `completions`: the numbers of a batch, vectors as lines, and scripts that shells accept. */
import { assert, describe, it } from "@effect/vitest"
import { percentile, RunningTotals } from "../src/usage/UsageTotals.ts"
import { histogramLines } from "../src/usage/UsagePlots.ts"
import { recordOf } from "../src/usage/UsageRecord.ts"
import { tableLines } from "../src/terminal/Table.ts"
import { command } from "./Command.ts"

const answer = (latencyMs: number, costUsd: number | null) => ({
  text: "ok",
  metadata: {
    provider: "openai",
    model: "gpt-5-mini",
    latencyMs,
    costUsd,
    attempts: [{}],
    usage: { inputTokens: 10, outputTokens: 2 },
  },
})

const batch = [
  JSON.stringify({ id: "a", response: answer(100, 0.5) }),
  JSON.stringify(answer(300, null)),
  "",
  JSON.stringify({
    response: { ...answer(50, null), error: "slow down", errorType: "RateLimitError" },
  }),
  "not JSON",
].join("\n")

describe.concurrent("usage", () => {
  it("adds up answers, errors, tokens, cost and latency of each model", async () => {
    const { code, stderr, stdout } = await command(["usage", "batch.jsonl", "--json"], {
      files: { "batch.jsonl": batch },
    })
    assert.strictEqual(code, 0, stderr)
    const numbers: unknown = JSON.parse(stdout)
    assert.nestedPropertyVal(numbers, "all.answers", 2)
    assert.nestedPropertyVal(numbers, "all.errors", 1)
    assert.nestedPropertyVal(numbers, "all.costUsd", 0.5)
    assert.nestedPropertyVal(numbers, "all.unpriced", 1)
    assert.nestedPropertyVal(numbers, "all.p50Ms", 100)
    assert.nestedPropertyVal(numbers, "all.maxMs", 300)
    assert.nestedPropertyVal(numbers, "errors.RateLimitError", 1)
    assert.match(stderr, /^left out: 1 of the lines/)
  })

  it("prints tables and plots, from stdin too", async () => {
    const { code, stdout } = await command(["usage", "-"], { stdin: batch })
    assert.strictEqual(code, 0)
    assert.match(stdout, /^openai\/gpt-5-mini +2 +1 +30 +6 +\$0\.5000\+ +0\.10 s +0\.30 s +0\.30 s$/m)
    assert.match(stdout, /^RateLimitError +1$/m)
    assert.match(stdout, /█/)
  })

  it("a file that is absent or holds no response is exit code 1", async () => {
    for (const [name, reason] of [
      ["missing.jsonl", /^missing\.jsonl: ENOENT/],
      ["empty.jsonl", /^empty\.jsonl: no line has a response with metadata$/m],
    ] as const) {
      const { code, stderr, stdout } = await command(["usage", name], { files: { "empty.jsonl": "{}\n" } })
      assert.deepStrictEqual([code, stdout], [1, ""])
      assert.match(stderr, reason)
    }
  })

  it("percentiles are values that were measured", () => {
    assert.strictEqual(percentile([], 0.5), undefined)
    assert.strictEqual(percentile([7], 0.95), 7)
    assert.strictEqual(percentile([1, 2, 3, 4], 0.5), 2)
    assert.strictEqual(percentile([1, 2, 3, 4], 0.95), 4)
  })

  it("the bars of a histogram count every value once", () => {
    for (const values of [
      [5],
      [5, 5, 5],
      [1, 10, 100, 1000, 10_000],
      Array.from({ length: 500 }, (_, at) => at * at),
    ]) {
      const counts = histogramLines(values, 60).map((line) => Number(line.split(" ").at(-1)))
      assert.strictEqual(
        counts.reduce((sum, count) => sum + count, 0),
        values.length,
      )
    }
    assert.deepStrictEqual(histogramLines([], 60), [])
  })

  it("errors count their tokens and cost, and not their latency", () => {
    const totals = new RunningTotals()
    const line = JSON.stringify({ response: { ...answer(9000, 0.25), errorType: "TimeoutError" } })
    const record = recordOf(line)
    if (record !== undefined) totals.add(record)
    assert.deepInclude(totals.totals(), { answers: 0, errors: 1, inputTokens: 10, costUsd: 0.25, maxMs: undefined })
  })
})

describe.concurrent("embed", () => {
  it("gives a line for each text, of arguments or of stdin, in their order", async () => {
    const given = await command(["embed", "--offline", "one", "two"])
    const piped = await command(["embed", "--offline"], { stdin: "one\n\ntwo\n" })
    assert.deepStrictEqual([given.code, piped.code], [0, 0], piped.stderr)
    assert.strictEqual(given.stdout, piped.stdout)
    const lines = given.stdout.trimEnd().split("\n")
    assert.strictEqual(lines.length, 2)
    assert.include(JSON.parse(lines[1] ?? ""), { index: 1, input: "two" })
  })

  it("without a text is exit code 1, and says so", async () => {
    const { code, stderr, stdout } = await command(["embed", "--offline"], { stdin: "\n" })
    assert.deepStrictEqual([code, stdout], [1, ""])
    assert.match(stderr, /^there was no text on stdin$/m)
  })
})

describe.concurrent("completions", () => {
  it("name the subcommands, for each shell", async () => {
    for (const shell of ["bash", "zsh", "fish", "pwsh"]) {
      const { code, stdout } = await command(["completions", shell])
      assert.strictEqual(code, 0)
      for (const name of ["generate", "chat", "doctor"]) assert.include(stdout, name)
    }
  })
})

describe("a table", () => {
  it("fits the room: the widest column is cut, numbers stand on the right, and characters are escaped", () => {
    const lines = tableLines(
      [{ title: "name" }, { title: "n", isNumber: true }],
      [
        ["a-name-that-is-long\u001b[2J", "1"],
        ["日本語", "1000"],
      ],
      20,
    )
    assert.deepStrictEqual(lines, ["name               n", "a-name-that-i…     1", "日本語          1000"])
  })
})
