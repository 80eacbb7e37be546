import { readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { calcPrice, type MatchLogic, type ModelInfo, type Provider, waitForUpdate } from "@pydantic/genai-prices"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { renderPriceTable } from "../../scripts/models/PriceTable.ts"
import { byHand, sources } from "../../scripts/models/Sources.ts"
import type { Billing, Usage } from "../../src/model/LlmResponse.ts"
import { priceTable } from "../../src/prices/priceTable.ts"
import { isLoaded, listedCost, load, rememberedNames } from "../../src/prices/Prices.ts"

const costUsd = (list: string, model: string | undefined, usage: Usage, atMs?: number, billing?: Billing) =>
  listedCost(list, model, usage, billing, atMs)?.costUsd ?? null

const source = (await waitForUpdate()) ?? []

const before = listedCost("openai", "gpt-5", { inputTokens: 1, outputTokens: 1 })
await load()
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

/** A dated model that the source knows only without its date. */
const withoutDate = (model: string) => model.replace(/-20\d{2}-?\d{2}-?\d{2}$/, "")

const million = 1_000_000

describe("the cost of a call", () => {
  test("is what the source library says, for every bucket, tier, date suffix and hour, or null", () => {
    let compared = 0
    fc.assert(
      fc.property(sampleModel, sampleUsage, fc.nat(86_399_999), ([provider, model], sample, timeOfDayMs) => {
        const usage = usageOf(sample)
        const found = listedCost(provider, model, usage, {}, midnightMs + timeOfDayMs)
        // The second source's own names, which the first takes for other models.
        if (found?.date === sources.second.date) return
        const actual = found?.costUsd ?? null
        const expected =
          sourceCost(provider, model, usage, midnightMs + timeOfDayMs) ??
          sourceCost(provider, withoutOwnProvider(provider, model), usage, midnightMs + timeOfDayMs) ??
          sourceCost(provider, withoutDate(model), usage, midnightMs + timeOfDayMs)
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

  test("is found in any case, dated in either form, and at Azure where OpenAI's list has it", () => {
    expect(costUsd("OpenAI", " GPT-5 ", usage)).toBe(gpt5)
    expect(costUsd("openai", "gpt-5-2025-08-07", usage)).toBe(gpt5)
    expect(costUsd("openai", "gpt-5-20250807", usage)).toBe(gpt5)
    expect(costUsd("azure", "gpt-5-2025-08-07", usage)).toBe(gpt5)
  })

  test("may end in a date that no source has listed yet", () => {
    expect(costUsd("openai", "gpt-6.1-sol-2026-11-02", usage)).toBe(costUsd("openai", "gpt-6.1-sol", usage))
    expect(costUsd("anthropic", "claude-haiku-5-5-20261001", usage)).toBe(
      costUsd("anthropic", "claude-haiku-5-5", usage),
    )
    expect(costUsd("openai", "gpt-99-2026-11-02", usage)).toBeNull()
  })

  test("has the same cost however many other names were asked for in between", () => {
    for (let index = 0; index < 2_500; index += 1) expect(costUsd("openai", `unknown-${index}`, usage)).toBeNull()
    expect(costUsd("openai", "gpt-5", usage)).toBe(gpt5)
  })
})

test("no list price is known before the table is loaded", () => {
  expect(before).toBeNull()
  expect(isLoaded()).toBe(true)
})

describe("the memory of names", () => {
  const usage = { inputTokens: 1, outputTokens: 1 }

  test("does not grow with the names that a server makes up", () => {
    for (let index = 0; index < 5_000; index += 1) costUsd("openai", `made-up-${index}`, usage)
    expect(rememberedNames()).toBeLessThanOrEqual(200)
  })

  test("keeps no long name, which may hang on to the text that it was cut from", () => {
    costUsd("openai", "gpt-5", usage)
    const before = rememberedNames()
    for (let index = 0; index < 100; index += 1) costUsd("openai", `${index}${"x".repeat(200)}`, usage)
    expect(rememberedNames()).toBe(before)
  })
})

describe("a price as served", () => {
  const usage = {
    inputTokens: 3 * million,
    cachedInputTokens: million,
    cacheWriteTokens: million,
    outputTokens: million,
  }
  const served = (list: string, model: string, billing: Billing, of: Usage = usage) =>
    costUsd(list, model, of, undefined, billing)
  const plain = { inputTokens: 100_000, outputTokens: 100_000 }

  test("counts cache writes of an hour at their own price", () => {
    expect(served("anthropic", "claude-haiku-4-5", {})).toBeCloseTo(1 + 0.1 + 1.25 + 5, 12)
    expect(served("anthropic", "claude-haiku-4-5", { longCacheWriteTokens: million })).toBeCloseTo(1 + 0.1 + 2 + 5, 12)
    expect(served("anthropic", "claude-haiku-4-5", { longCacheWriteTokens: million / 2 })).toBeCloseTo(7.725, 12)
  })

  test("is null for long cache writes that have no price, or that are more than all writes", () => {
    expect(served("openai", "gpt-5", { longCacheWriteTokens: 1 })).toBeNull()
    expect(served("anthropic", "claude-haiku-4-5", { longCacheWriteTokens: 2 * million })).toBeNull()
  })

  test.each(["default", "standard", "on_demand", undefined])("is the list price for the tier %s", (serviceTier) => {
    expect(served("openai", "gpt-5", { serviceTier }, plain)).toBeCloseTo(1.125, 12)
  })

  test("is half at the flex and batch tiers of OpenAI and Azure, long contexts included", () => {
    expect(served("openai", "gpt-5-mini", { serviceTier: "flex" }, plain)).toBeCloseTo(0.1125, 12)
    expect(served("azure", "gpt-5-mini", { serviceTier: "flex" }, plain)).toBeCloseTo(0.1125, 12)
    expect(served("openai", "gpt-5-mini", { serviceTier: "batch" }, plain)).toBeCloseTo(0.1125, 12)
    const long = { inputTokens: million, outputTokens: 0 }
    expect(served("openai", "gpt-5.4", { serviceTier: "flex" }, long)).toBeCloseTo(2.5, 12)
  })

  // openai.com/api-priority-processing, read in November 2026: input, cached input, output.
  test.each([
    ["gpt-5.5", 12.5, 1.25, 75],
    ["gpt-5.4-mini", 1.5, 0.15, 9],
    ["gpt-5.4", 5, 0.5, 30],
    ["gpt-5.2", 3.5, 0.35, 28],
    ["gpt-5.1", 2.5, 0.25, 20],
    ["gpt-5", 2.5, 0.25, 20],
    ["gpt-5-2025-08-07", 2.5, 0.25, 20],
    ["gpt-5-mini", 0.45, 0.045, 3.6],
    ["gpt-5.1-codex", 2.5, 0.25, 20],
    ["gpt-5-codex", 2.5, 0.25, 20],
    ["gpt-4.1", 3.5, 0.875, 14],
    ["gpt-4.1-mini", 0.7, 0.175, 2.8],
    ["gpt-4.1-nano", 0.2, 0.05, 0.8],
    ["gpt-4o", 4.25, 2.125, 17],
    ["gpt-4o-2024-11-20", 4.25, 2.125, 17],
    ["gpt-4o-mini", 0.25, 0.125, 1],
    ["o3", 3.5, 0.875, 14],
  ])("is OpenAI's own at its priority tier: %s", (model, input, cached, output) => {
    for (const serviceTier of ["priority", "fast"]) {
      const cost = (of: Usage) => served("openai", model, { serviceTier }, of)
      expect(cost({ inputTokens: 100_000, outputTokens: 0 })).toBeCloseTo(input / 10, 9)
      expect(cost({ inputTokens: 100_000, cachedInputTokens: 100_000, outputTokens: 0 })).toBeCloseTo(cached / 10, 9)
      expect(cost({ inputTokens: 0, outputTokens: 100_000 })).toBeCloseTo(output / 10, 9)
    }
  })

  test("is OpenAI's own at its priority tier for the first gpt-4o too", () => {
    const cost = served("openai", "gpt-4o-2024-05-13", { serviceTier: "priority" }, plain)
    expect(cost).toBeCloseTo((8.75 + 26.25) / 10, 9)
  })

  test("is Anthropic's own in batches, in fast mode and where it runs in the United States alone", () => {
    expect(served("anthropic", "claude-opus-5", { serviceTier: "batch" }, plain)).toBeCloseTo(1.5, 9)
    expect(served("anthropic", "claude-opus-5", { serviceTier: "fast" }, plain)).toBeCloseTo(6, 9)
    expect(served("anthropic", "claude-opus-5-5", { serviceTier: "fast" }, plain)).toBeCloseTo(4.8, 9)
    expect(served("anthropic", "claude-opus-5", { region: "us" }, plain)).toBeCloseTo(3.3, 9)
    expect(served("anthropic", "claude-opus-5", { region: "global" }, plain)).toBeCloseTo(3, 9)
    expect(served("anthropic", "claude-opus-5", { region: "not_available" }, plain)).toBeCloseTo(3, 9)
  })

  test("is the list price at Groq's flex tier", () => {
    const model = "llama-3.3-70b-versatile"
    expect(served("groq", model, { serviceTier: "flex" }, plain)).toBe(served("groq", model, {}, plain))
  })

  test("is null at a tier, in a region or for a length whose price is not known", () => {
    expect(served("openai", "gpt-5", { serviceTier: "scale" }, plain)).toBeNull()
    expect(served("openai", "gpt-5", { serviceTier: "auto" }, plain)).toBeNull()
    expect(served("openai", "gpt-5-nano", { serviceTier: "priority" }, plain)).toBeNull()
    expect(served("azure", "gpt-5", { serviceTier: "priority" }, plain)).toBeNull()
    expect(served("anthropic", "claude-opus-5", { serviceTier: "priority" }, plain)).toBeNull()
    expect(served("anthropic", "claude-opus-4-6", { serviceTier: "fast" }, plain)).toBeNull()
    expect(served("anthropic", "claude-opus-5", { region: "eu" }, plain)).toBeNull()
    expect(served("groq", "llama-3.3-70b-versatile", { serviceTier: "performance" }, plain)).toBeNull()
    const long = { inputTokens: million, outputTokens: 0 }
    expect(served("openai", "gpt-5.4", { serviceTier: "priority" }, long)).toBeNull()
  })

  test("is finite and not negative, or null, whatever a server writes", () => {
    const odd = fc.oneof(fc.double(), fc.integer(), fc.constant(undefined), fc.constant(Number.MAX_VALUE))
    const anyUsage = fc.record({
      inputTokens: odd,
      outputTokens: odd,
      cachedInputTokens: odd,
      cacheWriteTokens: odd,
      reasoningTokens: odd,
      totalTokens: odd,
    })
    const anyBilling = fc.record({
      longCacheWriteTokens: odd,
      serviceTier: fc.oneof(fc.constantFrom("flex", "priority", "batch", "fast", undefined), fc.string()),
      region: fc.oneof(fc.constantFrom("us", "global", undefined), fc.string()),
    })
    const name = fc.oneof(sampleModel, fc.tuple(fc.string(), fc.string()))
    fc.assert(
      fc.property(name, anyUsage, anyBilling, odd, ([list, model], usage, billing, atMs) => {
        const cost = costUsd(list, model, usage, atMs, billing)
        expect(cost === null || (Number.isFinite(cost) && cost >= 0)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe("the price table", () => {
  const text = readFileSync(new URL("../../src/prices/priceTable.ts", import.meta.url), "utf8")

  test("is in step with the pinned packages (else run `npm run models -w @wiseflow/llm`)", async () => {
    const { first, second } = sources
    const { date, name, version } = byHand
    expect(priceTable.sources).toEqual([first, second, { name, version, date }])
    expect(text).toBe(await renderPriceTable(priceTable.date))
  })

  test("says of each price which source it is from, and of which day", () => {
    const usage = { inputTokens: 1, outputTokens: 1 }
    expect(listedCost("openai", "gpt-5", usage)?.date).toBe(sources.first.date)
    expect(listedCost("openai", "gpt-6.1-sol", usage)?.date).toBe(sources.second.date)
  })

  test("prefers the second source where the first takes a model for another", () => {
    const usage = { inputTokens: million, cachedInputTokens: million, outputTokens: 0 }
    expect(costUsd("anthropic", "claude-sonnet-5-5", usage)).toBe(0.1)
    expect(costUsd("anthropic", "claude-sonnet-5", usage)).toBe(0.2)
  })

  test("is small enough to be imported by everyone", () => {
    expect(text.length).toBeLessThan(30_000)
    expect(gzipSync(text).length).toBeLessThan(8_000)
  })
})
