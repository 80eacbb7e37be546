/** The registry: one row a provider, and everything about a provider in its row. */
import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ProviderRegistry } from "../../src/index.ts"
import * as Secrets from "../../src/settings/Secrets.ts"
import * as Setting from "../../src/settings/Setting.ts"
import { services } from "../../src/providers/services/ServiceTable.ts"
import { providers } from "../contract/Providers.ts"
import { providerCells } from "../../scripts/update-provider-table.ts"

const { find, findByModel, names, rows, variablesOf } = ProviderRegistry

describe("a row", () => {
  it("is found by its name and its aliases, in any case, and no name means two rows", () => {
    for (const row of rows) {
      for (const name of [row.name, ...row.aliases, row.name.toUpperCase()]) expect(find(name)).toBe(row)
    }
    const all = rows.flatMap(({ aliases, name }) => [name, ...aliases])
    expect(new Set(all).size).toBe(all.length)
    expect(find("nobody")).toBeUndefined()
    expect(names.every(ProviderRegistry.isProviderName)).toBe(true)
  })

  it("has variables that no other row reads", () => {
    const all = rows.flatMap(variablesOf)
    expect(new Set(all).size).toBe(all.length)
    const neighbours = new Set(rows.flatMap(({ variables }) => Object.values(variables.neighbours ?? {})))
    for (const variable of all.filter((name) => !neighbours.has(name))) {
      expect(variable).toMatch(/^[A-Z][A-Z_]*_(API_(KEY|BASE|VERSION)|WIRE_API)$/)
    }
  })

  it("has families in lower case, without a slash, none the beginning of another row's", () => {
    const families = rows.flatMap((row) => row.families.map((family) => [family, row] as const))
    for (const [family, row] of families) {
      expect(family).toBe(family.toLowerCase())
      // What stands before a slash is the name of a row: a family with one never matches.
      expect(family).not.toContain("/")
      expect(families.filter(([other, its]) => its !== row && family.startsWith(other))).toEqual([])
    }
  })

  it.each(rows.filter(({ keyHeader }) => keyHeader !== undefined))(
    "of $name has its key in a header in lower case, which can be sent and which errors do not show",
    ({ keyHeader = "" }) => {
      expect(keyHeader).toBe(keyHeader.toLowerCase())
      expect([Setting.isHeaderName(keyHeader), Secrets.isPublicHeader(keyHeader)]).toEqual([true, false])
    },
  )

  it.each(rows.filter(({ apiBase }) => apiBase !== undefined))(
    "of $name reaches its own address with a key, without waiting for anything",
    (row) => {
      const endpoint = Effect.runSync(row.endpoint({ apiKey: "sk-test-0123456789", model: "m" }))
      const url = endpoint.url("m")
      expect(typeof url === "string" && url.startsWith(row.apiBase ?? "none")).toBe(true)
      expect(endpoint).toMatchObject({ provider: row.name, telemetryName: row.telemetryName, model: "m" })
      expect(JSON.stringify(Effect.runSync(endpoint.headers))).toContain("sk-test-0123456789")
    },
  )

  it.each(rows.filter(({ isKeyOptional, isRouter }) => isKeyOptional && !isRouter))(
    "of $name, a server of one's own, needs no key",
    (row) => {
      const endpoint = Effect.runSync(row.endpoint({ model: "m" }))
      expect(Effect.runSync(endpoint.headers)).toEqual({})
    },
  )

  it.each(rows.filter(({ isKeyOptional }) => !isKeyOptional))("of $name names its key where there is none", (row) => {
    const apiBase = row.apiBase ?? "https://my-resource.openai.azure.com"
    const error = Effect.runSync(Effect.flip(row.endpoint({ model: "m", apiBase })))
    expect(error.message).toContain(`${row.variables.apiKey}: is not set; write for example ${row.variables.apiKey}=`)
  })
})

describe("a provider that has a file", () => {
  const files = names.filter((name) => !Object.hasOwn(services, name))

  it.each(files)("%s has a row in test/contract/Providers.ts, which holds it to the laws", (name) => {
    expect(providers.map(({ provider }) => provider)).toContain(name)
  })
})

describe("a bare model name", () => {
  it.each([
    ["gpt-5-mini", "openai"],
    ["o3", "openai"],
    ["Claude-Sonnet-5", "anthropic"],
    ["gemini-3-flash-preview", "gemini"],
    ["kimi-k2.6", "moonshot"],
    ["moonshot-v1-8k", "moonshot"],
    ["glm-5", "zai"],
    ["qwen3.7-plus", "qwen"],
    ["command-a-03-2025", "cohere"],
    ["deepseek-chat", "deepseek"],
    ["grok-4", "xai"],
    ["mistral-large-latest", "mistral"],
    ["sonar-pro", "perplexity"],
    ["my-own-model", undefined],
    ["ollama", undefined],
  ])("%s means %s", (model, provider) => expect(findByModel(model)?.name).toBe(provider))
})

describe("nothing about a provider is written elsewhere", () => {
  const root = new URL("../../../", import.meta.url)
  const sources = ["llm/src", "cli/src"].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `${folder}/${name}`),
  )

  it("no room compares a provider's name", () => {
    const quoted = `"(${names.join("|")})"`
    const comparison = new RegExp(`(provider|name|row|target)\\w*(\\.\\w+)? [!=]==? ${quoted}|${quoted} [!=]==? `)
    const offending = sources.filter((source) => comparison.test(readFileSync(new URL(source, root), "utf8")))
    expect(offending).toEqual([])
  })
})

describe("docs/providers.md", () => {
  it("has the registry's table; `npm run providers -w @wiseflow/llm` writes it", () => {
    const page = readFileSync(new URL("../../../../docs/providers.md", import.meta.url), "utf8")
    const lines = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    const cells = lines.map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    )
    expect(cells.slice(1)).toEqual(providerCells)
  })
})
