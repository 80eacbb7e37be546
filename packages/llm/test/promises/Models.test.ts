/** `models` and `countTokens` as promises: lists and counts, failures as data, aborts, and what a call may set for itself. */
import { afterEach, describe, expect, expectTypeOf, it } from "vitest"
import {
  countTokens,
  type CountTokensResponse,
  LLMInterface,
  LlmError,
  type ModelDescription,
  models,
  type ModelsResponse,
  type TokenCount,
  unwrap,
} from "../../src/index.ts"
import * as Layer from "effect/Layer"
import { Scripted } from "../../src/testing/index.ts"
import { FaultServer, inTurn, type Script, stall } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat } from "../faults/WireText.ts"

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
    model: "gpt-4o",
    logger: false,
    ...options,
  })
  opened.push(
    () => llm.dispose(),
    () => server.close(),
  )
  return { llm, server }
}

const listed = whole(
  '{"object":"list","data":[{"id":"gpt-4o","object":"model","created":1715367049,"owned_by":"system"}]}',
)

describe("models", () => {
  it("resolves with what the service lists", async () => {
    const { llm, server } = await open(() => listed)
    const response = unwrap(await llm.models())
    expectTypeOf(response.models).toEqualTypeOf<ReadonlyArray<ModelDescription>>()
    expect(response.models).toEqual([{ id: "gpt-4o", createdAt: "2024-05-10T18:50:49.000Z", owner: "system" }])
    expect(response.metadata).toMatchObject({ provider: "openai", costUsd: 0 })
    expect(server.requests).toMatchObject([
      { method: "GET", path: "/v1/models", headers: { authorization: `Bearer ${apiKey}` } },
    ])
  })

  it("resolves with a failure as data, after the retries of the call", async () => {
    const failing = whole(chat.error("rate-limit").body, 429, { "retry-after-ms": "1" })
    const { llm, server } = await open(() => failing)
    const response: ModelsResponse = await llm.models({ maxRetries: 2 })
    expect(response).toMatchObject({
      text: "",
      errorType: "RateLimitError",
      error: expect.stringContaining("Rate limit"),
    })
    expect(server.requests).toHaveLength(3)
    expect(() => unwrap(response)).toThrow(LlmError)
  })

  it("takes the settings of a call, and refuses what is none", async () => {
    const { llm, server } = await open(() => listed)
    unwrap(await llm.models({ headers: { "x-team": "a" }, includeResponseHeaders: true }))
    expect(server.requests[0]?.headers["x-team"]).toBe("a")
    const wrong = await llm.models({ model: "gpt-4o" } as object)
    expect(wrong).toMatchObject({ errorType: "InvalidRequestError" })
    expect(await llm.models(5 as never)).toMatchObject({ errorType: "InvalidRequestError" })
    expect(server.requests).toHaveLength(1)
  })

  it("ends at the timeout of the call, and rejects with the reason of an abort", async () => {
    const { llm } = await open(() => [stall], { maxRetries: 0 })
    expect(await llm.models({ timeout: 50 })).toMatchObject({ errorType: "TimeoutError" })
    const controller = new AbortController()
    const call = llm.models({ signal: controller.signal })
    controller.abort(new Error("enough"))
    await expect(call).rejects.toThrow("enough")
  })

  it("lists those of the primary model's provider, where a router chooses by model", async () => {
    const { server } = await open(() => listed)
    const openAi = { apiKey, apiBase: `${server.url}/v1` }
    for (const [providers, path] of [
      [{ openai: openAi }, "/v1/models"],
      // Azure serves OpenAI's models, and has a key.
      [{ azure: { apiKey, apiBase: server.url } }, "/openai/v1/models"],
    ] as const) {
      const llm = new LLMInterface({ provider: "litellm", model: "gpt-4o", providers, logger: false })
      opened.push(() => llm.dispose())
      expect(unwrap(await llm.models()).models).toHaveLength(1)
      expect(server.requests.at(-1)?.path).toBe(path)
    }
  })
})

describe("countTokens", () => {
  it("resolves with the service's own count", async () => {
    const { llm, server } = await open(() => whole('{"object":"response.input_tokens","input_tokens":12}'), {
      wireApi: "responses",
    })
    const response = unwrap(await llm.countTokens({ system: "You are terse.", prompt: "Hello." }))
    expectTypeOf(response.count).toEqualTypeOf<TokenCount>()
    expect(response.count).toEqual({ type: "exact", inputTokens: 12 })
    expect(server.requests[0]).toMatchObject({ path: "/v1/responses/input_tokens" })
    expect(server.requests[0]?.json).toMatchObject({ model: "gpt-4o", input: [{ role: "system" }, { role: "user" }] })
  })

  it("estimates where the service does not count, and asks nobody", async () => {
    const { llm, server } = await open(() => listed)
    const { count } = unwrap(await llm.countTokens({ prompt: "Hello." }))
    expect(count).toMatchObject({ type: "estimate", inputTokens: 9, tokenizer: "o200k_base" })
    expect(server.requests).toHaveLength(0)
  })

  it("asks the provider that a name of a router means", async () => {
    const { server } = await open(() => whole('{"input_tokens":7}'))
    const llm = new LLMInterface({
      provider: "litellm",
      model: "anthropic/claude-sonnet-5",
      providers: { anthropic: { apiKey: "sk-ant-0123456789", apiBase: server.url } },
      logger: false,
    })
    opened.push(() => llm.dispose())
    const { count } = unwrap(await llm.countTokens({ prompt: "Hello." }))
    expect(count).toEqual({ type: "exact", inputTokens: 7 })
    expect(server.requests[0]).toMatchObject({ path: "/v1/messages/count_tokens" })
    expect(server.requests[0]?.json).toMatchObject({ model: "claude-sonnet-5" })
    expect(await llm.countTokens({ prompt: "Hello.", model: "unheard-of" })).toMatchObject({
      errorType: "ConfigurationError",
    })
  })

  it("resolves with failures as data: of the request, of the service, of the layer", async () => {
    const { llm } = await open(inTurn(whole(chat.error("authentication").body, 401)), { wireApi: "responses" })
    const refused: CountTokensResponse = await llm.countTokens({ messages: [] })
    expect(refused).toMatchObject({ errorType: "InvalidRequestError" })
    expect(await llm.countTokens({ prompt: "a" })).toMatchObject({ errorType: "AuthenticationError" })
    const bare = LLMInterface.fromLayer(Scripted.layer([]), { logger: false })
    expect(await bare.countTokens({ prompt: "a" })).toMatchObject({ errorType: "ConfigurationError" })
    expect(await bare.models()).toMatchObject({ errorType: "ConfigurationError" })
  })
})

describe("models and counts of a script", () => {
  it("are those of the script, in turn", async () => {
    const llm = Scripted.llm([], {
      models: [{ id: "a", contextTokens: 1000 }],
      counts: [5, { type: "unknown", reason: "none" }, { error: "RateLimitError" }],
    })
    expect(unwrap(await llm.models()).models).toEqual([{ id: "a", contextTokens: 1000 }])
    expect(unwrap(await llm.countTokens({ prompt: "one" })).count).toEqual({ type: "exact", inputTokens: 5 })
    expect(unwrap(await llm.countTokens({ prompt: "two" })).count).toEqual({ type: "unknown", reason: "none" })
    expect(await llm.countTokens({ prompt: "three" })).toMatchObject({ errorType: "RateLimitError" })
    expect(await llm.countTokens({ prompt: "four" })).toMatchObject({ errorType: "InvalidRequestError" })
    expect(llm.countRequests.map(({ messages }) => messages[0]?.content)).toEqual(["one", "two", "three", "four"])
  })

  it("are the script's model and unknown where it says nothing, and its failure where it says one", async () => {
    const llm = Scripted.llm([], { model: "m" })
    expect(unwrap(await llm.models()).models).toEqual([{ id: "m" }])
    expect(unwrap(await llm.countTokens({ prompt: "one" })).count.type).toBe("unknown")
    const failing = Scripted.llm([], { models: { error: "PermissionDeniedError" } })
    expect(await failing.models()).toMatchObject({ errorType: "PermissionDeniedError" })
  })

  it("serve a Layer of the program's own", async () => {
    const layer = Layer.merge(Scripted.layer([]), Scripted.layerModels({ counts: [3] }))
    const llm = LLMInterface.fromLayer(layer, { logger: false })
    expect(unwrap(await llm.countTokens({ prompt: "one" })).count).toEqual({ type: "exact", inputTokens: 3 })
  })
})

it("models and countTokens are functions on the environment's interface", () => {
  expectTypeOf(models).returns.toEqualTypeOf<Promise<ModelsResponse>>()
  expectTypeOf(countTokens).returns.toEqualTypeOf<Promise<CountTokensResponse>>()
})
