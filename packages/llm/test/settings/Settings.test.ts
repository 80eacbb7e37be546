/** What is missing or malformed: a `ConfigurationError` that names the variable, before anything is sent. */
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { AzureOpenAi, type LlmError, type LlmProvider, OpenAi, ProviderRegistry } from "../../src/index.ts"
import { ask, open, serve } from "../contract/Ask.ts"
import { anthropic, providers } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { chat, fullText } from "../faults/WireText.ts"

type ProviderLayer = Layer.Layer<LlmProvider, LlmError>

/** One of each provider, however many forms of it there are. */
const each = ProviderRegistry.names.flatMap((name) => providers.filter(({ provider }) => provider === name).slice(0, 1))
const keyed = each.filter(({ row }) => !row.isKeyOptional)

const badKeys: ReadonlyArray<readonly [string, string | undefined]> = [
  ["is missing", undefined],
  ["is empty", ""],
  ["is blank", "  "],
  ["has a line end inside", "sk-1\nsk-2"],
  ["has a space inside", "sk-secret 2"],
  ["has a letter that no header can carry", "sk-sécret"],
]
const badBases: ReadonlyArray<readonly [string, string]> = [
  ["is empty", ""],
  ["has no scheme", "api.example.invalid/v1"],
  ["has another scheme", "ftp://example.invalid"],
  ["is no address", "http://"],
  ["has a port that is none", "https://example.invalid:99999"],
]

const names = Effect.fnUntraced(function* (layer: ProviderLayer, setting: string) {
  const error = yield* Effect.flip(open(layer))
  expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting })
  expect(error.message).toContain(setting)
  expect(error.isRetryable).toBe(false)
  expect(error.attempts).toEqual([])
  return error
})

describe("options", () => {
  it.live.each(
    badKeys.flatMap(([what, key]) =>
      // A provider that needs no key takes none for none.
      (key === undefined ? keyed : each).map((provider) => ({ provider, key, what, on: provider.name })),
    ),
  )(
    "the variable of the key is named where it $what ($on)",
    Effect.fnUntraced(function* ({ key, provider }) {
      const layer = provider.layerOf("https://example.invalid", { apiKey: key })
      const { message } = yield* names(layer, provider.row.example.keyVariable)
      for (const piece of (key ?? "").split(/\s/)) if (piece.length > 3) expect(message).not.toContain(piece)
    }),
  )

  it.live.each(
    badBases.flatMap(([what, apiBase]) => each.map((provider) => ({ provider, apiBase, what, on: provider.name }))),
  )(
    "the variable of the base is named where it $what ($on)",
    Effect.fnUntraced(function* ({ apiBase, provider }) {
      const { message } = yield* names(provider.layerOf("", { apiBase }), provider.row.example.baseVariable)
      expect(message).toContain("write for example")
    }),
  )

  it.live(
    "AZURE_API_BASE is named where there is none",
    Effect.fnUntraced(function* () {
      expect((yield* names(AzureOpenAi.layer({ apiKey: "key" }), "AZURE_API_BASE")).message).toContain(
        "AZURE_API_BASE=https://",
      )
    }),
  )

  it.live(
    "white space around a key is not part of it",
    Effect.fnUntraced(function* () {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      yield* ask(
        yield* open(OpenAi.layer({ apiKey: Redacted.make(" sk-1\n"), apiBase: server.url, model: "m" })),
        "generate",
      )
      expect(server.requests[0]?.headers["authorization"]).toBe("Bearer sk-1")
    }),
  )

  it.live.each([{ call: "generate" }, { call: "stream" }] as const)(
    "PRIMARY_MODEL is named where no model is, and nothing is sent ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      const { error } = yield* ask(yield* open(OpenAi.layer({ apiKey: "key", apiBase: server.url })), call)
      expect(error?.reason).toMatchObject({ _tag: "ConfigurationError", setting: "PRIMARY_MODEL" })
      expect(server.connections).toEqual([])
    }),
  )
})

type Settings = Readonly<Record<string, string>>

const from = (layer: ProviderLayer, settings: Settings): ProviderLayer =>
  Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))

/** The settings of a provider, without those of these names and with others. */
const without = (settings: Settings, ...names: ReadonlyArray<string>): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name)))

describe("variables", () => {
  it.live.each(keyed.map((provider) => ({ provider, on: provider.name })))(
    "the one of the key is named where it is not set, malformed, or another provider's ($on)",
    Effect.fnUntraced(function* ({ provider: { module, row, settings } }) {
      const { apiKey } = row.variables
      const rest = without(settings("https://example.invalid", "key"), apiKey)
      const other = { ...rest, LLM_PROVIDER: row.name === "openai" ? "anthropic" : "openai", LLM_API_KEY: "key" }
      for (const set of [rest, { ...rest, [apiKey]: "a b" }, other])
        yield* names(from(module.layerConfig(), set), apiKey)
    }),
  )

  it.live.each(each.map((provider) => ({ provider, on: provider.name })))(
    "the one of the base is named where it is malformed, or not set and no address is known ($on)",
    Effect.fnUntraced(function* ({ provider: { module, row, settings } }) {
      const { apiBase } = row.variables
      const rest = without(settings("https://example.invalid", "key"), apiBase)
      yield* names(from(module.layerConfig(), { ...rest, [apiBase]: "x" }), row.example.baseVariable)
      // A router without an address asks the other providers in this process.
      if (row.apiBase === undefined && !row.isRouter) yield* names(from(module.layerConfig(), rest), apiBase)
    }),
  )

  it.live.each(providers.map((provider) => ({ provider, on: provider.name })))(
    "reach the provider: key, base, version and model, the general ones too ($on)",
    Effect.fnUntraced(function* ({ provider: { headerOf, model, module, path, row, settings, wire } }) {
      const server = yield* serve((request) => goodAnswer(wire, callOf(request)))
      const own = settings(server.url, "own-key")
      const { apiBase, apiKey } = row.variables
      const general = { LLM_API_KEY: "general-key", LLM_API_BASE: own[apiBase] ?? "none" }
      for (const set of [own, { ...general, ...own }, { ...without(own, apiKey, apiBase), ...general }]) {
        expect((yield* ask(yield* open(from(module.layerConfig(), set)), "generate")).text).toBe(fullText)
      }
      const request = (key: string) => ({ path, headers: headerOf(key), json: { model } })
      expect(server.requests).toMatchObject([request("own-key"), request("own-key"), request("general-key")])
    }),
  )

  it.live(
    "name the version that Anthropic is asked in",
    Effect.fnUntraced(function* () {
      const { module, settings, wire } = anthropic
      const server = yield* serve((request) => goodAnswer(wire, callOf(request)))
      const set = { ...settings(server.url, "key"), ANTHROPIC_API_VERSION: "2026-10-21" }
      yield* ask(yield* open(from(module.layerConfig(), set)), "generate")
      expect(server.requests).toMatchObject([{ headers: { "anthropic-version": "2026-10-21" } }])
    }),
  )
})
