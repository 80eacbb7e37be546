/** Which options of an interface hold for `models` and `countTokens`, over HTTP: each as the docs say. */
import { afterEach, describe, expect, it } from "vitest"
import { type CallEvent, LLMInterface, type ModelsResponse, UsageLedger } from "../../src/index.ts"
import { delay, FaultServer, inTurn, type Script, stall } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat } from "../faults/WireText.ts"

const opened: Array<() => Promise<void>> = []

afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

const open = async (script: Script, options: object) => {
  const server = await FaultServer.start(script)
  const llm = new LLMInterface({
    provider: "openai",
    model: "gpt-5-mini",
    apiKey: "sk-contract-0123456789",
    apiBase: `${server.url}/v1`,
    wireApi: "responses",
    maxRetries: 0,
    logger: false,
    ...options,
  })
  opened.push(
    () => llm.dispose(),
    () => server.close(),
  )
  return { llm, server }
}

const bodies = {
  models: '{"object":"list","data":[{"id":"gpt-5-mini","object":"model","created":1754425777,"owned_by":"system"}]}',
  countTokens: '{"object":"response.input_tokens","input_tokens":12}',
}

const broken = whole("{}", 500)

describe.each(["models", "countTokens"] as const)("%s", (method) => {
  const well = whole(bodies[method])
  const call = (llm: LLMInterface): Promise<ModelsResponse | Awaited<ReturnType<LLMInterface["countTokens"]>>> =>
    method === "models" ? llm.models() : llm.countTokens({ prompt: "Hello." })
  const errorOf = (answer: object) => ("errorType" in answer ? answer.errorType : undefined)
  const ends = async (llm: LLMInterface, times: number) => {
    const types: Array<unknown> = []
    for (let turn = 0; turn < times; turn++) types.push(errorOf(await call(llm)))
    return types
  }

  it("is kept to rateLimit: no request beyond the rate, nor before what the service told is over", async () => {
    const { llm, server } = await open(() => well, { rateLimit: { rpm: 2, maxWait: 50 } })
    expect(await ends(llm, 3)).toEqual([undefined, undefined, "RateLimitError"])
    expect(server.requests).toHaveLength(2)
    const told = whole(bodies[method], 200, {
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "1h",
    })
    const other = await open(() => told, { rateLimit: { maxWait: 50 } })
    expect(await ends(other.llm, 2)).toEqual([undefined, "RateLimitError"])
    expect(other.server.requests).toHaveLength(1)
  })

  it("takes no tokens of rateLimit", async () => {
    const { llm } = await open(() => well, { rateLimit: { tpm: 1, maxWait: 50 } })
    expect(await ends(llm, 4)).toEqual([undefined, undefined, undefined, undefined])
  })

  it("is overtaken by a hedge where it is slow", async () => {
    const events: Array<CallEvent> = []
    const { llm, server } = await open(inTurn(well, [stall], well), {
      hedge: { after: 50, maxRequests: 1 },
      onEvent: (event: CallEvent) => events.push(event),
    })
    expect(await ends(llm, 2)).toEqual([undefined, undefined])
    expect(server.requests).toHaveLength(3)
    expect(events.filter(({ type }) => type === "hedge")).toEqual([{ type: "hedge", afterMs: 50 }])
  })

  it("has the adaptive limit in place of maxConcurrentRequests", async () => {
    let inFlight = 0
    let peak = 0
    const script: Script = function* () {
      inFlight += 1
      peak = Math.max(peak, inFlight)
      yield delay(20)
      inFlight -= 1
      yield* well
    }
    const few = await open(script, { maxConcurrentRequests: 2 })
    await Promise.all(Array.from({ length: 20 }, () => call(few.llm)))
    expect(peak).toBe(2)
    const found = await open(script, { maxConcurrentRequests: 2, adaptiveConcurrency: { min: 8, initial: 8 } })
    await Promise.all(Array.from({ length: 60 }, () => call(found.llm)))
    expect(peak).toBeGreaterThanOrEqual(8)
  })

  it("has the retries, the breaker and the clocks of answers", async () => {
    const retried = await open(inTurn(whole(chat.error("rate-limit").body, 429, { "retry-after-ms": "1" }), well), {
      maxRetries: 1,
    })
    expect(await ends(retried.llm, 1)).toEqual([undefined])
    expect(retried.server.requests).toHaveLength(2)
    const failing = await open(() => broken, {})
    const failed = await ends(failing.llm, 12)
    expect(failed.at(0)).toBe("ServerError")
    expect(failed.at(-1)).toBe("CircuitOpenError")
    const silent = await open(() => [stall], { attemptTimeout: 50 })
    expect(await ends(silent.llm, 1)).toEqual(["TimeoutError"])
    const late = await open(() => [stall], { timeout: 50 })
    expect(await ends(late.llm, 1)).toEqual(["TimeoutError"])
    const queued = await open(() => [stall], { maxConcurrentRequests: 1, queueTimeout: 50, timeout: 500 })
    const both = await Promise.all([call(queued.llm), call(queued.llm)])
    expect(both.map(errorOf)).toEqual(["TimeoutError", "TimeoutError"])
    expect(queued.server.requests).toHaveLength(1)
  })

  it("is asked anew each time, and of nobody else, whatever is cached and falls back", async () => {
    const { llm, server } = await open(() => well, { cache: true })
    expect(await ends(llm, 2)).toEqual([undefined, undefined])
    expect(server.requests).toHaveLength(2)
    const other = await FaultServer.start(() => well)
    opened.push(() => other.close())
    const fallbacks = [{ provider: "openai", model: "gpt-5", apiKey: "sk-other-0123456789", apiBase: other.url }]
    const failing = await open(() => broken, { fallbacks, fallbackText: "Sorry." })
    expect(await ends(failing.llm, 1)).toEqual(["ServerError"])
    expect(other.requests).toHaveLength(0)
  })

  it("is asked of the first of several deployments", async () => {
    const first = await FaultServer.start(() => well)
    const second = await FaultServer.start(() => well)
    opened.push(
      () => first.close(),
      () => second.close(),
    )
    const llm = new LLMInterface({
      model: "gpt-5-mini",
      deployments: [first, second].map(({ url }, index) => ({
        name: String(index),
        provider: "openai",
        apiKey: "sk-contract-0123456789",
        apiBase: `${url}/v1`,
        wireApi: "responses" as const,
      })),
      logger: false,
    })
    opened.push(() => llm.dispose())
    expect(await ends(llm, 4)).toEqual([undefined, undefined, undefined, undefined])
    expect([first.requests.length, second.requests.length]).toEqual([4, 0])
  })

  it("passes a budget of which nothing is left, and is counted by the ledger as a call that costs nothing", async () => {
    const usageLedger = new UsageLedger()
    const { llm } = await open(() => well, { budget: { usd: 1e-9, tokens: 1 }, usageLedger })
    expect(errorOf(await llm.generate({ prompt: "Hello." }))).toBe("BudgetExceededError")
    expect(await ends(llm, 2)).toEqual([undefined, undefined])
    expect(usageLedger.toJSON().total).toMatchObject({ calls: 3, errors: 1, costUsd: 0 })
  })
})
