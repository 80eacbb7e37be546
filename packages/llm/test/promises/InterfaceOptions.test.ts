/** What an interface is told reaches the right provider, and what is wrong with it is told by the option's own name. */
import * as fc from "fast-check"
import { afterEach, describe, expect, it, vi } from "vitest"
import { generate, LLMInterface, type LogLine, unwrap } from "../../src/index.ts"
import { FaultServer, inTurn } from "../faults/FaultServer.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { whole } from "../faults/HttpText.ts"
import { anthropic, openai } from "../contract/Providers.ts"

type Options = NonNullable<ConstructorParameters<typeof LLMInterface>[0]>

const messages = [{ role: "user", content: "Hello." }] as const

/** A program without types may say anything. */
const untyped = (options: object): Options => ({ logger: false, ...options })

const failureOf = async (options: Options) => {
  await using llm = new LLMInterface(options)
  const response = await llm.generate({ messages, model: "gpt-5-mini" })
  if (!("error" in response)) throw new Error("it was answered")
  return response
}

afterEach(() => {
  vi.unstubAllEnvs()
})

describe("an option that is wrong is told by its own name", () => {
  it.each<readonly [string, object, RegExp]>([
    ["timeout", { timeout: "soon" }, /^timeout: .*timeout: /],
    ["maxRetries", { maxRetries: -1 }, /^maxRetries: .*write for example maxRetries: 3/],
    ["maxConcurrentRequests", { maxConcurrentRequests: 0 }, /^maxConcurrentRequests: .*maxConcurrentRequests: 5/],
    ["hedge", { hedge: { maxRequests: 2 } }, /^hedge: maxRequests must be a share/],
    ["adaptiveConcurrency", { adaptiveConcurrency: { min: 0 } }, /^adaptiveConcurrency: min must be a whole number/],
    ["rateLimit", { rateLimit: { rpm: 0 } }, /^rateLimit: rpm must be a number, 1 or more/],
    ["rateLimit", { rateLimit: 5 }, /^rateLimit: it is not true, false or a plain object/],
    ["hedge", { hedge: "always" }, /^hedge: it is not true, false or a plain object/],
    ["maxTokens", { maxTokens: 0 }, /^maxTokens: /],
    ["temperature", { temperature: "warm" }, /^temperature: /],
    ["attemptTimeout", { attemptTimeout: 0 }, /^attemptTimeout: /],
    ["logLevel", { logLevel: "loud" }, /^logLevel: /],
    ["provider", { provider: "opnai" }, /^provider: /],
    ["apiKey", { apiKey: "sk 1" }, /^apiKey: /],
    ["apiBase", { apiBase: "nowhere" }, /^apiBase: /],
    [
      "providers.anthropic.apiKey",
      { providers: { anthropic: { apiKey: "a b" } }, provider: "fallback", apiKey: undefined },
      /^providers/,
    ],
  ])("%s", async (option, options, message) => {
    const failure = await failureOf(untyped({ provider: "openai", apiKey: "sk-1", ...options }))
    expect(failure).toMatchObject({ errorType: "ConfigurationError", setting: option })
    expect(failure.error).toMatch(message)
    expect(failure.error).not.toMatch(/[A-Z]+_[A-Z]+/)
  })

  it.each<readonly [string, object, string]>([
    ["timeOut", { timeOut: 1 }, 'did you mean "timeout"?'],
    ["baseURL", { baseURL: "x" }, 'did you mean "apiBase"?'],
    ["retries", { retries: 1 }, 'did you mean "maxRetries"?'],
    ["xyzzy", { xyzzy: 1 }, "there are provider, model"],
    ["providers.opnai", { providers: { opnai: { apiKey: "k" } } }, 'did you mean "openai"?'],
    ["providers.openai.key", { providers: { openai: { key: "k" } } }, 'did you mean "apiKey"?'],
  ])("%s, which does not exist, with the one that is meant", async (option, options, message) => {
    const failure = await failureOf(untyped({ provider: "openai", apiKey: "sk-1", ...options }))
    expect(failure).toMatchObject({ errorType: "ConfigurationError", setting: option })
    expect(failure.error).toContain(message)
  })

  it("a variable by the variable's name", async () => {
    vi.stubEnv("LLM_TIMEOUT", "soon")
    const failure = await failureOf(untyped({ provider: "openai", apiKey: "sk-1" }))
    expect(failure).toMatchObject({ setting: "LLM_TIMEOUT" })
  })

  it("a key for no provider, which would be lost", async () => {
    vi.stubEnv("OPENAI_API_KEY", "sk-1")
    const failure = await failureOf(untyped({ provider: "fallback", apiKey: "sk-2" }))
    expect(failure).toMatchObject({ errorType: "ConfigurationError", setting: "apiKey" })
    expect(failure.error).toContain("providers: { openai")
  })
})

it("whatever options are passed, generate resolves", async () => {
  vi.stubEnv("WISEFLOW_LOG_LEVEL", "none")
  const value = fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true, withDate: true })
  const throwing = fc.constant({
    toString: () => {
      throw new Error("boom")
    },
  })
  const some = fc.oneof(value, throwing, fc.constantFrom("x", "", Symbol("x"), Number.NaN))
  const names = ["model", "apiKey", "apiBase", "apiVersion", "headers", "providers", "temperature", "maxRetries"]
  const more = ["timeout", "idleTimeout", "maxConcurrentRequests", "fallbacks", "fallbackText", "wireApi", "logLevel"]
  const fields = Object.fromEntries([...names, ...more, "proxy", "fetch", "provider"].map((name) => [name, some]))
  const options = fc.oneof(
    value,
    fc.record(fields, { requiredKeys: [] }),
    // Nobody listens there: nothing leaves this machine, whatever the options come to.
    fc.record(fields, { requiredKeys: [] }).map((odd) => ({
      ...{ provider: "openai", apiKey: "sk-1", model: "m", maxRetries: 0, ...odd },
      apiBase: odd["apiBase"] ?? "http://127.0.0.1:9/v1",
    })),
  )
  await fc.assert(
    fc.asyncProperty(options, async (given) => {
      const holder: { readonly options: Options } = JSON.parse("{}")
      Reflect.set(holder, "options", given)
      await using llm = new LLMInterface(holder.options)
      expect(await llm.generate({ messages, model: "nobody/at-all", timeout: 50 })).toHaveProperty("metadata")
    }),
    { numRuns: 300 },
  )
})

describe("keys and headers", () => {
  it("of several providers each go to their own, and nowhere else", async () => {
    await using first = await FaultServer.start(() => whole(openai.wire.error("overloaded").body, 503))
    await using second = await FaultServer.start((request) => goodAnswer(anthropic.wire, callOf(request)))
    await using llm = new LLMInterface({
      logger: false,
      maxRetries: 0,
      provider: "openai",
      model: "gpt-5-mini",
      headers: { "x-team": "first" },
      providers: {
        openai: { apiKey: "sk-first", apiBase: `${first.url}/v1` },
        anthropic: { apiKey: "sk-second", apiBase: second.url, headers: { "x-team": "second" } },
      },
      fallbacks: [{ provider: "anthropic", model: "claude-sonnet-5" }],
    })
    unwrap(await llm.generate({ messages }))
    expect(first.requests.map(({ headers }) => headers)).toMatchObject([
      { authorization: "Bearer sk-first", "x-team": "first" },
    ])
    expect(second.requests.map(({ headers }) => headers)).toMatchObject([
      { "x-api-key": "sk-second", "x-team": "second" },
    ])
    expect(JSON.stringify(second.requests.map(({ headers }) => headers))).not.toContain("first")
  })

  it("routes models by the keys of providers", async () => {
    await using server = await FaultServer.start((request) => goodAnswer(anthropic.wire, callOf(request)))
    await using llm = new LLMInterface({
      logger: false,
      providers: { anthropic: { apiKey: "sk-second", apiBase: server.url } },
    })
    const response = unwrap(await llm.generate({ messages, model: "anthropic/claude-sonnet-5" }))
    expect(response.metadata.provider).toBe("anthropic")
  })

  it("a function is asked for the key, and asked again when it is refused", async () => {
    await using server = await FaultServer.start(
      inTurn(whole(openai.wire.error("authentication").body, 401), goodAnswer(openai.wire, "generate")),
    )
    const keys = ["sk-old", "sk-new"]
    let asked = 0
    await using llm = new LLMInterface({
      ...openai.options(server.url),
      logger: false,
      apiKey: async () => keys[Math.min(asked++, 1)] ?? "",
    })
    unwrap(await llm.generate({ messages }))
    expect(server.requests.map(({ headers }) => headers["authorization"])).toEqual(["Bearer sk-old", "Bearer sk-new"])
  })

  it("a fetch of the program's own sends every request", async () => {
    await using server = await FaultServer.start((request) => goodAnswer(openai.wire, callOf(request)))
    const sent: Array<string> = []
    await using llm = new LLMInterface({
      ...openai.options(server.url),
      logger: false,
      fetch: (url, init) => {
        sent.push(url)
        return fetch(url, init)
      },
    })
    unwrap(await llm.generate({ messages }))
    unwrap(await llm.stream({ messages }).response)
    expect(sent).toHaveLength(2)
  })
})

describe("log lines", () => {
  const failing = async (options: Options) => {
    await using server = await FaultServer.start(() => whole(openai.wire.error("overloaded").body, 503))
    await using llm = new LLMInterface({ ...openai.options(server.url), maxRetries: 0, ...options })
    const response = await llm.generate({ messages })
    return response
  }

  it("are given to a function as records", async () => {
    const lines: Array<LogLine> = []
    await failing({ logger: (line) => lines.push(line) })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: "WARN", provider: "openai", errorType: "OverloadedError" })
    expect(new Date(lines[0]?.timestamp ?? "").toISOString()).toBe(lines[0]?.timestamp)
    expect(lines[0]?.message).toContain("failed")
  })

  it("end no call, whatever the function does", async () => {
    const logger = () => {
      throw new Error("the logger is broken")
    }
    expect(await failing({ logger })).toMatchObject({ errorType: "OverloadedError" })
  })

  it("are as many as logLevel says", async () => {
    const lines: Array<LogLine> = []
    await failing({ logger: (line) => lines.push(line), logLevel: "debug" })
    expect(lines.length).toBeGreaterThan(1)
    lines.length = 0
    await failing({ logger: (line) => lines.push(line), logLevel: "error" })
    expect(lines).toEqual([])
  })
})

describe("the environment", () => {
  it("is read again after a configuration failure, whether it was found before a request or by one", async () => {
    await using server = await FaultServer.start((request) => goodAnswer(openai.wire, callOf(request)))
    vi.stubEnv("WISEFLOW_LOG_LEVEL", "none")
    vi.stubEnv("LLM_PROVIDER", "openai")
    vi.stubEnv("OPENAI_API_BASE", `${server.url}/v1`)
    vi.stubEnv("OPENAI_API_KEY", undefined)
    vi.stubEnv("PRIMARY_MODEL", undefined)
    expect(await generate({ messages })).toMatchObject({ errorType: "ConfigurationError", setting: "OPENAI_API_KEY" })
    vi.stubEnv("OPENAI_API_KEY", "sk-1")
    expect(await generate({ messages })).toMatchObject({ errorType: "ConfigurationError", setting: "PRIMARY_MODEL" })
    vi.stubEnv("PRIMARY_MODEL", "gpt-5-mini")
    expect(await generate({ messages })).toMatchObject({ finishReason: "stop" })
  })
})
