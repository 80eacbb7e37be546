/** `embed` as a promise: vectors, failures as data, aborts, and what a call may set for itself. */
import { afterEach, describe, expect, expectTypeOf, it } from "vitest"
import * as Layer from "effect/Layer"
import { embed, type EmbedOptions, type EmbedResponse, LLMInterface, LlmError, unwrap } from "../../src/index.ts"
import { Scripted } from "../../src/testing/index.ts"
import { FaultServer, inTurn, type Script, stall } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat } from "../faults/WireText.ts"
import { answerTo, asked, embeds, vectorOf } from "../providers/EmbeddingUpstream.ts"

const apiKey = "sk-contract-0123456789"
const opened: Array<() => Promise<void>> = []

afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

const open = async (script: Script, options: object = {}) => {
  const server = await FaultServer.start(script)
  const llm = new LLMInterface({
    provider: "openai",
    apiKey,
    apiBase: `${server.url}/v1`,
    embeddingModel: "text-embedding-3-small",
    logger: false,
    ...options,
  })
  opened.push(
    () => llm.dispose(),
    () => server.close(),
  )
  return { llm, server }
}

describe("embed", () => {
  it("resolves with a vector for each input, in order, and metadata", async () => {
    const { llm, server } = await open(embeds)
    const response = unwrap(await llm.embed({ inputs: ["one", "three"], dimensions: 2, user: "u1" }))
    expectTypeOf(response.embeddings).toEqualTypeOf<Array<Array<number>>>()
    expect(response.embeddings).toEqual([vectorOf("one", 2), vectorOf("three", 2)])
    expect(response.metadata).toMatchObject({
      provider: "openai",
      model: "text-embedding-3-small",
      usageStatus: "reported",
    })
    expect(server.requests[0]?.json).toMatchObject({ dimensions: 2, user: "u1" })
    expect("error" in response).toBe(false)
  })

  it("takes a model of the call, and reads the providers of the options", async () => {
    const { llm, server } = await open(embeds, {
      providers: { voyage: { apiKey: "pa-0123456789", apiBase: "http://x" } },
    })
    unwrap(await llm.embed({ inputs: ["one"], model: "text-embedding-3-large" }))
    expect(asked(await server.request(0)).model).toBe("text-embedding-3-large")
    const failed = await llm.embed({ inputs: ["one"], model: "voyage/voyage-3.5", maxRetries: 0, timeout: "2 seconds" })
    expect(failed).toMatchObject({ text: "", metadata: { provider: "voyage", model: "voyage-3.5" } })
  })

  it("splits what one request cannot hold", async () => {
    const { llm, server } = await open(embeds)
    const inputs = Array.from({ length: 2049 }, (_, place) => `text ${place}`)
    const { embeddings, metadata } = unwrap(await llm.embed({ inputs }))
    expect(embeddings).toHaveLength(2049)
    expect(embeddings[2048]).toEqual(vectorOf("text 2048"))
    expect([server.requests.length, metadata.attempts.length]).toEqual([2, 2])
  })

  it("resolves with a failure as generate does, which unwrap throws", async () => {
    const { llm } = await open(() => whole(chat.error("quota").body, 429))
    const response = await llm.embed({ inputs: ["one"] })
    expect(response).toMatchObject({ text: "", errorType: "QuotaExceededError", isRetryable: false, status: 429 })
    expect("embeddings" in response).toBe(false)
    expect(() => unwrap(response)).toThrow(LlmError)
    expect(JSON.stringify(response)).not.toContain(apiKey)
  })

  it.each([
    [{}, "inputs"],
    [{ inputs: [] }, "inputs"],
    [{ inputs: ["a", ""] }, "inputs[1]"],
    [{ inputs: ["a", 7] }, "inputs[1]"],
    [{ input: ["a"], inputs: ["a"] }, "input"],
    [{ inputs: ["a"], messages: [] }, "messages"],
    [{ inputs: ["a"], providerOptions: { opnai: {} } }, "providerOptions.opnai"],
    [{ inputs: ["a"], timeout: "soon" }, "timeout"],
  ])("refuses %j by its field", async (options, parameter) => {
    const { llm, server } = await open(embeds)
    const response = await llm.embed(options as unknown as EmbedOptions)
    expect(response).toMatchObject({ errorType: "InvalidRequestError", parameter })
    expect(server.requests).toHaveLength(0)
  })

  it("says what to write where the arguments are none", async () => {
    const { llm } = await open(embeds)
    expect(await llm.embed(undefined as unknown as EmbedOptions)).toMatchObject({
      errorType: "InvalidRequestError",
      error: expect.stringContaining('{ inputs: ["Hello."] }'),
    })
  })

  it("names the option or the variable of a model that is missing or leads nowhere", async () => {
    const { llm } = await open(embeds, { embeddingModel: undefined })
    expect(await llm.embed({ inputs: ["one"] })).toMatchObject({
      errorType: "ConfigurationError",
      setting: "EMBEDDING_MODEL",
    })
    const { llm: wrong } = await open(embeds, { embeddingModel: "anthropic/claude" })
    expect(await wrong.embed({ inputs: ["one"] })).toMatchObject({
      errorType: "ConfigurationError",
      setting: "embeddingModel",
    })
  })

  it("rejects with the signal's reason where it is aborted, and the connection closes", async () => {
    const { llm, server } = await open(inTurn([stall]))
    const controller = new AbortController()
    const embedding = llm.embed({ inputs: ["one"], signal: controller.signal })
    const request = await server.request(0)
    controller.abort(new Error("no longer wanted"))
    await expect(embedding).rejects.toThrow("no longer wanted")
    await request.connection.closed
    expect(request.connection.closedBy).toBe("client")
  })

  it("ends with the call's own timeout, and sends the call's own headers", async () => {
    const { llm, server } = await open(inTurn([stall]))
    const response = await llm.embed({
      inputs: ["one"],
      timeout: "1 second",
      maxRetries: 0,
      headers: { "x-source": "test" },
    })
    expect(response).toMatchObject({ errorType: "TimeoutError", clock: "total", limitMs: 1000 })
    expect(server.requests[0]?.headers).toMatchObject({ "x-source": "test" })
  })

  it("shares its limit of requests in flight with generate", async () => {
    const { llm, server } = await open(
      (request) => whole(request.path.endsWith("/embeddings") ? answerTo(request) : chat.answer("hello")),
      { maxConcurrentRequests: 1 },
    )
    const messages = [{ role: "user" as const, content: "hello" }]
    await Promise.all(
      Array.from({ length: 6 }, (_, place) =>
        place % 2 === 0 ? llm.embed({ inputs: ["one"] }) : llm.generate({ messages, model: "gpt-5-mini" }),
      ),
    )
    expect([server.requests.length, server.peakInFlight]).toEqual([6, 1])
  })

  it("works on a Layer of the program's own, and says so where it embeds nothing", async () => {
    const embeddings = Scripted.layerEmbeddings([[[1, 2]], { error: "RateLimitError" }])
    const llm = LLMInterface.fromLayer(Layer.merge(Scripted.layer([]), embeddings), { logger: false })
    expect(unwrap(await llm.embed({ inputs: ["one"] })).embeddings).toEqual([[1, 2]])
    expect(await llm.embed({ inputs: ["one"] })).toMatchObject({ errorType: "RateLimitError" })
    const without = LLMInterface.fromLayer(Scripted.layer([]), { logger: false })
    expect(await without.embed({ inputs: ["one"] })).toMatchObject({
      errorType: "ConfigurationError",
      error: expect.stringContaining("EmbeddingProvider"),
    })
  })

  it("is a function of the module too", () => {
    expectTypeOf(embed).toEqualTypeOf<(options: EmbedOptions) => Promise<EmbedResponse>>()
  })
})
