/**
 * Thousands of calls through random faults over real sockets. Every call ends exactly once, the ledger agrees with the
 * server, no promise is broken under load, and afterwards nothing is left.
 */
import { spawn } from "node:child_process"
import { getEventListeners, once } from "node:events"
import { fileURLToPath } from "node:url"
import { setFlagsFromString } from "node:v8"
import { inspect } from "node:util"
import { runInNewContext } from "node:vm"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { LLMInterface } from "../../src/index.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { stream, whole } from "../faults/HttpText.ts"
import { chat, fullText, goodStream } from "../faults/WireText.ts"
import { answerText, type CallEnd, mayHaveSaid, Storm } from "./Storm.ts"

const canary = "sk-canary-5e1f0c"
const permits = 64
const maxRetries = 2

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

/** Bytes in use once everything unreachable is gone. */
const heapBytes = async (): Promise<number> => {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
  }
  return process.memoryUsage().heapUsed
}

const interfaceAt = (url: string) =>
  new LLMInterface({
    provider: "openai",
    model: "gpt-5-mini",
    apiKey: canary,
    apiBase: `${url}/v1`,
    maxRetries,
    maxConcurrentRequests: permits,
    timeout: "1 minute",
    idleTimeout: "2 seconds",
  })

/** How many sockets and timers keep the event loop alive. */
const resources = () => {
  const kinds = process.getActiveResourcesInfo()
  const count = (pattern: RegExp) => kinds.filter((kind) => pattern.test(kind)).length
  return { sockets: count(/TCP/), timers: count(/Timeout|Immediate/) }
}

let output: Array<unknown>

beforeEach(() => {
  output = []
  vi.stubEnv("WISEFLOW_LOG_LEVEL", "DEBUG")
  for (const stream of [process.stderr, process.stdout]) {
    vi.spyOn(stream, "write").mockImplementation((bytes) => {
      output.push(String(bytes))
      return true
    })
  }
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const requestsOf = (end: CallEnd) => end.attempts?.filter(({ errorType }) => errorType !== "CircuitOpenError").length

describe("a storm of faults", () => {
  it("ends every call once, keeps the ledger, the permits and the retries, and tells no secret", async () => {
    await using storm = await Storm.start(1)
    await using llm = interfaceAt(storm.server.url)
    const ends = await storm.calls(llm, 1500, { aborts: false })

    expect(ends).toHaveLength(1500)
    expect(new Set(ends.map(({ end }) => end)).has("aborted")).toBe(false)
    const answered = ends.filter(({ end }) => end === "answered")
    expect(answered.length).toBeGreaterThan(1300)
    for (const { text } of answered) expect(text).toBe(answerText)
    for (const { text } of ends) expect(mayHaveSaid(text)).toBe(true)

    const told = ends.map((end) => [end.id, requestsOf(end)])
    expect(told).toEqual(ends.map(({ id }) => [id, storm.received.get(id) ?? 0]))
    expect(ends.reduce((sum, end) => sum + (requestsOf(end) ?? 0), 0)).toBe(storm.server.requests.length)
    for (const requests of storm.received.values()) expect(requests).toBeLessThanOrEqual(1 + maxRetries)
    expect(storm.server.requests.length).toBeGreaterThan(1600)
    expect(storm.server.peakInFlight).toBeLessThanOrEqual(permits)

    await llm.dispose()
    expect(output.length).toBeGreaterThan(0)
    const shown = [...output, ...ends.flatMap(({ shown }) => shown)]
    expect(shown.map((item) => JSON.stringify(item)).join("\n")).not.toContain(canary)
    expect(shown.map((item) => inspect(item, { depth: 9, showHidden: true })).join("\n")).not.toContain(canary)
  })

  it("with aborts at every stage leaves nothing behind: no socket, no timer, no memory", async () => {
    const { timers } = resources()
    await using storm = await Storm.start(2)
    const llm = interfaceAt(storm.server.url)
    const half = async () => {
      const tally = new Map<string, number>()
      for (const end of await storm.calls(llm, 800, { aborts: true })) {
        tally.set(end.end, (tally.get(end.end) ?? 0) + 1)
        const reported = requestsOf(end)
        if (reported !== undefined) expect([end.id, reported]).toEqual([end.id, storm.received.get(end.id) ?? 0])
        expect(storm.received.get(end.id) ?? 0).toBeLessThanOrEqual(1 + maxRetries)
        expect(mayHaveSaid(end.text)).toBe(true)
      }
      expect(tally.get("aborted")).toBeGreaterThan(120)
      expect(tally.get("answered")).toBeGreaterThan(400)
      storm.forget()
      output.length = 0
      return heapBytes()
    }
    await half()
    const afterOne = await half()
    const afterTwo = await half()
    expect(afterTwo - afterOne).toBeLessThan(3 * 1024 * 1024)

    // Every permit has come back: as many calls as there are permits are served at once.
    const whole = await storm.calls(llm, permits, { aborts: false })
    expect(whole).toHaveLength(permits)

    const connections = [...storm.server.connections]
    await llm.dispose()
    await Promise.all(connections.map(({ closed }) => closed))
    await storm.server.close()
    await vi.waitFor(() => expect(resources().sockets).toBe(0), { timeout: 30_000 })
    await vi.waitFor(() => expect(resources().timers).toBeLessThanOrEqual(timers), { timeout: 30_000 })
  })
})

describe("an abort signal", () => {
  it("of 10,000 calls carries no listener afterwards", async () => {
    await using server = await FaultServer.start(() => whole(chat.answer(fullText)))
    await using llm = interfaceAt(server.url)
    vi.stubEnv("WISEFLOW_LOG_LEVEL", "none")
    const warnings: Array<unknown> = []
    const warn = (warning: unknown) => warnings.push(warning)
    process.on("warning", warn)
    const { signal } = new AbortController()
    const request = { messages: [{ role: "user" as const, content: "hello" }], signal }
    for (let wave = 0; wave < 100; wave++) {
      const calls = Array.from({ length: 100 }, () => llm.generate(request))
      const responses = await Promise.all(calls)
      expect(responses.every(({ text }) => text === fullText)).toBe(true)
    }
    expect(server.requests).toHaveLength(10_000)
    expect(getEventListeners(signal, "abort")).toEqual([])
    process.off("warning", warn)
    expect(warnings).toEqual([])
  })

  it("that fires ends thousands of calls at once, queued and under way, and carries no listener afterwards", async () => {
    await using server = await FaultServer.start(() => [{ type: "stall" }])
    await using llm = interfaceAt(server.url)
    const controller = new AbortController()
    const { signal } = controller
    const request = { messages: [{ role: "user" as const, content: "hello" }], signal }
    const calls = Array.from({ length: 2000 }, (_, index) =>
      index % 2 === 0 ? llm.generate(request) : llm.stream(request).response,
    )
    const settled = Promise.allSettled(calls)
    await server.request(permits - 1)
    controller.abort(new Error("enough"))
    for (const result of await settled)
      expect(result).toMatchObject({ status: "rejected", reason: { message: "enough" } })
    await Promise.all(server.connections.map(({ closed }) => closed))
    expect(server.requests).toHaveLength(permits)
    expect(getEventListeners(signal, "abort")).toEqual([])
  })
})

describe("a stream read to its last event and no further", () => {
  it("has given back its permit and its listener", async () => {
    await using server = await FaultServer.start(() => stream(...goodStream(chat)))
    await using llm = new LLMInterface({
      provider: "openai",
      model: "gpt-5-mini",
      apiKey: canary,
      apiBase: `${server.url}/v1`,
      maxConcurrentRequests: 1,
    })
    const { signal } = new AbortController()
    for (let call = 0; call < 3; call++) {
      const events = llm.stream({ messages: [{ role: "user", content: "hello" }], signal })
      let last: string | undefined
      while (last !== "response-finish") last = (await events.next()).value?.type
    }
    expect(server.requests).toHaveLength(3)
    expect(getEventListeners(signal, "abort")).toEqual([])
  })
})

describe("an open LLMInterface", () => {
  const packageFolder = fileURLToPath(new URL("../..", import.meta.url))

  it.each([
    ["generate", "const { text } = await llm.generate(request)"],
    [
      "stream",
      'let text = ""; for await (const e of llm.stream(request)) if (e.type === "text-delta") text += e.delta',
    ],
  ])("never keeps a process alive after %s", async (_, call) => {
    await using server = await FaultServer.start((request) =>
      whole(chat.answer(`${fullText}${request.index}`), 200, { connection: "keep-alive" }),
    )
    const program = `
      import { LLMInterface } from "@wiseflow/llm"
      const llm = new LLMInterface({ provider: "openai", model: "m", apiKey: "key-1234", apiBase: "${server.url}/v1" })
      const request = { messages: [{ role: "user", content: "hello" }] }
      ${call}
      console.log(text)
    `
    const child = spawn(
      process.execPath,
      ["--conditions=@wiseflow/source", "--no-warnings", "--input-type=module", "-e", program],
      { cwd: packageFolder, stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, NODE_OPTIONS: "" } },
    )
    let printed = ""
    child.stdout.on("data", (bytes: Buffer) => {
      printed += bytes.toString()
    })
    const [code] = await once(child, "exit")
    expect([code, printed.trim()]).toEqual([0, `${fullText}0`])
  })
})
