import { readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { calcPrice, type MatchLogic, type ModelInfo, type Provider, waitForUpdate } from "@pydantic/genai-prices"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { renderPriceTable, sourceVersion } from "../../scripts/update-prices.ts"
import type { Usage } from "../../src/model/LlmResponse.ts"
import { priceTable } from "../../src/prices/priceTable.ts"
import { byModelName, costUsd } from "../../src/prices/Prices.ts"

const source = (await waitForUpdate()) ?? []
const midnightMs = Date.parse(`${priceTable.date}T00:00:00Z`)

/** Every name that the source spells out for a model; a regular expression gives none. */
const namesIn = (match: MatchLogic): ReadonlyArray<string> => {
  if ("or" in match) return match.or.flatMap(namesIn)
  if ("and" in match) return match.and.flatMap(namesIn)
  return "regex" in match ? [] : Object.values(match)
}

const providersOfTable = priceTable.providers.flatMap(({ names }) => source.filter(({ id }) => id === names[0]))

const namesOf = (provider: Provider): ReadonlyArray<string> =>
  provider.models.flatMap((model) => [model.id, ...namesIn(model.match)])

const sampleModel = fc
  .constantFrom(...providersOfTable)
  .chain((provider) =>
    fc.tuple(
      fc.constant(provider.id),
      fc.constantFrom(...namesOf(provider)),
      fc.constantFrom("", "", "-2025-08-07", "-20250807", "-latest", "-mini"),
    ),
  )
  .map(([provider, name, suffix]) => [provider, name + suffix] as const)

const tokens = (max: number) => fc.oneof(fc.constant(0), fc.integer({ min: 1, max }))

const sampleUsage = fc.record({
  uncachedTokens: tokens(400_000),
  cachedInputTokens: tokens(300_000),
  cacheWriteTokens: tokens(300_000),
  outputTokens: tokens(100_000),
})
type SampleUsage = typeof sampleUsage extends fc.Arbitrary<infer A> ? A : never

const usageOf = ({
  uncachedTokens,
  ...usage
}: SampleUsage): Required<Pick<Usage, "inputTokens" | "outputTokens">> & Usage => ({
  ...usage,
  inputTokens: uncachedTokens + usage.cachedInputTokens + usage.cacheWriteTokens,
})

const sourceCost = (provider: string, model: string, usage: Usage, atMs: number) =>
  calcPrice(
    {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cache_read_tokens: usage.cachedInputTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
    model,
    { providerId: provider, timestamp: new Date(atMs) },
  )

/** `openai/gpt-5` asked of OpenAI: the one name that this library knows and the source does not. */
const withoutOwnProvider = (provider: string, model: string) => {
  const [prefix = "", ...rest] = model.split("/")
  const names = priceTable.providers.find(({ names }) => names.includes(provider))?.names ?? []
  return names.includes(prefix) ? rest.join("/") : model
}

/** What `Usage` is enough to price: text in, and text out unless none came. */
const isPricedByTokens = (prices: Record<string, unknown>, usage: Usage) =>
  prices["input_mtok"] !== undefined &&
  (prices["output_mtok"] !== undefined || usage.outputTokens === 0) &&
  !Object.keys(prices).some((key) => /audio|image|video|document|messages/.test(key))

const million = 1_000_000

describe("the cost of a call", () => {
  test("is what the source library says, for every bucket, tier, date suffix and hour, or null", () => {
    let compared = 0
    fc.assert(
      fc.property(sampleModel, sampleUsage, fc.nat(86_399_999), ([provider, model], sample, timeOfDayMs) => {
        const usage = usageOf(sample)
        const actual = costUsd(provider, model, usage, midnightMs + timeOfDayMs)
        const expected =
          sourceCost(provider, model, usage, midnightMs + timeOfDayMs) ??
          sourceCost(provider, withoutOwnProvider(provider, model), usage, midnightMs + timeOfDayMs)
        if (expected === null || !isPricedByTokens(expected.model_price, usage)) {
          expect(actual).toBeNull()
        } else {
          compared += 1
          expect(actual).not.toBeNull()
          expect(Math.abs((actual ?? 0) - expected.total_price)).toBeLessThan(1e-9)
        }
      }),
      { numRuns: 5_000 },
    )
    expect(compared).toBeGreaterThan(1_000)
  })

  test("is known for every model that the source prices by tokens", () => {
    const usage = { inputTokens: 10, outputTokens: 0 }
    for (const provider of providersOfTable) {
      for (const model of provider.models.flatMap((model: ModelInfo) => namesIn(model.match))) {
        const expected = sourceCost(provider.id, model, usage, midnightMs)
        if (expected !== null && isPricedByTokens(expected.model_price, usage)) {
          expect(costUsd(provider.id, model, usage, midnightMs), `${provider.id} ${model}`).not.toBeNull()
        }
      }
    }
  })

  test("counts uncached input, cache reads, cache writes and output each at its own price", () => {
    const cost = (usage: Usage) => costUsd("anthropic", "claude-haiku-4-5-20251001", usage)
    expect(cost({ inputTokens: million, outputTokens: 0 })).toBe(1)
    expect(cost({ inputTokens: million, cachedInputTokens: million, outputTokens: 0 })).toBe(0.1)
    expect(cost({ inputTokens: million, cacheWriteTokens: million, outputTokens: 0 })).toBe(1.25)
    expect(cost({ inputTokens: 0, outputTokens: million })).toBe(5)
    expect(
      cost({
        inputTokens: 3 * million,
        cachedInputTokens: million,
        cacheWriteTokens: million,
        outputTokens: million,
        reasoningTokens: million / 2,
      }),
    ).toBeCloseTo(1 + 0.1 + 1.25 + 5, 12)
  })

  test("counts cached tokens as input where the source has no price for them, as the source does", () => {
    const usage = { inputTokens: million, cachedInputTokens: million / 2, outputTokens: 0 }
    expect(costUsd("openai", "o3-pro", usage)).toBe(costUsd("openai", "o3-pro", { ...usage, cachedInputTokens: 0 }))
    expect(costUsd("openai", "o3-pro", usage)).toBe(sourceCost("openai", "o3-pro", usage, midnightMs)?.total_price)
  })

  test("takes the long-context price for the whole request once the input is over its threshold", () => {
    const cost = (inputTokens: number) =>
      costUsd("anthropic", "claude-sonnet-4-5", { inputTokens, cachedInputTokens: 150_000, outputTokens: 1_000 })
    expect(cost(200_000)).toBeCloseTo((50_000 * 3 + 150_000 * 0.3 + 1_000 * 15) / million, 12)
    expect(cost(200_001)).toBeCloseTo((50_001 * 6 + 150_000 * 0.6 + 1_000 * 22.5) / million, 12)
  })

  test("needs the time of the call where the price changes with the hour", () => {
    const usage = { inputTokens: million, outputTokens: 0 }
    const at = (time: string) => costUsd("deepseek", "deepseek-chat", usage, Date.parse(`${priceTable.date}T${time}Z`))
    expect(costUsd("deepseek", "deepseek-chat", usage)).toBeNull()
    expect(costUsd("deepseek", "deepseek-chat", usage, Number.NaN)).toBeNull()
    expect([at("00:29:59"), at("00:30:00"), at("16:29:59"), at("16:30:00")]).toEqual([0.135, 0.27, 0.27, 0.135])
  })

  test("is known for an embedding, which has no output", () => {
    expect(costUsd("openai", "text-embedding-3-small", { inputTokens: million })).toBe(0.02)
    expect(costUsd("openai", "text-embedding-3-small", { inputTokens: million, outputTokens: 0 })).toBe(0.02)
  })
})

describe("the cost is null", () => {
  const usage = { inputTokens: 1_000, outputTokens: 100 }

  test("for a model, a provider or a model name that is not known", () => {
    expect(costUsd("openai", "gpt-99-imaginary", usage)).toBeNull()
    expect(costUsd("no-such-provider", "gpt-4o", usage)).toBeNull()
    expect(costUsd("openai", undefined, usage)).toBeNull()
    expect(costUsd("openai", "", usage)).toBeNull()
    expect(costUsd("ollama", "llama3", usage)).toBeNull()
  })

  test("for a usage that is not known or cannot be", () => {
    for (const impossible of [
      {},
      { inputTokens: 1_000 },
      { outputTokens: 100 },
      { inputTokens: 1_000, outputTokens: 100, cachedInputTokens: 600, cacheWriteTokens: 600 },
      { inputTokens: -1, outputTokens: 100 },
      { inputTokens: 1_000, outputTokens: Number.NaN },
      { inputTokens: Number.POSITIVE_INFINITY, outputTokens: 100 },
    ]) {
      expect(costUsd("openai", "gpt-4o", impossible), JSON.stringify(impossible)).toBeNull()
    }
  })

  test("for tokens of a kind that the model has no price for", () => {
    expect(costUsd("openai", "text-embedding-3-small", { inputTokens: 10, outputTokens: 1 })).toBeNull()
  })

  test("for models that bill sound or pictures apart, which a usage does not tell from text", () => {
    for (const model of ["gpt-realtime", "gpt-audio", "gpt-image-1", "whisper-1"]) {
      expect(costUsd("openai", model, usage), model).toBeNull()
    }
  })
})

describe("a model's name", () => {
  const usage = { inputTokens: million, outputTokens: million }
  const gpt5 = costUsd("openai", "gpt-5", usage)

  test("may carry its own provider's name", () => {
    expect(gpt5).toBe(11.25)
    expect(costUsd("openai", "openai/gpt-5", usage)).toBe(gpt5)
    expect(costUsd("xai", "xai/grok-4", usage)).toBe(costUsd("x-ai", "grok-4", usage))
  })

  test("is never looked up at another provider than the one that was asked", () => {
    expect(costUsd("groq", "openai/gpt-5", usage)).toBeNull()
    expect(costUsd("anthropic", "openai/gpt-5", usage)).toBeNull()
    expect(costUsd("groq", "openai/gpt-oss-120b", usage)).toBe(0.75)
  })

  test("names its provider for LiteLLM, or belongs to a known family", () => {
    expect(costUsd(byModelName, "openai/gpt-5", usage)).toBe(gpt5)
    expect(costUsd(byModelName, "azure/gpt-5", usage)).toBe(gpt5)
    expect(costUsd(byModelName, "gpt-5", usage)).toBe(gpt5)
    expect(costUsd(byModelName, "anthropic/claude-haiku-4-5", usage)).toBe(6)
    expect(costUsd(byModelName, "bedrock/anthropic.claude-haiku-4-5", usage)).toBeNull()
    expect(costUsd(byModelName, "our-alias", usage)).toBeNull()
  })

  test("means for LiteLLM what the source library takes it to mean, or nothing", () => {
    const atMs = midnightMs
    for (const provider of source) {
      for (const name of namesOf(provider)) {
        for (const model of [name, `${provider.id}/${name}`]) {
          const actual = costUsd(byModelName, model, usage, atMs)
          if (actual === null) continue
          const expected = sourceCost("litellm", model, usage, atMs)
          expect(Math.abs(actual - (expected?.total_price ?? Number.NaN)), model).toBeLessThan(1e-9)
        }
      }
    }
  })

  test("is found in any case, dated in either form, and at Azure where OpenAI's list has it", () => {
    expect(costUsd("OpenAI", " GPT-5 ", usage)).toBe(gpt5)
    expect(costUsd("openai", "gpt-5-2025-08-07", usage)).toBe(gpt5)
    expect(costUsd("openai", "gpt-5-20250807", usage)).toBe(gpt5)
    expect(costUsd("azure", "gpt-5-2025-08-07", usage)).toBe(gpt5)
  })

  test("has the same cost however many other names were asked for in between", () => {
    for (let index = 0; index < 2_500; index += 1) expect(costUsd("openai", `unknown-${index}`, usage)).toBeNull()
    expect(costUsd("openai", "gpt-5", usage)).toBe(gpt5)
  })
})

describe("the price table", () => {
  const text = readFileSync(new URL("../../src/prices/priceTable.ts", import.meta.url), "utf8")

  test("is in step with the pinned package (else run `npm run prices -w @wiseflow/llm`)", async () => {
    expect(priceTable.version).toBe(sourceVersion())
    expect(text).toBe(await renderPriceTable(priceTable.date))
  })

  test("is small enough to be imported by everyone", () => {
    expect(text.length).toBeLessThan(30_000)
    expect(gzipSync(text).length).toBeLessThan(8_000)
  })
})
