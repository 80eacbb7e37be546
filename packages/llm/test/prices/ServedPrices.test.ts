/** Costs of whole calls at services' own addresses: recorded answers by hand, tiers, foreign bases, a user's own prices. */
import { describe, expect, test } from "vitest"
import type { InterfaceOptions, OwnPrices } from "../../src/index.ts"
import { type CorpusFile, corpusIsThere, loadCorpus } from "../Corpus.ts"
import { eventsOf } from "../cases/Samples.ts"
import { relayed } from "./RelayedService.ts"

const table = "table 2026-09-23"

const recorded = (file: CorpusFile, end: string) => loadCorpus(file).find(({ id }) => id.endsWith(end))?.response.body

const million = 1_000_000

describe.skipIf(!corpusIsThere)("a recorded answer costs what its maker's prices come to by hand", () => {
  const openAi: InterfaceOptions = { provider: "openai", model: "gpt-5" }
  const responses: InterfaceOptions = { ...openAi, wireApi: "responses" }
  const anthropic: InterfaceOptions = { provider: "anthropic", model: "claude-sonnet-5" }

  // Of 115,886 input tokens 92,160 are cached; of 1,720 output tokens 1,472 are reasoning, which costs what output costs.
  const searched = (115_886 - 92_160) * 1.25 + 92_160 * 0.125 + 1_720 * 10
  // Over 200,000 input tokens the whole request costs 6 and 22.5 in place of 3 and 15.
  const long = 950_648 * 6 + 13_856 * 22.5

  test.each([
    ["uncached", "anthropic-messages", "009e18", anthropic, 859 * 1 + 132 * 5],
    ["uncached, in chat", "openai-chat", "51f5fd", openAi, 16 * 0.1 + 363 * 0.4],
    ["over the threshold of a long context", "anthropic-messages", "fd9845", anthropic, long],
    ["cached, reasoned and searched", "openai-responses", "f763d3", responses, searched],
    ["reasoned, of 400 tokens 192", "openai-responses", "dd2002", responses, 1_750 * 0.25 + 400 * 2],
    ["cached", "anthropic-messages", "0b4b34", anthropic, 3 * 3 + 1_217 * 0.3 + 5 * 15],
    ["written", "anthropic-messages", "b7f12b", anthropic, 3 * 3 + 4_890 * 3.75 + 343 * 15],
    ["cached and written", "anthropic-messages", "0a5b6d", anthropic, 3 * 3 + 353 * 3.75 + 4_890 * 0.3 + 323 * 15],
    ["streamed", "anthropic-messages", "9db92b", anthropic, 6 * 2 + 3_337 * 2.5 + 6_289 * 0.2 + 198 * 10],
    ["cached and reasoned", "openai-responses", "da9749", responses, 15_969 * 0.25 + 3_712 * 0.025 + 3_773 * 2],
    ["reasoned", "openai-responses", "436cf9", responses, 23 * 1.25 + 2_211 * 10],
    ["served with priority", "openai-responses", "8b8e00", responses, 8 * 2.5 + 70 * 20],
  ] as const)("%s", async (_, file, id, options, millionths) => {
    const body = recorded(file, id)
    const { response } = await relayed(body, options, { stream: typeof body === "string" })
    expect(response.metadata.costUsd).toBeCloseTo(millionths / million, 12)
    expect(response.metadata.priceSource).toBe(table)
    expect(response.metadata.attempts[0]).toMatchObject({ costUsd: response.metadata.costUsd, priceSource: table })
  })

  test("in its service's own ticks, which agree with the table", async () => {
    const { response } = await relayed(recorded("openai-compatible", "xai-text.8ba5e7"), {
      provider: "xai",
      model: "g",
    })
    expect(response.metadata.priceSource).toBe("service")
    expect(response.metadata.costUsd).toBeCloseTo((10 * 0.3 + 2 * 0.075 + 229 * 0.5) / million, 12)
  })
})

const usage = { prompt_tokens: 1_000, completion_tokens: 1_000, total_tokens: 2_000 }
const chat = (beside: object = {}) => ({
  model: "gpt-5-mini-2025-08-07",
  choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
  usage,
  ...beside,
})
const chatStream = (beside: object = {}) =>
  eventsOf(
    { model: "gpt-5-mini", choices: [{ index: 0, delta: { content: "ok" }, finish_reason: "stop" }], ...beside },
    { model: "gpt-5-mini", choices: [], usage, ...beside },
    "[DONE]",
  )
const openAi: InterfaceOptions = { provider: "openai", model: "gpt-5-mini" }
const listPrice = (1_000 * 0.25 + 1_000 * 2) / million

const costOf = async (said: object | string, options: InterfaceOptions) => {
  const { response } = await relayed(said, options, { stream: typeof said === "string" })
  return [response.metadata.costUsd, response.metadata.priceSource]
}

describe("the tier that served an answer", () => {
  test.each([
    ["no tier", {}, listPrice],
    ["default", { service_tier: "default" }, listPrice],
    ["flex", { service_tier: "flex" }, listPrice / 2],
    ["priority", { service_tier: "priority" }, (1_000 * 0.45 + 1_000 * 3.6) / million],
  ])("counts through both calls: %s", async (_, beside, expected) => {
    for (const said of [chat(beside), chatStream(beside)]) {
      const [costUsd, source] = await costOf(said, openAi)
      expect(costUsd).toBeCloseTo(expected, 12)
      expect(source).toBe(table)
    }
  })

  test.each(["scale", "a-new-one"])("has no price where none is known: %s", async (tier) => {
    for (const said of [chat({ service_tier: tier }), chatStream({ service_tier: tier })]) {
      expect(await costOf(said, openAi)).toEqual([null, undefined])
    }
  })

  const message = (figures: object) => ({
    type: "message",
    role: "assistant",
    model: "claude-opus-5-5",
    content: [{ type: "text", text: "ok" }],
    stop_reason: "end_turn",
    usage: { input_tokens: 1_000, output_tokens: 1_000, ...figures },
  })
  const messageStream = (figures: object) =>
    eventsOf(
      { type: "message_start", message: { ...message(figures), content: [], stop_reason: null } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "ok" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 1_000 } },
      { type: "message_stop" },
    )
  const claude: InterfaceOptions = { provider: "anthropic", model: "claude-opus-5-5" }

  test.each([
    ["standard", { service_tier: "standard", speed: "standard" }, 24],
    ["fast", { service_tier: "standard", speed: "fast" }, 48],
    ["batch", { service_tier: "batch" }, 12],
    ["in the United States", { inference_geo: "us" }, 26.4],
  ])("is told by Anthropic among the figures: %s", async (_, figures, thousandths) => {
    for (const said of [message(figures), messageStream(figures)]) {
      expect((await costOf(said, claude))[0]).toBeCloseTo(thousandths / 1_000, 12)
    }
  })

  test("has no price where Anthropic sells it in advance", async () => {
    for (const figures of [message({ service_tier: "priority" }), messageStream({ service_tier: "priority" })]) {
      expect(await costOf(figures, claude)).toEqual([null, undefined])
    }
  })

  test("goes with the lifetimes of what was written to the cache", async () => {
    const written = { cache_creation_input_tokens: 1_000 }
    const split = { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 600 }
    for (const say of [message, messageStream]) {
      const [costUsd] = await costOf(say({ ...written, cache_creation: split }), claude)
      expect(costUsd).toBeCloseTo((1_000 * 4 + 400 * 5 + 600 * 8 + 1_000 * 20) / million, 12)
    }
  })

  test("has no cost where a stream ends with writes whose lifetimes nobody told", async () => {
    const split = { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 600 }
    const end = (lifetimes: object) =>
      messageStream({ cache_creation_input_tokens: 1_000, cache_creation: lifetimes }).replace(
        '"usage":{"output_tokens":1000}',
        '"usage":{"output_tokens":1000,"cache_creation_input_tokens":2000}',
      )
    expect(await costOf(end(split), claude)).toEqual([null, undefined])
    // All had one lifetime before.
    const [costUsd] = await costOf(end({ ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1_000 }), claude)
    expect(costUsd).toBeCloseTo((1_000 * 4 + 2_000 * 8 + 1_000 * 20) / million, 12)
  })
})

describe("the tokens of an answer", () => {
  const saying = (figures: object) => [
    chat({ usage: figures }),
    eventsOf(
      { model: "gpt-5-mini", choices: [{ index: 0, delta: { content: "ok" }, finish_reason: "stop" }] },
      { model: "gpt-5-mini", choices: [], usage: figures },
      "[DONE]",
    ),
  ]

  test.each([
    // 0.25 dollars a million in, 0.025 from the cache, 2 out.
    ["within the output", { completion_tokens: 1_000, total_tokens: 2_000 }, 1_000 * 0.25 + 1_000 * 2],
    ["beside the output", { completion_tokens: 400, total_tokens: 2_000 }, 1_000 * 0.25 + (400 + 600) * 2],
  ])("count reasoning as output, once: %s", async (_, told, millionths) => {
    const reasoning = { completion_tokens_details: { reasoning_tokens: 600 } }
    for (const said of saying({ prompt_tokens: 1_000, ...told, ...reasoning })) {
      expect((await costOf(said, openAi))[0]).toBeCloseTo(millionths / million, 12)
    }
  })

  test.each([
    // gpt-5.6-sol: 4, 0.4 and 20 dollars a million; from 272,000 input tokens on 8, 0.8 and 30, cached ones included.
    ["below", 271_999, 71_999 * 4 + 200_000 * 0.4 + 1_000 * 20],
    ["at", 272_000, 72_000 * 8 + 200_000 * 0.8 + 1_000 * 30],
  ])("cost more in a long context: %s its threshold", async (_, prompt_tokens, millionths) => {
    const figures = { prompt_tokens, completion_tokens: 1_000, prompt_tokens_details: { cached_tokens: 200_000 } }
    for (const said of saying(figures)) {
      const named =
        typeof said === "string" ? said.replaceAll("gpt-5-mini", "gpt-5.6-sol") : { ...said, model: "gpt-5.6-sol" }
      expect((await costOf(named, { ...openAi, model: "gpt-5.6-sol" }))[0]).toBeCloseTo(millionths / million, 12)
    }
  })
})

describe("the list of prices", () => {
  test("is the maker's at the maker's own address, however that is written", async () => {
    for (const apiBase of [undefined, "https://api.openai.com", "https://api.openai.com/v1/"]) {
      expect((await costOf(chat(), { ...openAi, apiBase }))[0]).toBeCloseTo(listPrice, 12)
    }
  })

  test.each(["https://gateway.example/v1", "https://eu.api.openai.com/v1", "http://api.openai.com/v1"])(
    "is nobody's at another: %s",
    async (apiBase) => {
      expect(await costOf(chat(), { ...openAi, apiBase })).toEqual([null, undefined])
      expect(await costOf(chat({ usage: { ...usage, cost: 0.5 } }), { ...openAi, apiBase })).toEqual([0.5, "service"])
    },
  )

  const azure = (model: string): InterfaceOptions => ({
    provider: "azure",
    model,
    apiBase: "https://my-resource.openai.azure.com",
  })

  test("prices an Azure deployment by the model that served, never by the deployment's name", async () => {
    expect((await costOf(chat(), azure("cheap")))[0]).toBeCloseTo(listPrice, 12)
    expect(await costOf(chat({ model: "" }), azure("gpt-5-mini"))).toEqual([null, undefined])
    expect(await costOf(chat({ model: "cheap" }), azure("gpt-5-mini"))).toEqual([null, undefined])
  })

  test("is not Azure's behind a gateway", async () => {
    expect(await costOf(chat(), { ...azure("d"), apiBase: "https://apim.example" })).toEqual([null, undefined])
  })

  test("is unknown for what a LiteLLM proxy serves, unless the proxy tells", async () => {
    const litellm: InterfaceOptions = {
      provider: "litellm",
      model: "openai/gpt-5-mini",
      apiBase: "http://127.0.0.1:4000",
    }
    expect(await costOf(chat(), litellm)).toEqual([null, undefined])
    expect(await costOf(chatStream(), litellm)).toEqual([null, undefined])
  })
})

describe("prices of one's own", () => {
  const own: OwnPrices = { "gpt-5-mini": { input: 1, output: 2, tiers: { flex: 0.5 } } }
  const priced = (prices: OwnPrices, said: object | string = chat({ model: "gpt-5-mini" }), options = openAi) =>
    costOf(said, { ...options, prices })

  test("stand before the table, by the name of the model, through both calls", async () => {
    expect(await priced(own)).toEqual([0.003, "custom"])
    expect(await priced(own, chatStream())).toEqual([0.003, "custom"])
    expect((await priced({ "another-model": { input: 1, output: 2 } }))[1]).toBe(table)
  })

  test("price a foreign base, a deployment and a proxy", async () => {
    const foreign = { ...openAi, apiBase: "https://gateway.example/v1" }
    expect(await priced(own, undefined, foreign)).toEqual([0.003, "custom"])
    const prices = { "azure/my-deployment": { input: 3, output: 3 } }
    const azure: InterfaceOptions = { provider: "azure", model: "my-deployment", apiBase: "https://apim.example" }
    expect(await priced(prices, chat({ model: "secret" }), azure)).toEqual([0.006, "custom"])
  })

  test("count tiers by their factors, and nothing where a tier has none", async () => {
    expect(await priced(own, chat({ model: "gpt-5-mini", service_tier: "flex" }))).toEqual([0.0015, "custom"])
    expect(await priced(own, chat({ model: "gpt-5-mini", service_tier: "default" }))).toEqual([0.003, "custom"])
    expect(await priced(own, chat({ model: "gpt-5-mini", service_tier: "priority" }))).toEqual([null, undefined])
  })

  test("yield to what the service says itself", async () => {
    expect(await priced(own, chat({ usage: { ...usage, cost: 0.5 } }))).toEqual([0.5, "service"])
  })

  test("may be a function of the answer: a cost, null for unknown, undefined for the table", async () => {
    const asked: Array<unknown> = []
    const cost = await priced((answer) => {
      asked.push(answer)
      return 0.25
    })
    expect(cost).toEqual([0.25, "custom"])
    expect(asked).toEqual([
      {
        provider: "openai",
        model: "gpt-5-mini",
        servedModel: "gpt-5-mini",
        usage: { inputTokens: 1_000, outputTokens: 1_000, totalTokens: 2_000 },
        billing: {},
        atMs: expect.any(Number),
      },
    ])
    expect(await priced(() => null)).toEqual([null, undefined])
    expect((await priced(() => undefined))[1]).toBe(table)
    for (const odd of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      expect(await priced(() => odd)).toEqual([null, undefined])
    }
  })

  test.each([
    [{ "gpt-5-mini": { input: -1, output: 2 } }, 'prices["gpt-5-mini"].input'],
    [{ "gpt-5-mini": { output: 2 } }, 'prices["gpt-5-mini"]'],
    [{ "gpt-5-mini": { input: 1, output: "2" } }, 'prices["gpt-5-mini"].output'],
    [{ "gpt-5-mini": 3 }, 'prices["gpt-5-mini"]'],
    [{ "gpt-5-mini": { input: 1, output: 2, tiers: { flex: Number.NaN } } }, 'prices["gpt-5-mini"].flex'],
    ["cheap", "prices"],
  ])("are refused by the name of what is wrong: %j", async (prices, setting) => {
    const llm = Reflect.construct((await import("../../src/index.ts")).LLMInterface, [
      { ...openAi, apiKey: "key", logger: false, prices },
    ])
    const response = await llm.generate({ messages: [{ role: "user", content: "Say hello." }] })
    await llm.dispose()
    expect(response).toMatchObject({ errorType: "ConfigurationError", setting })
  })
})
