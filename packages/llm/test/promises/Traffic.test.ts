/** The options that shape traffic, over HTTP. */
import { afterEach, describe, expect, it } from "vitest"
import { type CallEvent, LLMInterface, unwrap } from "../../src/index.ts"
import { openai } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { delay, FaultServer, type Script, stall } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { fullText } from "../faults/WireText.ts"
import { asked, embeds } from "../providers/EmbeddingUpstream.ts"

const messages = [{ role: "user" as const, content: "Hello." }]
const opened: Array<() => Promise<void>> = []

afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

const open = async (script: Script, options: object) => {
  const server = await FaultServer.start(script)
  const llm = new LLMInterface({
    provider: "openai",
    model: "gpt-5-mini",
    embeddingModel: "text-embedding-3-small",
    apiKey: "sk-contract-0123456789",
    apiBase: `${server.url}/v1`,
    logger: false,
    ...options,
  })
  opened.push(
    () => llm.dispose(),
    () => server.close(),
  )
  return { llm, server }
}

describe("hedge", () => {
  it.each(["generate", "stream", "embed"] as const)(
    "overtakes a %s that stalls, and closes its connection",
    async (name) => {
      const events: Array<CallEvent> = []
      const { llm, server } = await open(
        (request) => {
          if (request.index === 1) return [stall]
          return name === "embed" ? embeds(request) : goodAnswer(openai.wire, callOf(request))
        },
        { hedge: { after: 50, maxRequests: 1 }, onEvent: (event: CallEvent) => events.push(event) },
      )
      const call = async () => {
        if (name === "embed") return unwrap(await llm.embed({ inputs: ["one"] }))
        return unwrap(await (name === "generate" ? llm.generate({ messages }) : llm.stream({ messages }).response))
      }
      await call()
      const { metadata } = await call()
      expect(metadata.attempts.length).toBe(2)
      expect(server.requests.length).toBe(3)
      expect(events.filter(({ type }) => type === "hedge")).toEqual([{ type: "hedge", afterMs: 50 }])
      const [, stalled] = server.requests
      await stalled?.connection.closed
      expect(stalled?.connection.closedBy).toBe("client")
      expect(asked(await server.request(2)).model).toBe(asked(await server.request(1)).model)
    },
  )

  it("is sent by nobody who did not ask for it", async () => {
    const { llm, server } = await open((request) => goodAnswer(openai.wire, callOf(request)), { hedge: false })
    for (let turn = 0; turn < 3; turn++) expect((await llm.generate({ messages })).text).toBe(fullText)
    expect(server.requests.length).toBe(3)
  })
})

describe("adaptiveConcurrency", () => {
  it.each(["generate", "stream", "embed"] as const)(
    "finds how many %s requests a service takes at once",
    async (name) => {
      const servers = 8
      let inFlight = 0
      let peak = 0
      const limits: Array<number> = []
      const { llm } = await open(
        function* (request) {
          inFlight += 1
          peak = Math.max(peak, inFlight)
          const isRefused = inFlight > servers
          if (!isRefused) yield delay(20)
          inFlight -= 1
          if (isRefused) return yield* whole("{}", 503, { "retry-after-ms": "5" })
          yield* name === "embed" ? embeds(request) : goodAnswer(openai.wire, callOf(request))
        },
        {
          adaptiveConcurrency: { onLimit: (limit: number) => limits.push(limit) },
          maxConcurrentRequests: 1,
          maxRetries: 10,
        },
      )
      const call = async () => {
        if (name === "embed") return unwrap(await llm.embed({ inputs: ["one"] })).metadata
        return unwrap(await (name === "generate" ? llm.generate({ messages }) : llm.stream({ messages }).response))
          .metadata
      }
      const answers = await Promise.all(Array.from({ length: 300 }, call))
      expect(answers.length).toBe(300)
      expect(peak).toBeGreaterThan(5)
      // It grew beyond where it began, was refused, and fell.
      expect(Math.max(...limits)).toBeGreaterThan(5)
      expect(limits.some((limit, index) => limit < (limits[index - 1] ?? 0))).toBe(true)
    },
  )
})

describe("rateLimit", () => {
  it.each(["generate", "stream", "embed"] as const)(
    "makes no %s request beyond the rate, nor one for a call that cannot wait",
    async (name) => {
      const { llm, server } = await open(
        (request) => (name === "embed" ? embeds(request) : goodAnswer(openai.wire, callOf(request))),
        { rateLimit: { rpm: 2, maxWait: 100 }, maxRetries: 0 },
      )
      const call = () => {
        if (name === "embed") return llm.embed({ inputs: ["one"] })
        return name === "generate" ? llm.generate({ messages }) : llm.stream({ messages }).response
      }
      unwrap(await call())
      unwrap(await call())
      const third = await call()
      expect(third).toMatchObject({ errorType: "RateLimitError", error: expect.stringMatching(/^no request made/) })
      expect(server.requests.length).toBe(2)
    },
  )

  it("holds for each deployment that names no rate of its own", async () => {
    const { llm, server } = await open((request) => goodAnswer(openai.wire, callOf(request)), { deployments: [] })
    const url = `${server.url}/v1`
    const both = new LLMInterface({
      model: "gpt-5-mini",
      deployments: ["one", "two"].map((name) => ({
        name,
        provider: "openai",
        apiKey: "sk-contract-0123456789",
        apiBase: url,
        ...(name === "two" ? { rpm: 3 } : {}),
      })),
      rateLimit: { rpm: 1 },
      queueTimeout: 100,
      timeout: 500,
      maxRetries: 0,
      logger: false,
    })
    opened.push(() => both.dispose())
    const answers = await Promise.all(Array.from({ length: 6 }, () => both.generate({ messages })))
    expect(answers.filter((answer) => !("error" in answer)).length).toBe(4)
    expect(server.requests.length).toBe(4)
    await llm.dispose()
  })
})
