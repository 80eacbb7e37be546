/** docs/prices.md says what the code does: its sources and its tiers. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { priceTable } from "../../src/prices/priceTable.ts"
import { listedCost, load } from "../../src/prices/Prices.ts"
import { tierPrice } from "../../src/prices/ServiceTier.ts"

await load()

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8")
const page = read("docs/prices.md")

/** The rows of the table of tiers: a provider, its tiers, the factor in words. */
const tiers = [...page.matchAll(/^\| (OpenAI|Azure OpenAI|Anthropic|Groq) +\| (`[^|]+`) +\| ([^|]+) \|$/gm)].map(
  ([, provider = "", names = "", price = ""]) => ({
    provider,
    names: [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    price: price.trim(),
  }),
)

const lists: Readonly<Record<string, readonly [string, string]>> = {
  OpenAI: ["openai", "gpt-5"],
  "Azure OpenAI": ["azure", "gpt-5"],
  Anthropic: ["anthropic", "claude-opus-5"],
  Groq: ["groq", "llama-3.3-70b-versatile"],
}

describe("docs/prices.md", () => {
  it("names the sources of the table, their versions and their days", () => {
    const text = page.replaceAll("\n", " ")
    for (const { date, name, version } of priceTable.sources.slice(0, 2)) {
      expect(text).toContain(`\`${name}\` ${version} of ${date}`)
    }
    expect(page).toContain(`table ${listedCost("openai", "gpt-5", { inputTokens: 1, outputTokens: 1 })?.date}`)
  })

  it("names each provider that the table knows", () => {
    const known = /The table knows the list prices of ([^.]+)\./.exec(page)?.[1]?.split(/, | and /) ?? []
    expect(known).toHaveLength(priceTable.providers.length)
  })

  it("says what each tier costs", () => {
    expect(tiers.length).toBeGreaterThan(5)
    for (const { names, price, provider } of tiers) {
      const [list = "", model = ""] = lists[provider] ?? []
      for (const name of names) {
        const factor = tierPrice(list, name, model)?.factor
        if (price === "half") expect(factor, `${provider} ${name}`).toBe(0.5)
        else if (price === "the list price") expect(factor).toBe(1)
        else expect(factor).toBe(2)
      }
    }
  })
})
