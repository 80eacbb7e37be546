/** What one call sets for itself holds for that call, on generate and on stream, and for no other. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import { LLMInterface, LlmProvider, unwrap, withRetry } from "../../src/index.ts"
import { layer } from "../../src/testing/Scripted.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { FaultServer, type Script, stall } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { openai } from "../contract/Providers.ts"

const messages = [{ role: "user", content: "Hello." }] as const

const surfaces = [
  ["generate", (llm: LLMInterface, options: Parameters<LLMInterface["generate"]>[0]) => llm.generate(options)],
  ["stream", (llm: LLMInterface, options: Parameters<LLMInterface["generate"]>[0]) => llm.stream(options).response],
] as const

const connect = async (script: Script, more: ConstructorParameters<typeof LLMInterface>[0] = {}) => {
  const server = await FaultServer.start(script)
  const llm = new LLMInterface({ ...openai.options(server.url), logger: false, ...more })
  return {
    server,
    llm,
    [Symbol.asyncDispose]: async () => {
      await llm.dispose()
      await server.close()
    },
  }
}

describe.each(surfaces)("%s", (_, ask) => {
  it("has its own deadline, shorter or longer than the interface's", async () => {
    await using short = await connect(() => [stall])
    expect(await ask(short.llm, { messages, timeout: 100 })).toMatchObject({
      errorType: "TimeoutError",
      clock: "total",
      limitMs: 100,
      isRetryable: true,
    })
    await using long = await connect((request) => goodAnswer(openai.wire, callOf(request)), { timeout: 1 })
    expect(unwrap(await ask(long.llm, { messages, timeout: "20 seconds" })).finishReason).toBe("stop")
  })

  it("has its own number of retries, and the next call the interface's again", async () => {
    const { body } = openai.wire.error("overloaded")
    await using setup = await connect(() => whole(body, 503, { "retry-after-ms": 1 }), { maxRetries: 0 })
    const retried = await ask(setup.llm, { messages, maxRetries: 1 })
    expect(retried.metadata.attempts).toHaveLength(2)
    const once = await ask(setup.llm, { messages })
    expect(once.metadata.attempts).toHaveLength(1)
  })

  it("shows rate limits and response headers where it asks for them, on answers and on failures, without a secret", async () => {
    const { key = "" } = { key: openai.options("http://127.0.0.1").apiKey }
    const told = {
      "x-ratelimit-limit-requests": "100",
      "x-ratelimit-remaining-requests": "99",
      "x-ratelimit-reset-requests": "1s",
      "x-ratelimit-remaining-tokens": "5000",
      "x-echo": `key ${String(key)}`,
      "set-cookie": "session=1",
    }
    const { body } = openai.wire.error("rate-limit")
    await using failing = await connect(() => whole(body, 429, told), { maxRetries: 0 })
    await using answering = await connect(() => whole(openai.wire.answer("hello"), 200, told))
    for (const { llm } of [failing, answering]) {
      const plain = (await ask(llm, { messages })).metadata
      expect([plain.limits, plain.responseHeaders]).toEqual([undefined, undefined])
      const { attempts, limits, responseHeaders } = (await ask(llm, { messages, includeResponseHeaders: true }))
        .metadata
      expect(limits).toEqual({ requests: { limit: 100, remaining: 99, resetMs: 1000 }, tokens: { remaining: 5000 } })
      expect(responseHeaders).toMatchObject({ "x-ratelimit-remaining-requests": "99", "x-echo": "key <redacted>" })
      expect(responseHeaders).not.toHaveProperty("set-cookie")
      expect(attempts.at(-1)).toMatchObject({ limits, responseHeaders })
    }
  })

  it("has its own headers, which replace no key", async () => {
    await using setup = await connect((request) => goodAnswer(openai.wire, callOf(request)))
    unwrap(await ask(setup.llm, { messages, headers: { "X-Request-Source": "billing", Authorization: "Bearer mine" } }))
    unwrap(await ask(setup.llm, { messages }))
    const [first, second] = setup.server.requests
    expect(first?.headers["x-request-source"]).toBe("billing")
    expect(first?.headers["authorization"]).toBe(second?.headers["authorization"])
    expect(second?.headers).not.toHaveProperty("x-request-source")
  })

  it("refuses headers that only the transport may set", async () => {
    await using setup = await connect((request) => goodAnswer(openai.wire, callOf(request)))
    const response = await ask(setup.llm, { messages, headers: { "content-length": "1" } })
    expect("error" in response && response.error).toContain("header")
    expect(setup.server.requests).toEqual([])
  })

  it("has its own deadline and retries on any Layer", async () => {
    const still = LLMInterface.fromLayer(layer([{ stall: true }]), { logger: false })
    expect(await ask(still, { messages, timeout: 50 })).toMatchObject({ errorType: "TimeoutError", limitMs: 50 })
    const error = { _tag: "RateLimitError", retryAfterMs: 1 } as const
    const script = layer([{ error }, "hello"])
    const retrying = LLMInterface.fromLayer(script.pipe(withRetry({ times: 0 })), { logger: false })
    expect(unwrap(await ask(retrying, { messages, maxRetries: 1 })).text).toBe("hello")
  })
})

describe("a Layer that cannot be built", () => {
  it("makes each call fail with a ConfigurationError that says why", async () => {
    const broken = Layer.effect(LlmProvider, Effect.fail("the file is missing"))
    await using llm = LLMInterface.fromLayer(broken, { logger: false })
    for (const [, ask] of surfaces) {
      expect(await ask(llm, { messages })).toMatchObject({
        errorType: "ConfigurationError",
        error: "the layer cannot be built: the file is missing",
      })
    }
  })
})
