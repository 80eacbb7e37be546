/** `batch --provider-batch` against the batch endpoints of each provider: what comes of each line, and how a run ends. */
import { describe, expect, it } from "vitest"
import { folder, until } from "../batch/Folder.ts"
import { batchServer, type Wire } from "./BatchServer.ts"

const lines = Array.from({ length: 7 }, (_, id) => ({ id: `i${id}`, prompt: `q${id}` }))
const flags = ["--provider-batch", "--poll-interval", "20ms", "--quiet"]
const args = ["batch", "in.jsonl", "-o", "out.jsonl", ...flags]
/** Azure speaks as OpenAI does. */
const wires: ReadonlyArray<Wire> = ["openai", "anthropic"]
const once = new Map(lines.map(({ prompt }) => [prompt, 1]))

describe.concurrent.each<Wire>([...wires, "azure", "azure-dated"])(
  "a provider batch of %s",
  { timeout: 240_000 },
  (wire) => {
    it("joins results that come in another order with their lines, and leaves nothing beside the output", async () => {
      await using server = await batchServer(wire)
      await using place = await folder(server.settings)
      await place.write("in.jsonl", [...lines, "{ broken", { id: "i0", prompt: "again" }])
      const { code, stderr } = await place.run([...args, "--ordered", "--system", "be brief"])
      expect(code, stderr).toBe(1)
      expect(stderr).toMatch(/7 answered, 2 failed/)
      const results = await place.read("out.jsonl")
      expect(results.map(({ errorType, id, text }) => [id, text ?? errorType])).toEqual([
        ...lines.map(({ id, prompt }) => [id, `re: ${prompt}`]),
        ["line 8", "InvalidRequestError"],
        ["line 9", "InvalidRequestError"],
      ])
      expect(results[0]).toMatchObject({
        finishReason: "stop",
        metadata: { providerBatch: "batch_1", usage: { inputTokens: 10, outputTokens: 20 } },
        requestHash: expect.stringMatching(/^[0-9a-f]{16}$/),
      })
      expect(results[0]?.["metadata"]).not.toHaveProperty("latencyMs")
      expect(server.uploaded).toEqual(once)
      expect(server.created).toEqual(once)
      expect((await place.names()).toSorted()).toEqual(["in.jsonl", "out.jsonl"])
      expect(await place.text("out.jsonl")).not.toContain("secret")
    })
  },
)

describe.concurrent.each(wires)("a provider batch of %s", { timeout: 240_000 }, (wire) => {
  it("gives lines that failed or expired their errors, and asks only those again with --retry-failed", async () => {
    let isIll = true
    await using server = await batchServer(wire, {
      answer: (prompt) =>
        !isIll
          ? "answer"
          : prompt === "q1"
            ? "refuse"
            : prompt === "q3"
              ? "expire"
              : prompt === "q5"
                ? "leave out"
                : "answer",
    })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    const first = await place.run(args)
    expect(first.code, first.stderr).toBe(1)
    expect(first.stderr).toMatch(/3 lines of in\.jsonl have no answer; --retry-failed/)
    const failed = (await place.read("out.jsonl")).filter((line) => "error" in line)
    expect(Object.fromEntries(failed.map(({ errorType, id }) => [id, errorType]))).toEqual({
      i1: "InvalidRequestError",
      i3: "TimeoutError",
      i5: "InvalidResponseError",
    })
    expect(failed.find(({ id }) => id === "i1")?.["error"]).toContain("no such thing")
    isIll = false
    const second = await place.run([...args, "--retry-failed"])
    expect(second.code, second.stderr).toBe(0)
    expect(server.created).toEqual(new Map([...once, ["q1", 2], ["q3", 2], ["q5", 2]]))
    const answers = await place.read("out.jsonl")
    expect(answers).toHaveLength(7)
    expect(answers.every((line) => !("error" in line))).toBe(true)
    const usage = JSON.parse((await place.run(["usage", "out.jsonl", "--json"])).stdout)
    expect(usage.all).toMatchObject({ answers: 7, errors: 0, inputTokens: 70, outputTokens: 140 })
  })

  it("asks again while the service is busy, down or away, and sends nothing twice for it", async () => {
    await using server = await batchServer(wire, {
      act: (step, nth) =>
        step === "poll"
          ? ((["down", "busy", "drop", "ok"] as const)[nth % 4] ?? "ok")
          : ((["busy", "cut", "down", "ok"] as const)[nth] ?? "ok"),
    })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    const { code, stderr } = await place.run(args)
    expect(code, stderr).toBe(0)
    expect(await place.read("out.jsonl")).toHaveLength(7)
    expect(server.uploaded).toEqual(once)
    expect(server.created).toEqual(once)
  })

  it("goes on after SIGKILL while it waits: what was sent is not sent again", async () => {
    await using server = await batchServer(wire, { looks: 100_000 })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    const first = place.start(args)
    await until(() => server.count("poll") > 2)
    await first.kill("SIGKILL")
    expect(await place.text("out.jsonl.provider-batch")).not.toMatch(/secret|q1/)
    const refused = await place.run(["batch", "in.jsonl", "-o", "out.jsonl"])
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("add --provider-batch")])
    for (const batch of server.batches) batch.looks = 100_000
    const second = await place.run(args)
    expect(second.code, second.stderr).toBe(0)
    expect(server.uploaded).toEqual(once)
    expect(server.created).toEqual(once)
    expect(await place.read("out.jsonl")).toHaveLength(7)
  })

  it.each(wire === "anthropic" ? (["create"] as const) : (["upload", "create"] as const))(
    "goes on after SIGKILL between a %s that succeeded and its answer, and finds it",
    async (step) => {
      let isFirst = true
      await using server = await batchServer(wire, {
        act: (asked) => {
          if (asked !== step || !isFirst) return "ok"
          isFirst = false
          return "lost"
        },
      })
      await using place = await folder(server.settings)
      await place.write("in.jsonl", lines)
      const first = place.start(args)
      await until(() => (step === "create" ? server.created : server.uploaded).size === 7)
      await first.kill("SIGKILL")
      const second = await place.run(args)
      expect(second.code, second.stderr).toBe(0)
      expect(server.uploaded).toEqual(once)
      expect(server.created).toEqual(once)
      expect(await place.read("out.jsonl")).toHaveLength(7)
      expect((await place.names()).toSorted()).toEqual(["in.jsonl", "out.jsonl"])
    },
  )

  it("goes on after SIGKILL before a step reached the service: it is done then, once", async () => {
    let isFirst = true
    await using server = await batchServer(wire, {
      act: (step) => {
        if (!isFirst || (step !== "create" && step !== "upload")) return "ok"
        isFirst = false
        return "drop"
      },
    })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    const first = place.start(args.map((arg) => (arg === "20ms" ? "1h" : arg)))
    await until(() => !isFirst)
    await first.kill("SIGKILL")
    const second = await place.run(args)
    expect(second.code, second.stderr).toBe(0)
    expect(server.uploaded).toEqual(once)
    expect(server.created).toEqual(once)
  })

  it("is left with Ctrl-C or at the deadline, says how to go on, and is given up with --cancel", async () => {
    await using server = await batchServer(wire, { looks: 100_000 })
    await using place = await folder(server.settings)
    await place.write("in.jsonl", lines)
    const first = place.start(args)
    await until(() => server.count("poll") > 1)
    const stopped = await first.kill("SIGINT")
    expect(stopped.code, stopped.stderr).toBe(130)
    expect(stopped.stderr).toMatch(/stopped; batch_1 at \w+ go on; the same command goes on where it was, and --cancel/)
    const late = await place.run([...args, "--deadline", "100ms"])
    expect([late.code, late.stderr]).toEqual([1, expect.stringMatching(/the deadline has come: batch_1 at/)])
    const cancelled = await place.run([...args, "--cancel"])
    expect([cancelled.code, cancelled.stderr]).toEqual([1, expect.stringMatching(/6 lines were not asked/)])
    expect(await place.read("out.jsonl")).toHaveLength(1)
    expect(server.created).toEqual(once)
    expect(await place.names()).not.toContain("out.jsonl.provider-batch")
  })
})
