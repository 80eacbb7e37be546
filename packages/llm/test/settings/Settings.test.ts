/** What is missing or malformed: a `ConfigurationError` that names the variable, before anything is sent. */
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Anthropic, AzureOpenAi, LiteLlm, type LlmError, type LlmProvider, OpenAi } from "../../src/index.ts"
import { ask, open, serve } from "../contract/Ask.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { chat, fullText, messages } from "../faults/WireText.ts"

type ProviderLayer = Layer.Layer<LlmProvider, LlmError>

const base = "https://example.invalid"
const withKey = (apiKey: string | undefined): Readonly<Record<string, ProviderLayer>> => ({
  OPENAI_API_KEY: OpenAi.layer({ apiKey }),
  ANTHROPIC_API_KEY: Anthropic.layer({ apiKey }),
  AZURE_API_KEY: AzureOpenAi.layer({ apiKey, apiBase: base }),
})
const withBase = (apiBase: string): Readonly<Record<string, ProviderLayer>> => ({
  OPENAI_API_BASE: OpenAi.layer({ apiKey: "key", apiBase }),
  ANTHROPIC_API_BASE: Anthropic.layer({ apiKey: "key", apiBase }),
  AZURE_API_BASE: AzureOpenAi.layer({ apiKey: "key", apiBase }),
  LLM_API_BASE: LiteLlm.layer({ apiKey: "key", apiBase }),
})
const rows = (layers: Readonly<Record<string, ProviderLayer>>, what: string) =>
  Object.entries(layers).map(([setting, layer]) => ({ setting, layer, what }))

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
  it.live.each(badKeys.flatMap(([what, key]) => rows(withKey(key), what).map((row) => ({ ...row, key }))))(
    "$setting is named where the key $what",
    Effect.fnUntraced(function* ({ key, layer, setting }) {
      const { message } = yield* names(layer, setting)
      for (const piece of (key ?? "").split(/\s/)) if (piece.length > 3) expect(message).not.toContain(piece)
    }),
  )

  it.live.each(badBases.flatMap(([what, apiBase]) => rows(withBase(apiBase), what)))(
    "$setting is named where the base $what",
    Effect.fnUntraced(function* ({ layer, setting }) {
      expect((yield* names(layer, setting)).message).toContain("write for example")
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

const from = (layer: ProviderLayer, settings: Readonly<Record<string, string>>): ProviderLayer =>
  Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))

describe("variables", () => {
  it.live.each([
    { layer: OpenAi.layerConfig(), settings: {}, setting: "OPENAI_API_KEY" },
    { layer: OpenAi.layerConfig(), settings: { OPENAI_API_KEY: "a b" }, setting: "OPENAI_API_KEY" },
    {
      layer: OpenAi.layerConfig(),
      settings: { OPENAI_API_KEY: "key", OPENAI_API_BASE: "x" },
      setting: "OPENAI_API_BASE",
    },
    {
      layer: OpenAi.layerConfig(),
      settings: { LLM_PROVIDER: "anthropic", LLM_API_KEY: "key" },
      setting: "OPENAI_API_KEY",
    },
    { layer: Anthropic.layerConfig(), settings: {}, setting: "ANTHROPIC_API_KEY" },
    {
      layer: Anthropic.layerConfig(),
      settings: { ANTHROPIC_API_KEY: "key", ANTHROPIC_API_BASE: "x" },
      setting: "ANTHROPIC_API_BASE",
    },
    { layer: AzureOpenAi.layerConfig(), settings: { AZURE_API_KEY: "key" }, setting: "AZURE_API_BASE" },
    { layer: AzureOpenAi.layerConfig(), settings: { AZURE_API_BASE: base }, setting: "AZURE_API_KEY" },
  ])(
    "$setting is named where $settings is all there is",
    Effect.fnUntraced(function* ({ layer, setting, settings }) {
      yield* names(from(layer, settings), setting)
    }),
  )

  it.live(
    "reach the provider: key, base, version and model",
    Effect.fnUntraced(function* () {
      const server = yield* serve((request) =>
        goodAnswer(request.path === "/v1/messages" ? messages : chat, callOf(request)),
      )
      const { url } = server
      const layers = [
        from(OpenAi.layerConfig(), { OPENAI_API_KEY: "a", OPENAI_API_BASE: `${url}/v1`, PRIMARY_MODEL: "m" }),
        from(Anthropic.layerConfig(), {
          ANTHROPIC_API_KEY: "b",
          ANTHROPIC_API_BASE: url,
          ANTHROPIC_API_VERSION: "2026-10-21",
          PRIMARY_MODEL: "m",
        }),
        from(AzureOpenAi.layerConfig(), {
          AZURE_API_KEY: "c",
          AZURE_API_BASE: url,
          AZURE_API_VERSION: "v1",
          PRIMARY_MODEL: "m",
        }),
        from(LiteLlm.layerConfig(), { LLM_API_KEY: "d", LLM_API_BASE: url, PRIMARY_MODEL: "m" }),
        from(OpenAi.layerConfig(), { LLM_API_KEY: "e", LLM_API_BASE: `${url}/v1`, PRIMARY_MODEL: "m" }),
      ]
      for (const layer of layers) expect((yield* ask(yield* open(layer), "generate")).text).toBe(fullText)
      expect(server.requests).toMatchObject([
        { path: "/v1/chat/completions", headers: { authorization: "Bearer a" } },
        { path: "/v1/messages", headers: { "x-api-key": "b", "anthropic-version": "2026-10-21" } },
        { path: "/openai/v1/chat/completions", headers: { "api-key": "c" } },
        { path: "/chat/completions", headers: { authorization: "Bearer d" } },
        { path: "/v1/chat/completions", headers: { authorization: "Bearer e" } },
      ])
      expect(server.requests.map(({ json }) => (json as { model: string }).model)).toEqual(["m", "m", "m", "m", "m"])
    }),
  )
})
