/** How much models write and which efforts they know: the generated table, its source, and what is written by hand. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { renderAbilityTable } from "../../../scripts/models/AbilityTable.ts"
import { catalogOf } from "../../../scripts/models/Catalog.ts"
import { abilityTable } from "../../../src/protocols/encoding/abilities/abilityTable.ts"
import { capabilitiesOf } from "../../../src/protocols/encoding/ModelCapabilities.ts"

const of = (model: string) => capabilitiesOf(model, undefined)

describe("the table of abilities", () => {
  const text = readFileSync(
    new URL("../../../src/protocols/encoding/abilities/abilityTable.ts", import.meta.url),
    "utf8",
  )

  it("is in step with the pinned package (else run `npm run models -w @wiseflow/llm`)", () => {
    expect(text).toBe(renderAbilityTable())
  })

  it("is small enough to be imported by everyone", () => {
    expect(gzipSync(text).length).toBeLessThan(3_000)
  })

  it("agrees with what is written by hand about temperature", () => {
    const refusing = [...catalogOf("anthropic"), ...catalogOf("openai")].flatMap(({ compat, id }) =>
      compat?.supportsTemperature === false ? id : [],
    )
    expect(refusing.length).toBeGreaterThan(3)
    expect(refusing.filter((id) => of(id).sampling !== "refused")).toEqual([])
  })

  it("agrees with what is written by hand about the name of the limit", () => {
    const told = ["deepseek", "moonshotai", "zai"].flatMap((list) =>
      catalogOf(list).flatMap(({ compat, id }) =>
        compat?.maxTokensField === undefined ? [] : { id, field: compat.maxTokensField },
      ),
    )
    expect(told.length).toBeGreaterThan(10)
    expect(told.filter(({ field, id }) => of(id).maxTokensField !== field)).toEqual([])
  })

  it("knows every Claude that the library of Anthropic names, but for those that few may use", () => {
    const require = createRequire(new URL("../../../../bench/package.json", import.meta.url))
    const types = require.resolve("@anthropic-ai/sdk").replace(/index\.js$/, "resources/messages/messages.d.ts")
    const union = /export type Model = ([^;]+);/.exec(readFileSync(types, "utf8"))?.[1] ?? ""
    const names = [...union.matchAll(/'([^']+)'/g)].flatMap(([, name]) => name ?? [])
    expect(names.length).toBeGreaterThan(20)
    const unknown = names.filter((name) => of(name).maxOutputTokens === undefined)
    expect(unknown.every((name) => name.startsWith("claude-mythos-"))).toBe(true)
  })

  it("holds no limit that cannot be", () => {
    for (const line of abilityTable.trim().split("\n")) {
      const [name = "", context, output, efforts] = line.split(" ")
      expect(Number(context), name).toBeGreaterThan(1_000)
      expect(Number(output), name).toBeGreaterThan(1_000)
      expect(efforts, name).toMatch(/^(-|0?1?2?3?4?5?6?)$/)
      expect(of(name).maxOutputTokens, name).toBe(Number(output))
    }
  })
})

describe("a model's limits", () => {
  it.each([
    ["claude-sonnet-5", 128_000],
    ["claude-haiku-4-5-20251001", 64_000],
    ["claude-opus-4.5", 64_000],
    ["anthropic/claude-opus-5.5", 128_000],
    ["us.anthropic.claude-haiku-4-5-20251001-v1:0", 64_000],
    ["claude-sonnet-4-5@20250929", 64_000],
    ["claude-opus-4-1-20250805", 32_000],
    ["claude-3-5-haiku-20241022", 8_192],
    ["claude-3-haiku-20240307", 4_096],
    ["claude-opus-9", 32_000],
    ["kimi-k3", 524_288],
    ["our-alias", 8_192],
  ])("give the limit of an answer where a protocol wants one: %s", (model, limit) => {
    expect(of(model).defaultMaxTokens).toBe(limit)
  })

  it("are undefined where they are not known", () => {
    expect(of("our-alias")).toMatchObject({ contextWindow: undefined, maxOutputTokens: undefined })
  })

  it("are what a deployment says, where it says it", () => {
    expect(capabilitiesOf("claude-sonnet-5", { defaultMaxTokens: 1_000 }).defaultMaxTokens).toBe(1_000)
  })
})

describe("the efforts that a model knows", () => {
  it.each([
    ["gpt-5", ["minimal", "low", "medium", "high"]],
    ["gpt-5.4-pro", ["medium", "high", "xhigh"]],
    ["gpt-6.1-sol", ["low", "medium", "high", "xhigh", "max"]],
    ["gpt-6.1-terra", ["none", "low", "medium", "high", "xhigh", "max"]],
    ["gpt-5.6-cyber", ["low", "medium", "high", "xhigh", "max"]],
    ["grok-4.7", ["low", "medium", "high", "xhigh"]],
    ["claude-sonnet-5-5", ["low", "medium", "high", "xhigh", "max"]],
    ["claude-sonnet-4-6", ["none", "low", "medium", "high", "max"]],
    ["our-alias", undefined],
  ])("are those of the table: %s", (model, efforts) => {
    expect(of(model).efforts).toEqual(efforts)
  })

  it("are taken by grok from 4.3 on, and by none before", () => {
    expect(["grok-4", "grok-4-0709", "grok-4.1"].map((model) => of(model).reasoningEffort)).toEqual([
      false,
      false,
      false,
    ])
    expect(["grok-4.3", "grok-4.7", "grok-5"].map((model) => of(model).reasoningEffort)).toEqual([true, true, true])
  })
})
