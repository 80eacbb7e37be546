/** How much models write and which efforts they know: the generated table, its source, and what is written by hand. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { renderAbilityTable } from "../../../scripts/models/AbilityTable.ts"
import { catalogOf } from "../../../scripts/models/Catalog.ts"
import { abilityTable } from "../../../src/protocols/encoding/abilities/abilityTable.ts"
import { bareModelName } from "../../../src/protocols/encoding/abilities/BareModelName.ts"
import { abilitiesOf } from "../../../src/protocols/encoding/abilities/ModelAbilities.ts"
import { capabilitiesOf, isKnownModel } from "../../../src/protocols/encoding/ModelCapabilities.ts"

const of = (model: string) => capabilitiesOf(model, undefined)

describe("the abilities of a model", () => {
  it("are read from its line of the table", () => {
    expect(abilitiesOf("claude-opus-4-5")).toEqual({
      contextWindow: 200_000,
      maxOutputTokens: 64_000,
      defaultMaxTokens: 64_000,
      efforts: ["none", "low", "medium", "high"],
    })
    expect(abilitiesOf("gpt-4")).toStrictEqual({ contextWindow: 8192, maxOutputTokens: 8192, defaultMaxTokens: 4096 })
    expect(abilitiesOf("claude-fable-5")?.efforts).toEqual(["low", "medium", "high", "xhigh", "max"])
    expect(abilitiesOf("")).toBeUndefined()
    expect(abilitiesOf("claude")).toBeUndefined()
  })

  it.each([
    "claude-opus-4-5-20301231",
    "claude-opus-4-5@20301231",
    "claude-opus-4-5-2030-12-31",
    "claude-opus-4-5-20301231-v1:0",
    "claude-opus-4-5-20301231-v2",
  ])("are those of the model without its date: %s", (name) => {
    expect(abilitiesOf(name)).toMatchObject({ contextWindow: 200_000, maxOutputTokens: 64_000 })
  })

  it.each([
    "claude-opus-4-5x20301231",
    "claude-opus-4-5-203012",
    "claude-opus-4-5-19991231",
    "claude-opus-4-5-2030123",
    "claude-opus-4-5-20301231-vx",
    "claude-opus-4-5-20301231-fast",
    "claude-opus-4-5-20xx1231",
    "claude-opus-4-5-2030xx31",
    "claude-opus-4-5-203012xx",
    "claude-opus-4-5-latest",
    "gpt-4-20301231-turbo",
  ])("are not guessed for another name: %s", (name) => {
    expect(abilitiesOf(name)).toBeUndefined()
  })
})

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

describe("a model's bare name", () => {
  it.each([
    ["GPT-4o", "gpt-4o"],
    ["a/b/gpt-4o", "gpt-4o"],
    ["openai/ft:gpt-4o:org::id", "gpt-4o:org::id"],
    ["gpt-ft:4", "gpt-ft:4"],
    ["anthropic.claude-opus-4-5", "claude-opus-4-5"],
    ["eu.anthropic.claude-opus-4-5", "claude-opus-4-5"],
    ["my.eu.anthropic.claude-opus-4-5", "my.eu.anthropic.claude-opus-4-5"],
    ["xanthropic.claude-opus-4-5", "xanthropic.claude-opus-4-5"],
    ["gpt-5.4", "gpt-5.4"],
    ["my-claude-4.5", "my-claude-4.5"],
    ["claude-4-opus", "claude-opus-4"],
    ["claude-4.7-sonnet", "claude-sonnet-4-7"],
    ["claude-4.12-haiku", "claude-haiku-4-12"],
    ["claude-10-opus", "claude-opus-10"],
    ["claude-12.5-opus-20300101", "claude-opus-12-5-20300101"],
    ["claude-3.5-sonnet", "claude-3-5-sonnet"],
    ["claude-3-opus", "claude-3-opus"],
    ["claude-x1-opus", "claude-x1-opus"],
    ["claude-1x-opus", "claude-1x-opus"],
    ["claude-4-123-opus", "claude-4-123-opus"],
    ["claude-my-claude-4-opus", "claude-my-claude-4-opus"],
  ])("%s is %s", (name, bare) => {
    expect(bareModelName(name)).toBe(bare)
  })
})

describe("what a model accepts", () => {
  it("is remembered for 200 names of at most 200 characters, so that names from outside fill no memory", () => {
    let next = 0
    const untilForgotten = (): number => {
      const first = of("first")
      let others = 0
      for (; of("first") === first && others < 1000; others++) of(`remembered-${next++}`)
      return others
    }
    expect(untilForgotten()).toBeLessThanOrEqual(200)
    // The last of the others and the first are remembered again.
    expect(untilForgotten()).toBe(199)
    const isRemembered = (model: string) => of(model) === of(model)
    expect(isRemembered("x".repeat(200))).toBe(true)
    expect(isRemembered("x".repeat(201))).toBe(false)
  })

  it("is what its row says, and everything where none speaks of it", () => {
    expect(isKnownModel("openai/gpt-4o")).toBe(true)
    expect(isKnownModel("our-alias")).toBe(false)
    expect(of("our-alias")).toMatchObject({ sampling: "accepted", returnedFields: undefined, defaultMaxTokens: 8192 })
    expect(of("deepseek-v4").returnedFields).toEqual(["reasoning_content"])
    expect(of("gateway/deepseek-v4").returnedFields).toBeUndefined()
    expect(of("gateway/deepseek-v4").jsonSchema).toBe(false)
  })

  it("is what a deployment says, where it says it, and that of its model elsewhere", () => {
    expect(capabilitiesOf("o3", { stop: true })).toMatchObject({ stop: true, penalties: false })
    expect(of("o3")).toMatchObject({ stop: false })
  })
})
