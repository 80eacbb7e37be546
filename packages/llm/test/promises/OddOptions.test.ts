/** Options of traffic with values that make no sense: an error as data that names the option, and never a key, a throw or a rejection. */
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import { LLMInterface } from "@wiseflow/llm"
import * as Scripted from "../../src/testing/Scripted.ts"

const key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** Values that no option of numbers or durations takes. */
const odd: ReadonlyArray<readonly [string, unknown]> = [
  ["NaN", Number.NaN],
  ["null", null],
  ["a text", "often"],
  ["a key", key],
  ["an object", {}],
  ["an object without a prototype", Object.create(null)],
  ["a symbol", Symbol("odd")],
  ["a number below 0", -1],
  ["a revoked proxy", revoked()],
  ["a Map", new Map()],
]

const durationsAndNumbers: ReadonlyArray<readonly [option: string, field: string, beside: object]> = [
  ["budget", "usd", {}],
  ["budget", "tokens", {}],
  ["budget", "per", { usd: 1 }],
  ["budget", "outputTokens", { usd: 1 }],
  ["hedge", "after", {}],
  ["hedge", "samples", {}],
  ["hedge", "budget", {}],
  ["hedge", "maxRequests", {}],
  ["hedge", "maxCostUsd", {}],
  ["hedge", "maxCostShare", {}],
  ["cache", "maxEntries", {}],
  ["cache", "maxBytes", {}],
]

const throwing = (field: string) =>
  Object.defineProperty({}, field, {
    enumerable: true,
    get: () => {
      throw new Error(`no such thing as ${key}`)
    },
  })

/** What a call is answered with. No server listens: an error of the network would be another one. */
const answerWith = async (options: object) => {
  await using llm = new LLMInterface({
    provider: "openai",
    model: "gpt-5-mini",
    apiKey: "k",
    apiBase: "http://127.0.0.1:9/v1",
    maxRetries: 0,
    logger: false,
    telemetry: false,
    ...options,
  })
  return await llm.generate({ prompt: "Say hello." })
}

describe.each(durationsAndNumbers)("the option %s.%s", (option, field, beside) => {
  it.each(odd)("refuses %s by its name", async (_, value) => {
    const answer = await answerWith({ [option]: { ...beside, [field]: value } })
    expect(answer).toMatchObject({ errorType: "ConfigurationError" })
    expect(JSON.stringify(answer)).toMatch(new RegExp(`${option}[.:].*`))
    expect(JSON.stringify(answer)).toContain(field)
    expect(JSON.stringify(answer)).not.toContain(key)
  })
})

describe("an option that cannot be read", () => {
  it.each(["budget", "hedge", "cache", "tags", "balance"])("is named, in %s", async (option) => {
    const answer = await answerWith({ [option]: throwing("usd") })
    expect(answer).toMatchObject({ errorType: "ConfigurationError", setting: `${option}.usd` })
    expect(JSON.stringify(answer)).not.toContain(key)
  })

  it.each(["budget", "deployments"])("is named in a list of %s", async (option) => {
    const answer = await answerWith({ [option]: [throwing("usd")] })
    expect(answer).toMatchObject({ errorType: "ConfigurationError", setting: `${option}[0].usd` })
  })

  it("is named where it is a whole option", async () => {
    const llm = new LLMInterface(throwing("budget"))
    const answer = await llm.generate({ prompt: "Say hello." })
    expect(answer).toMatchObject({ errorType: "ConfigurationError", setting: "budget" })
    expect(JSON.stringify(answer)).not.toContain(key)
  })

  it("fails the calls of an interface on a Layer too", async () => {
    const llm = LLMInterface.fromLayer(Layer.fresh(Scripted.layer(["hello"])), { budget: throwing("usd") })
    expect(await llm.generate({ prompt: "Say hello." })).toMatchObject({ setting: "budget.usd" })
  })
})

describe("an option that does not exist", () => {
  it.each([
    ["budget", { usd: 1, par: "1 day" }, 'did you mean "per"'],
    ["hedge", { afterMs: 5 }, 'did you mean "after"'],
  ])("is refused in %s", async (setting, value, hint) => {
    const answer = await answerWith({ [setting]: value })
    expect(answer).toMatchObject({ errorType: "ConfigurationError", setting })
    expect(JSON.stringify(answer).replaceAll("\\", "")).toContain(hint)
  })
})

it("a share of requests that was written as a text is refused, and not added up as one", async () => {
  expect(await answerWith({ hedge: { maxRequests: "0.5" } })).toMatchObject({ errorType: "ConfigurationError" })
})

describe("a setting of one call whose getter throws", () => {
  const settings = [
    "cache",
    "headers",
    "includeResponseHeaders",
    "maxRetries",
    "signal",
    "stickyKey",
    "tags",
    "timeout",
  ]
  it.each(settings)("is an error that names it: %s", async (field) => {
    const llm = LLMInterface.fromLayer(Scripted.layer(["hello"]), { logger: false })
    const call = Object.defineProperty({ messages: [{ role: "user" as const, content: "Hi" }] }, field, {
      enumerable: true,
      get: () => {
        throw new Error("unreadable")
      },
    })
    for (const response of [await llm.generate(call), await llm.stream(call).response]) {
      expect(response).toMatchObject({ errorType: "InvalidRequestError", error: expect.stringContaining(field) })
    }
  })
})
