/** Every model that the makers' own libraries name has a price, or a reason why not. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { describe, expect, test } from "vitest"
import { listedCost, load } from "../../src/prices/Prices.ts"

await load()

// The libraries are those that the benchmarks compare with.
const require = createRequire(new URL("../../../bench/package.json", import.meta.url))

/** The string literals of exported types in a file of types. */
const literalsOf = (file: string, types: ReadonlyArray<string>): ReadonlyArray<string> => {
  const text = readFileSync(file, "utf8")
  return types.flatMap((type) => {
    const union = new RegExp(`export type ${type} = ([^;]+);`).exec(text)?.[1] ?? ""
    return [...union.matchAll(/'([^']+)'/g)].flatMap(([, literal]) => literal ?? [])
  })
}

const types = (name: string, path: string) => require.resolve(name).replace(/index\.js$/, path)
const openAi = literalsOf(types("openai", "resources/shared.d.ts"), ["ChatModel", "AllModels"])
const anthropic = literalsOf(types("@anthropic-ai/sdk", "resources/messages/messages.d.ts"), ["Model"])

const sound = "it bills sound at a price of its own, which a usage does not tell from text"
const limited = "it is sold to a few customers, and no source has its price"

/** Models without a price, each with the reason. */
const unpriced: Readonly<Record<string, string>> = {
  "gpt-audio-mini": sound,
  "gpt-audio-mini-2025-12-15": sound,
  "gpt-6-cyber": limited,
  "gpt-rosalind-research": limited,
  "gpt-6-rosalind": limited,
  "claude-mythos-5-2": limited,
  "claude-mythos-preview": limited,
}

describe.each([
  ["openai", openAi, 80],
  ["anthropic", anthropic, 20],
] as const)("the models that the library of %s names", (list, models, atLeast) => {
  test("are read from its types", () => {
    expect(models.length).toBeGreaterThan(atLeast)
  })

  test("have a price, or a reason in the list of this test", () => {
    const missing = models.filter(
      (model) => listedCost(list, model, { inputTokens: 1_000, outputTokens: 1_000 }) === null,
    )
    expect(missing.filter((model) => unpriced[model] === undefined)).toEqual([])
    expect(Object.keys(unpriced).filter((model) => models.includes(model) && !missing.includes(model))).toEqual([])
  })
})
