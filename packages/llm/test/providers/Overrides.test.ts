/** `layerConfig` with overrides: values and Configs stand before the settings, and each call makes a provider of its own. */
import { describe, expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type LlmError, LlmProvider, LlmStack, OpenAi } from "../../src/index.ts"
import { ask, open, patient, serve } from "../contract/Ask.ts"
import { anthropic, type ContractProvider, keyOf, openai, providers } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import type { RecordedRequest } from "../faults/FaultServer.ts"
import { chat } from "../faults/WireText.ts"

const answers = ({ wire }: ContractProvider) => serve((request) => goodAnswer(wire, callOf(request)))

type Settings = Readonly<Record<string, string>>

const within = <A>(layer: Layer.Layer<A, LlmError>, settings: Settings): Layer.Layer<A, LlmError> =>
  Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))

/** What a provider reads, and two variables of the program's own. */
const settingsOf = (provider: ContractProvider, url: string): Settings => ({
  ...provider.settings(url, "sk-settings"),
  PRIMARY_MODEL: "settings-model",
  OTHER_KEY: "sk-other",
  OTHER_MODEL: "other-model",
})

const asked = (request: RecordedRequest) => [keyOf(request), (request.json as { readonly model: string }).model]

class First extends Context.Service<First, LlmProvider["Service"]>()("test/First") {}
class Second extends Context.Service<Second, LlmProvider["Service"]>()("test/Second") {}

const as = <Self>(tag: Context.Service<Self, LlmProvider["Service"]>, layer: Layer.Layer<LlmProvider, LlmError>) =>
  Layer.provide(Layer.effect(tag, LlmProvider), layer)

const both = Effect.gen(function* () {
  yield* ask(yield* First, "generate")
  yield* ask(yield* Second, "stream")
})

describe.each(providers)("layerConfig of $name", patient, (provider) => {
  const { layerConfig } = provider.module

  it.live(
    "takes values, Configs and settings, in this order",
    Effect.fnUntraced(function* () {
      const server = yield* answers(provider)
      const layers = [
        layerConfig(),
        layerConfig({ model: "value-model" }),
        layerConfig({ model: Config.String("OTHER_MODEL"), apiKey: Config.Redacted("OTHER_KEY") }),
        layerConfig({ apiKey: Redacted.make("sk-value"), model: undefined }),
        layerConfig({ apiKey: () => "sk-function", headers: { "x-team": "blue" } }),
      ]
      for (const layer of layers) yield* ask(yield* open(within(layer, settingsOf(provider, server.url))), "generate")
      expect(server.requests.map(asked)).toEqual([
        ["sk-settings", "settings-model"],
        ["sk-settings", "value-model"],
        ["sk-other", "other-model"],
        ["sk-value", "settings-model"],
        ["sk-function", "settings-model"],
      ])
      expect(server.requests.at(-1)?.headers).toMatchObject({ "x-team": "blue" })
    }),
  )

  it.live(
    "makes two providers of two calls in one build",
    Effect.fnUntraced(function* () {
      const server = yield* answers(provider)
      const layer = Layer.merge(
        as(First, layerConfig({ model: "fast", apiKey: "sk-fast" })),
        as(Second, layerConfig({ model: "smart", apiKey: "sk-smart" })),
      )
      yield* both.pipe(Effect.provide(within(layer, settingsOf(provider, server.url))))
      expect(server.requests.map(asked)).toEqual([
        ["sk-fast", "fast"],
        ["sk-smart", "smart"],
      ])
    }),
  )

  it.live(
    "makes two providers under two ConfigProviders, side by side and nested",
    Effect.fnUntraced(function* () {
      const server = yield* answers(provider)
      const settings = settingsOf(provider, server.url)
      const other = { ...settings, PRIMARY_MODEL: "second-model" }
      const first = within(as(First, layerConfig()), settings)
      const second = within(as(Second, layerConfig()), other)
      yield* both.pipe(Effect.provide(Layer.merge(first, second)))
      yield* both.pipe(Effect.provide(first), Effect.provide(second))
      expect(server.requests.map((request) => asked(request)[1])).toEqual([
        "settings-model",
        "second-model",
        "settings-model",
        "second-model",
      ])
    }),
  )

  it.live(
    "reads what a nested ConfigProvider holds",
    Effect.fnUntraced(function* () {
      const server = yield* answers(provider)
      const nested = Object.fromEntries(
        Object.entries(settingsOf(provider, server.url)).map(([name, value]) => [`WRITER_${name}`, value]),
      )
      const found = ConfigProvider.nested(ConfigProvider.fromEnvRecord(nested), "WRITER")
      const llm = yield* open(Layer.provide(layerConfig(), ConfigProvider.layer(found)))
      yield* ask(llm, "generate")
      expect(server.requests.map(asked)).toEqual([["sk-settings", "settings-model"]])
    }),
  )

  it.live(
    "names the option and the variable of a Config that is not set",
    Effect.fnUntraced(function* () {
      const layer = layerConfig({ model: Config.String("NO_SUCH_MODEL") })
      const error = yield* Effect.flip(open(within(layer, settingsOf(provider, "http://127.0.0.1:9"))))
      expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: "model" })
      expect(error.message).toContain("NO_SUCH_MODEL")
    }),
  )

  it.live(
    "shows no key that a Config cannot read",
    Effect.fnUntraced(function* () {
      const layer = layerConfig({ model: Config.Int("OTHER_KEY").pipe(Config.map(String)) })
      const error = yield* Effect.flip(
        open(within(layer, { ...settingsOf(provider, "http://127.0.0.1:9"), OTHER_KEY: "sk-canary-7f3a9c1e5b2d8046" })),
      )
      expect(error.reason._tag).toBe("ConfigurationError")
      expect(error.message).not.toContain("sk-canary-7f3a9c1e5b2d8046")
    }),
  )
})

describe("OpenAi.layer with a name", patient, () => {
  it.live(
    "is a provider of one's own: its name stands in errors, metadata and providerOptions, and has no price of OpenAI's",
    Effect.fnUntraced(function* () {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      const options = { name: "acme", apiKey: "sk-acme", apiBase: server.url, model: "gpt-5-mini" }
      const llm = yield* open(OpenAi.layer(options))
      const request = {
        messages: [{ role: "user" as const, content: "Hi" }],
        providerOptions: { acme: { acme_field: 1 }, openai: { openai_field: 1 } },
      }
      for (const call of ["generate", "stream"] as const) {
        const { response } = yield* ask(llm, call, request)
        expect(response?.metadata).toMatchObject({ provider: "acme", costUsd: null })
        expect(response?.metadata.attempts).toMatchObject([{ provider: "acme" }])
      }
      expect(server.requests[0]?.json).toMatchObject({ acme_field: 1 })
      expect(server.requests[0]?.json).not.toHaveProperty("openai_field")
    }),
  )
})

describe("LlmStack.layerConfig", patient, () => {
  it.live(
    "takes values, Configs and settings, in this order, and makes two stacks of two calls",
    Effect.fnUntraced(function* () {
      const server = yield* serve((request) =>
        goodAnswer(request.path.includes("/messages") ? anthropic.wire : openai.wire, callOf(request)),
      )
      const settings = {
        ...settingsOf(anthropic, server.url),
        ...settingsOf(openai, server.url),
        LLM_PROVIDER: "openai",
        LLM_MAX_TOKENS: "5",
      }
      const layer = Layer.merge(
        as(First, LlmStack.layerConfig({ model: "fast", maxTokens: 7 })),
        as(Second, LlmStack.layerConfig({ provider: "anthropic", model: Config.String("OTHER_MODEL") })),
      )
      yield* both.pipe(Effect.provide(within(layer, settings)))
      yield* ask(yield* open(within(LlmStack.layerConfig(), settings)), "generate")
      expect(server.requests.map(({ json, path }) => [path, json])).toMatchObject([
        ["/v1/chat/completions", { model: "fast", max_tokens: 7 }],
        ["/v1/messages", { model: "other-model", max_tokens: 5 }],
        ["/v1/chat/completions", { model: "settings-model", max_tokens: 5 }],
      ])
    }),
  )

  it.live(
    "reads what a nested ConfigProvider holds",
    Effect.fnUntraced(function* () {
      const server = yield* answers(openai)
      const provider = ConfigProvider.nested(
        ConfigProvider.fromEnvRecord({
          WRITER_LLM_PROVIDER: "openai",
          WRITER_OPENAI_API_KEY: "sk-writer",
          WRITER_OPENAI_API_BASE: server.url,
          WRITER_PRIMARY_MODEL: "writer-model",
          OPENAI_API_KEY: "sk-elsewhere",
          PRIMARY_MODEL: "elsewhere",
        }),
        "WRITER",
      )
      const llm = yield* open(Layer.provide(LlmStack.layerConfig(), ConfigProvider.layer(provider)))
      yield* ask(llm, "generate")
      expect(server.requests.map(asked)).toEqual([["sk-writer", "writer-model"]])
    }),
  )
})
