/** One run at a time on an output, results that know which request they answer, and `usage` on what a batch wrote. */
import { hostname } from "node:os"
import { describe, expect, it } from "vitest"
import { readLine } from "../../src/batch/BatchLine.ts"
import { faultyUpstream } from "./FaultyUpstream.ts"
import { folder, until } from "./Folder.ts"

const lines = Array.from({ length: 6 }, (_, id) => ({ id: `i${id}`, prompt: `q${id}` }))

describe.concurrent.each([[[]], [["--ordered"]]] as const)("an output, with %j", { timeout: 180_000 }, (more) => {
  const args = ["batch", "in.jsonl", "-o", "out.jsonl", "--quiet", ...more]

  it("is refused to a second run, which names the process of the first, and free after a kill", async () => {
    await using upstream = await faultyUpstream(() => "answer", 60_000)
    await using place = await folder(upstream.settings)
    await place.write("in.jsonl", lines)
    const first = place.start(args)
    await until(() => upstream.requests() > 0)
    const second = await place.run(args)
    expect(second.code, second.stderr).toBe(2)
    expect(second.stderr).toContain(`process ${first.pid} has been writing out.jsonl since 20`)
    await first.kill("SIGKILL")
    expect(await place.names()).toContain("out.jsonl.lock")

    const before = upstream.requests()
    const third = place.start(args)
    await until(() => upstream.requests() > before)
    const end = await third.kill("SIGINT")
    expect(end.code, end.stderr).toBe(130)
    expect((await place.names()).filter((name) => name.includes(".lock"))).toEqual([])
  })

  it("names the line whose request has changed, and asks it again with --rerun-changed", async () => {
    await using upstream = await faultyUpstream()
    await using place = await folder(upstream.settings)
    await place.write("in.jsonl", lines)
    expect((await place.run(args)).code).toBe(0)
    expect(upstream.requests()).toBe(6)

    const other = lines.map((line) => (line.id === "i2" || line.id === "i4" ? { ...line, prompt: "other" } : line))
    await place.write("in.jsonl", other)
    const before = await place.text("out.jsonl")
    const refused = await place.run(args)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/line 3 \(id "i2"\) asks something else .*, and 1 more do/)
    expect([await place.text("out.jsonl"), upstream.requests()]).toEqual([before, 6])

    const rerun = await place.run([...args, "--rerun-changed"])
    expect(rerun.code, rerun.stderr).toBe(0)
    expect(upstream.requests()).toBe(8)
    const texts = new Map((await place.read("out.jsonl")).map(({ id, text }) => [id, text]))
    expect(await place.read("out.jsonl")).toHaveLength(6)
    expect(other.map(({ id }) => texts.get(id))).toEqual(other.map(({ prompt }) => `re: ${prompt}`))
    expect((await place.run(args)).code).toBe(0)
    expect(upstream.requests()).toBe(8)
  })

  it("of an earlier version, without hashes, still counts", async () => {
    await using upstream = await faultyUpstream()
    await using place = await folder(upstream.settings)
    await place.write("in.jsonl", lines)
    await place.write("out.jsonl", [{ id: "i0", text: "from before", finishReason: "stop", metadata: {} }])
    const { code, stderr } = await place.run(args)
    expect(code, stderr).toBe(0)
    expect(upstream.requests()).toBe(5)
    expect(await place.read("out.jsonl")).toContainEqual(expect.objectContaining({ id: "i0", text: "from before" }))
  })
})

describe.concurrent("an output", { timeout: 180_000 }, () => {
  const args = ["batch", "in.jsonl", "-o", "out.jsonl", "--quiet"]

  it("is not taken from a process of another machine, nor from one that a file does not name", async () => {
    await using upstream = await faultyUpstream()
    await using place = await folder(upstream.settings)
    await place.write("in.jsonl", lines)
    await place.write("out.jsonl.lock", [{ pid: 1, host: "elsewhere", since: "2026-01-01T00:00:00.000Z" }])
    const remote = await place.run(args)
    expect([remote.code, upstream.requests()]).toEqual([2, 0])
    expect(remote.stderr).toMatch(/process 1 on elsewhere .*remove out\.jsonl\.lock/)
    await place.write("out.jsonl.lock", ["who knows"])
    expect((await place.run(args)).stderr).toMatch(/out\.jsonl\.lock names no process/)
  })

  it.runIf(process.platform === "linux")("is taken from a process whose id another one has by now", async () => {
    await using upstream = await faultyUpstream()
    await using place = await folder(upstream.settings)
    await place.write("in.jsonl", lines)
    // This process runs, and was not started then.
    const stale = { pid: process.pid, host: hostname(), since: "2026-01-01T00:00:00.000Z", processStart: "1" }
    await place.write("out.jsonl.lock", [stale])
    const { code, stderr } = await place.run(args)
    expect(code, stderr).toBe(0)
  })

  it("is taken over by one of many runs that start at once", async () => {
    await using upstream = await faultyUpstream(() => "answer", 300)
    await using place = await folder(upstream.settings)
    await place.write("in.jsonl", lines)
    await place.write("out.jsonl.lock", [{ pid: 2 ** 22 + 1, host: hostname(), since: "2026-01-01T00:00:00.000Z" }])
    const ends = await Promise.all(Array.from({ length: 4 }, () => place.run(args)))
    // Runs that begin after the first has ended find everything answered.
    expect(ends.some(({ code }) => code === 0)).toBe(true)
    expect(ends.every(({ code }) => code === 0 || code === 2)).toBe(true)
    expect(upstream.requests()).toBe(6)
    expect(await place.read("out.jsonl")).toHaveLength(6)
  })

  it("stops a run from stdin at a line that has changed, since that is read once", async () => {
    await using upstream = await faultyUpstream()
    await using place = await folder(upstream.settings)
    await place.write("in.jsonl", lines)
    expect((await place.run([...args, "--system", "one"])).code).toBe(0)
    const flags = await place.run([...args, "--system", "two"])
    expect([flags.code, flags.stderr]).toEqual([2, expect.stringMatching(/line 1 \(id "i0"\) .*, and 5 more do/)])
    await place.write("other.jsonl", [lines[0], { ...lines[1], prompt: "other" }, { id: "new", prompt: "q9" }])
    const fromStdin = ["batch", "-", "-o", "out.jsonl", "--quiet", "--system", "one"]
    const stopped = await place.run(fromStdin, "other.jsonl")
    expect([stopped.code, stopped.stderr]).toEqual([1, expect.stringMatching(/line 2 \(id "i1"\) asks something else/)])
    expect(upstream.requests()).toBe(6)
    const usage = await place.run(["batch", "-", "-o", "out.jsonl", "--rerun-changed"])
    expect([usage.code, usage.stderr]).toEqual([2, expect.stringContaining("--rerun-changed needs a file as input")])
  })

  it("is what `usage` reads: answers, failures and lines that were not asked", async () => {
    await using upstream = await faultyUpstream((_, prompt) => (prompt === "q3" ? "refuse" : "answer"))
    await using place = await folder(upstream.settings)
    await place.write("in.jsonl", [...lines, "{ broken"])
    expect((await place.run(args)).code).toBe(1)
    const { code, stderr, stdout } = await place.run(["usage", "out.jsonl", "--json"])
    expect([code, stderr]).toEqual([0, ""])
    const numbers = JSON.parse(stdout)
    expect(numbers.all).toMatchObject({ answers: 5, errors: 2, inputTokens: 50, outputTokens: 50, unpriced: 0 })
    expect(numbers.all.costUsd).toBeCloseTo(0.005)
    expect(numbers.all.p50Ms).toBeGreaterThan(0)
    expect(numbers.errors).toEqual({ InvalidRequestError: 2 })
    expect(numbers.models["openai/gpt-5-mini"]).toMatchObject({ answers: 5, errors: 1 })
    expect(numbers.models["not asked"]).toMatchObject({ answers: 0, errors: 1 })
  })
})

describe("the hash of a request", () => {
  const hashOf = (text: string, system?: string) =>
    readLine({ number: 1, text, end: 0, isEnded: true }, system === undefined ? {} : { system }).requestHash

  it("is the same however fields are ordered and the line is named, and another for another request", () => {
    const hash = hashOf('{"id":"a","prompt":"hi","maxTokens":5}')
    expect(hash).toMatch(/^[0-9a-f]{16}$/)
    expect(hashOf('{"maxTokens":5, "prompt":"hi", "id":"b"}')).toBe(hash)
    expect(hashOf('{"id":"a","prompt":"hi","maxTokens":6}')).not.toBe(hash)
    expect(hashOf('{"id":"a","prompt":"hi","maxTokens":5}', "be brief")).not.toBe(hash)
    expect(hashOf(`{"prompt":${"[".repeat(50_000)}${"]".repeat(50_000)}}`)).toMatch(/^[0-9a-f]{16}$/)
  })
})
