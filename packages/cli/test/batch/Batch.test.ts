/** `batch`: what comes of each line, and how a run ends, goes on and is told. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { command } from "../Command.ts"
import { faultyUpstream } from "./FaultyUpstream.ts"

const jsonl = (...lines: ReadonlyArray<unknown>) =>
  lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n")

const read = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

const byId = (text: string) => new Map(read(text).map((line) => [line["id"], line]))

describe.concurrent("batch", () => {
  it("answers lines of both forms on stdout, by their ids, and lines without one by their numbers", async () => {
    await using upstream = await faultyUpstream()
    const { code, stderr, stdout } = await command(["batch", "in.jsonl", "--quiet"], {
      environment: upstream.settings,
      files: {
        "in.jsonl": jsonl(
          { id: "a", prompt: "one" },
          { id: 7, messages: [{ role: "user", content: "two" }], maxTokens: 5 },
          "",
          { prompt: "three" },
        ),
      },
    })
    expect(code, stderr).toBe(0)
    const results = byId(stdout)
    expect(results.get("a")).toMatchObject({ text: "re: one", finishReason: "stop", metadata: { provider: "openai" } })
    expect(results.get(7)).toMatchObject({ text: "re: two", metadata: { maxTokens: 5 } })
    expect(results.get(4)).toMatchObject({ text: "re: three" })
  })

  it("fails a line that cannot be asked, and no other", async () => {
    await using upstream = await faultyUpstream((_, prompt) => (prompt === "bad" ? "refuse" : "answer"))
    const { code, stderr, stdout } = await command(["batch", "-", "--quiet", "--ordered"], {
      environment: upstream.settings,
      stdin: jsonl(
        { id: "a", prompt: "one" },
        "{ broken",
        { id: "a", prompt: "again" },
        { id: "b", prompt: "bad" },
        { id: "c", promt: "misspelt" },
        { id: {}, prompt: "odd" },
        { id: "z", prompt: "last" },
      ),
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/5 lines have no answer/)
    expect(read(stdout).map(({ error, errorType, id, text }) => [id, errorType ?? text, error])).toEqual([
      ["a", "re: one", undefined],
      ["line 2", "InvalidRequestError", "line 2 is not a JSON object"],
      ["line 3", "InvalidRequestError", 'line 3 has the id "a" of an earlier line'],
      ["b", "InvalidRequestError", expect.stringContaining("no such thing")],
      ["c", "InvalidRequestError", expect.stringContaining("promt")],
      ["line 6", "InvalidRequestError", "line 6: id is neither a text nor a number"],
      ["z", "re: last", undefined],
    ])
  })

  it("stops where every line would fail alike, and says why", async () => {
    const { code, stderr, stdout } = await command(["batch", "-", "--provider", "openai", "--model", "gpt-5"], {
      environment: { ANTHROPIC_API_KEY: "sk-ant-1" },
      stdin: jsonl(...Array.from({ length: 50 }, (_, id) => ({ id, prompt: "hi" }))),
    })
    expect([code, stdout]).toEqual([1, ""])
    expect(stderr).toMatch(/OPENAI_API_KEY/)
  })

  it.each([
    [["batch", "in.jsonl", "--concurrency", "0"], /--concurrency 0/],
    [["batch", "in.jsonl", "--budget", "-1"], /--budget/],
    [["batch", "in.jsonl", "--retry-failed"], /--output/],
    [["batch", "in.jsonl", "--output", "./in.jsonl"], /is the input itself/],
    [["batch"], /input/],
  ] as const)("refuses %j with exit code 2", async (args, message) => {
    const { code, stderr, stdout } = await command(args, { files: { "in.jsonl": jsonl({ prompt: "hi" }) } })
    expect([code, stdout]).toEqual([2, ""])
    expect(stderr).toMatch(message)
  })

  it("begins no line that might pass its budget", async () => {
    await using upstream = await faultyUpstream()
    const { code, stderr, stdout } = await command(["batch", "-", "--budget", "0.0105", "--quiet"], {
      environment: upstream.settings,
      stdin: jsonl(...Array.from({ length: 40 }, (_, id) => ({ id, prompt: `q${id}` }))),
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/the budget of \$0\.0105 is used up/)
    expect(read(stdout)).toHaveLength(10)
    expect(upstream.requests()).toBe(10)
  })
})

/** Runs the command several times in the same folder: `steps` are arguments, and what must come of them. */
const inOneFolder = async (
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>>,
  steps: (
    run: (args: ReadonlyArray<string>) => ReturnType<typeof command>,
    file: (name: string) => Promise<string>,
  ) => Promise<void>,
) => {
  const folder = await mkdtemp(join(tmpdir(), "batch-"))
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
    await steps(
      (args) =>
        command(
          args.map((arg) => (arg.endsWith(".jsonl") ? join(folder, arg) : arg)),
          { environment },
        ),
      (name) => readFile(join(folder, name), "utf8"),
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe.each([[[]], [["--ordered"]]] as const)("a batch with an output, with %j", (more) => {
  const lines = Array.from({ length: 12 }, (_, id) => ({ id: `i${id}`, prompt: `q${id}` }))
  const args = ["batch", "in.jsonl", "-o", "out.jsonl", "--quiet", ...more]

  it("asks nothing twice when it is started again, and failures only with --retry-failed", async () => {
    let isIll = true
    await using upstream = await faultyUpstream((_, prompt) =>
      isIll && (prompt === "q3" || prompt === "q8") ? "refuse" : "answer",
    )
    await inOneFolder({ "in.jsonl": jsonl(...lines) }, upstream.settings, async (run, file) => {
      expect((await run(args)).code).toBe(1)
      expect(upstream.requests()).toBe(12)
      const again = await run(args)
      expect([again.code, upstream.requests()]).toEqual([1, 12])
      expect(again.stderr).toMatch(/10 answers and 2 failures from before/)
      isIll = false
      const retried = await run([...args, "--retry-failed"])
      expect([retried.code, upstream.requests()], retried.stderr).toEqual([0, 14])
      const ids = read(await file("out.jsonl")).map(({ id }) => id)
      expect(more.length > 0 ? ids : ids.toSorted()).toEqual(
        more.length > 0 ? lines.map(({ id }) => id) : lines.map(({ id }) => id).toSorted(),
      )
      expect(read(await file("out.jsonl")).every((line) => !("error" in line))).toBe(true)
      await expect(file("out.jsonl.journal")).rejects.toThrow("ENOENT")
    })
  })

  it("cuts off half a line that a killed writer left, and asks it again", async () => {
    await using upstream = await faultyUpstream()
    const first = JSON.stringify({ id: "i0", text: "re: q0", metadata: {} })
    const files = { "in.jsonl": jsonl(...lines), "out.jsonl": `${first}\n{"id":"i1","text":"re` }
    await inOneFolder(files, upstream.settings, async (run, file) => {
      expect((await run(args)).code).toBe(0)
      expect(upstream.requests()).toBe(11)
      expect(read(await file("out.jsonl"))).toHaveLength(12)
    })
  })

  it("leaves a file alone that is no output of a batch", async () => {
    await using upstream = await faultyUpstream()
    for (const content of ["my notes", "my notes\n", '{"name":"x"}\n']) {
      await inOneFolder({ "in.jsonl": jsonl(...lines), "out.jsonl": content }, upstream.settings, async (run, file) => {
        for (const flags of [args, [...args, "--retry-failed"]]) {
          const { code, stderr } = await run(flags)
          expect(code).toBe(1)
          expect(stderr).toMatch(/no output of a batch/)
        }
        expect(await file("out.jsonl")).toBe(content)
      })
    }
    expect(upstream.requests()).toBe(0)
  })
})
