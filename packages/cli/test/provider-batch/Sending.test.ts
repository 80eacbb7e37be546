/** What is put into which batch, what is refused, and that kills at any moment send nothing twice. */
import { describe, expect, it } from "vitest"
import { folder, until } from "../batch/Folder.ts"
import { batchServer } from "./BatchServer.ts"

const lines = Array.from({ length: 7 }, (_, id) => ({ id: `i${id}`, prompt: `q${id}` }))
const args = ["batch", "in.jsonl", "-o", "out.jsonl", "--provider-batch", "--poll-interval", "20ms", "--quiet"]
const once = new Map(lines.map(({ prompt }) => [prompt, 1]))

/** Numbers that are the same in every run. */
const randomOf = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

describe.concurrent("provider batches", { timeout: 240_000 }, () => {
  it("are split at the most requests of one, and by model where a service wants one model in each", async () => {
    await using server = await batchServer("openai")
    await using place = await folder(server.settings)
    const models = ["gpt-5-mini", "gpt-5", "gpt-5-mini"]
    await place.write(
      "in.jsonl",
      lines.map((line, at) => ({ ...line, model: models[at % 3] })),
    )
    const { code, stderr } = await place.run([...args, "--batch-size", "2"])
    expect(code, stderr).toBe(0)
    expect(server.batches.map(({ entries }) => entries.map(({ body }) => body.model))).toEqual([
      ["gpt-5-mini", "gpt-5-mini"],
      ["gpt-5", "gpt-5"],
      ["gpt-5-mini", "gpt-5-mini"],
      ["gpt-5-mini"],
    ])
    expect(server.uploaded).toEqual(once)
    expect(await place.read("out.jsonl")).toHaveLength(7)
  })

  it.each(["openai", "anthropic"] as const)("of %s that are killed at any moment send each line once", async (wire) => {
    const random = randomOf(wire.length)
    const many = Array.from({ length: 30 }, (_, id) => ({ id: `i${id}`, prompt: `q${id}` }))
    await using server = await batchServer(wire, {
      looks: 2,
      act: (_, nth) => (nth % 5 === 3 ? "cut" : nth % 7 === 4 ? "busy" : "ok"),
    })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", many)
    const own = [...args, "--batch-size", wire === "anthropic" ? "7" : "4"]
    const steps = ["upload", "create", "list", "poll", "results"] as const
    const requests = () => steps.reduce((sum, step) => sum + server.count(step), 0)
    for (let kill = 0; kill < 5; kill++) {
      const run = place.start(own)
      const aim = requests() + 1 + Math.floor(random() * 12)
      let hasEnded = false
      run.ended.then(() => (hasEnded = true)).catch(() => {})
      await until(() => hasEnded || requests() >= aim)
      await run.kill("SIGKILL")
    }
    const last = await place.run(own)
    expect(last.code, last.stderr).toBe(0)
    const each = new Map(many.map(({ prompt }) => [prompt, 1]))
    const sorted = (map: Map<string, number>) => new Map([...map].toSorted())
    expect(sorted(server.uploaded)).toEqual(sorted(each))
    expect(sorted(server.created)).toEqual(sorted(each))
    const results = await place.read("out.jsonl")
    expect(results.map(({ id, text }) => `${String(id)} ${String(text)}`).toSorted()).toEqual(
      many.map(({ id, prompt }) => `${id} re: ${prompt}`).toSorted(),
    )
  })

  it("of Anthropic, where batches have no names, are told from those of other programs by their results", async () => {
    let isFirst = true
    await using server = await batchServer("anthropic", {
      looks: 1,
      act: (step) => {
        if (step !== "create" || !isFirst) return "ok"
        isFirst = false
        return "lost"
      },
    })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    const first = place.start(args)
    await until(() => server.created.size === 7)
    await first.kill("SIGKILL")
    // As many requests, and newer.
    server.addForeign(lines.map(({ prompt }) => `mine ${prompt}`))
    const second = await place.run(args)
    expect(second.code, second.stderr).toBe(0)
    expect(server.created).toEqual(once)
    expect((await place.read("out.jsonl")).map(({ text }) => text).toSorted()).toEqual(
      lines.map(({ prompt }) => `re: ${prompt}`),
    )
  })

  it("that a service refuses when they are validated are failures of their lines, with its reason", async () => {
    let isIll = true
    await using server = await batchServer("openai", { end: () => (isIll ? "failed" : "completed") })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    expect((await place.run(args)).code).toBe(1)
    const results = await place.read("out.jsonl")
    expect(results).toHaveLength(7)
    expect(results[0]).toMatchObject({ errorType: "InvalidRequestError", metadata: { providerBatch: "batch_1" } })
    expect(results[0]?.["error"]).toMatch(/the batch was refused \(its line 2\): Line 2 is not valid/)
    expect(results[1]?.["error"]).toMatch(/the batch was refused: Line 2 is not valid/)
    isIll = false
    const again = await place.run([...args, "--retry-failed"])
    expect(again.code, again.stderr).toBe(0)
  })

  it("that expire keep what was answered, and the rest has its own error", async () => {
    await using server = await batchServer("openai", {
      end: () => "expired",
      answer: (prompt) => (prompt === "q2" ? "leave out" : prompt === "q4" ? "expire" : "answer"),
    })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    expect((await place.run(args)).code).toBe(1)
    const results = new Map((await place.read("out.jsonl")).map(({ errorType, id, text }) => [id, text ?? errorType]))
    expect(lines.map(({ id }) => results.get(id))).toEqual([
      ...["re: q0", "re: q1", "TimeoutError", "re: q3", "TimeoutError", "re: q5", "re: q6"],
    ])
  })

  it("that an account may not create now are created by the next run of the same upload", async () => {
    let isIll = true
    await using server = await batchServer("openai", { act: (step) => (step === "create" && isIll ? "busy" : "ok") })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    const refused = await place.run(args)
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("answers 429")])
    isIll = false
    const { code, stderr } = await place.run(args)
    expect(code, stderr).toBe(0)
    expect(server.uploaded).toEqual(once)
    expect(server.created).toEqual(once)
  })

  it("of another account are told as such, and nothing is sent instead", async () => {
    await using server = await batchServer("anthropic", { looks: 100_000 })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    await place.run([...args, "--deadline", "50ms"])
    server.forget()
    const { code, stderr } = await place.run(args)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/does not know batch_1: it is of another account/)])
    expect(server.created).toEqual(once)
  })

  it("that cannot be created are sent by the next run", async () => {
    let isIll = true
    await using server = await batchServer("openai", { act: (step) => (step === "create" && isIll ? "refuse" : "ok") })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    const refused = await place.run(args)
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("billing hard limit reached")])
    expect((await place.names()).toSorted()).toEqual(["in.jsonl", "out.jsonl"])
    isIll = false
    const { code, stderr } = await place.run(args)
    expect(code, stderr).toBe(0)
    expect(server.created).toEqual(once)
  })

  it("show no key, also where the service repeats it", async () => {
    await using server = await batchServer("openai")
    await using place = await folder({ ...server.settings, OPENAI_API_KEY: "sk-mistyped-key" })
    await place.write("in.jsonl", lines)
    const { code, stderr } = await place.run(args)
    expect(code).toBe(1)
    expect(stderr).toContain("Incorrect API key: [redacted]")
    expect(stderr).not.toContain("mistyped")
  })

  it("are not looked for at another provider", async () => {
    await using server = await batchServer("openai", { looks: 100_000 })
    await using place = await folder({ ...server.settings, ANTHROPIC_API_KEY: "sk-ant-1" })
    await place.write("in.jsonl", lines)
    expect((await place.run([...args, "--deadline", "50ms"])).code).toBe(1)
    const { code, stderr } = await place.run([...args, "--provider", "anthropic", "--model", "claude-sonnet-5"])
    expect(code).toBe(2)
    expect(stderr).toMatch(/out\.jsonl has batches of openai at 127\.0\.0\.1:\d+ that are not collected/)
    const overwritten = await place.run([...args, "--overwrite", "--deadline", "50ms"])
    expect(overwritten.stderr).toContain("forgets 1 provider batches, which go on: batch_1")
    expect(server.batches).toHaveLength(2)
  })

  it("notice a line that has changed since it was sent, and send it again with --rerun-changed", async () => {
    await using server = await batchServer("openai", { looks: 100_000 })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    const first = place.start(args)
    await until(() => server.count("poll") > 1)
    await first.kill("SIGKILL")
    await place.write(
      "in.jsonl",
      lines.slice(1).map((line) => (line.id === "i3" ? { ...line, prompt: "other" } : line)),
    )
    const refused = await place.run(args)
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('line 3 (id "i3") asks something else than what was sent of it'),
    ])
    const late = await place.run([...args, "--rerun-changed", "--deadline", "300ms"])
    expect(late.stderr).toMatch(/batch_1, batch_2 at openai go on/)
    for (const batch of server.batches) batch.looks = 100_000
    const { code, stderr } = await place.run(args)
    expect([code, stderr]).toEqual([1, expect.stringContaining("1 results are of lines that the input no longer has")])
    expect(server.created).toEqual(new Map([...once, ["other", 1]]))
    const texts = (await place.read("out.jsonl")).map(({ text }) => text).toSorted()
    expect(texts).toEqual(["re: other", "re: q1", "re: q2", "re: q4", "re: q5", "re: q6"])
  })

  it("fail lines that another provider or no request is meant by, and send the others", async () => {
    await using server = await batchServer("openai")
    await using place = await folder({
      ...server.settings,
      LLM_PROVIDER: "litellm",
      ANTHROPIC_API_KEY: "sk-ant-1",
      ANTHROPIC_API_BASE: server.settings["OPENAI_API_BASE"] ?? "",
    })
    await place.write("in.jsonl", [
      ...lines,
      { id: "a", prompt: "hi", model: "anthropic/claude-sonnet-5" },
      { id: "b", promt: "misspelt" },
    ])
    const { code, stderr } = await place.run(args)
    expect(code, stderr).toBe(1)
    const failed = new Map(
      (await place.read("out.jsonl")).flatMap(({ error, id }) => (error === undefined ? [] : [[id, error]])),
    )
    expect(failed.get("a")).toMatch(/it is not for openai at this address/)
    expect(failed.get("b")).toMatch(/promt/)
    expect(failed.size).toBe(2)
    expect(server.created).toEqual(once)
  })

  it.each([
    [["--provider-batch"], /needs --output/],
    [["-o", "out.jsonl", "--provider-batch", "--budget", "1"], /--budget cannot be kept/],
    [["-o", "out.jsonl", "--provider-batch", "--concurrency", "3"], /--concurrency/],
    [["-o", "out.jsonl", "--provider-batch", "--poll-interval", "soon"], /--poll-interval soon: write a time/],
    [["-o", "out.jsonl", "--provider-batch", "--batch-size", "0"], /--batch-size 0/],
    [["-o", "out.jsonl", "--cancel"], /--cancel needs --provider-batch/],
    [["-o", "out.jsonl", "--provider-batch", "--offline"], /the embedded upstream has no batches/],
    [["-o", "out.jsonl", "--provider-batch", "--provider", "groq", "--model", "m"], /groq has no batches/],
  ] as const)("are refused with %j", async (more, message) => {
    await using place = await folder({ GROQ_API_KEY: "gsk-1" })
    await place.write("in.jsonl", lines)
    const { code, stderr } = await place.run(["batch", "in.jsonl", ...more])
    expect(code, stderr).toBe(2)
    expect(stderr).toMatch(message)
  })
})
