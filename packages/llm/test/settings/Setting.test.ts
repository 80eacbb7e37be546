/** One setting: its names, its reader, and the words of its errors. */
import { describe, expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AzureOpenAi, type LlmProvider, OpenAi, Anthropic, type LlmError } from "../../src/index.ts"
import * as LlmConfig from "../../src/compose/LlmConfig.ts"
import * as Setting from "../../src/settings/Setting.ts"
import { ask, open, serve } from "../contract/Ask.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { chat, messages } from "../faults/WireText.ts"

const given =
  (settings: Readonly<Record<string, string>>) =>
  <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.provideService(effect, ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(settings))

describe("a duration", () => {
  it.effect.each([
    { written: "120 seconds", ms: 120_000 },
    { written: "120s", ms: 120_000 },
    { written: "1.5 min", ms: 90_000 },
    { written: "250 millis", ms: 250 },
    { written: "250ms", ms: 250 },
    { written: "1 Hour", ms: 3_600_000 },
    { written: "2 days", ms: 172_800_000 },
    { written: "Infinity", ms: Infinity },
  ])(
    "of $written is $ms ms",
    Effect.fnUntraced(function* ({ ms, written }) {
      const found = yield* given({ LLM_TIMEOUT: written })(Setting.duration("LLM_TIMEOUT", "10 minutes"))
      expect(found === undefined ? undefined : Duration.toMillis(found)).toBe(ms)
    }),
  )

  it.effect.each([{ written: "120" }, { written: "0.5" }])(
    "of $written without a unit is an error that shows both units",
    Effect.fnUntraced(function* ({ written }) {
      const setting = Setting.duration("LLM_TIMEOUT", "10 minutes")
      const { message, reason } = yield* Effect.flip(given({ LLM_TIMEOUT: written })(setting))
      expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: "LLM_TIMEOUT" })
      expect(message).toContain(`"${written} seconds"`)
      expect(message).toContain(`"${written} millis"`)
    }),
  )
})

describe("a number", () => {
  it.effect.each([
    { written: "0x10" },
    { written: "1e999" },
    { written: "1_000" },
    { written: "12e4567" },
    { written: "9007199254740993" },
  ])(
    "is not $written",
    Effect.fnUntraced(function* ({ written }) {
      const setting = Setting.positiveInteger("LLM_MAX_TOKENS", "1000")
      const { message } = yield* Effect.flip(given({ LLM_MAX_TOKENS: written })(setting))
      expect(message).toContain("LLM_MAX_TOKENS=1000")
    }),
  )

  it.effect(
    "is 1e3",
    Effect.fnUntraced(function* () {
      expect(yield* given({ LLM_MAX_TOKENS: "1e3" })(Setting.positiveInteger("LLM_MAX_TOKENS", "1"))).toBe(1000)
    }),
  )
})

describe("a value that may be a key", () => {
  const keys = [
    { key: "sk-canary-7f3a9c1e5b2d8046" },
    { key: "0123456789abcdef0123456789abcdef" },
    { key: "abc123def456" },
  ]
  it.effect.each(keys)(
    "$key is shown by no error",
    Effect.fnUntraced(function* ({ key }) {
      const settings: ReadonlyArray<Effect.Effect<unknown, LlmError>> = [
        Setting.oneOf("X", ["a", "b"]),
        Setting.duration("X", "1 minute"),
        Setting.count("X", "1"),
        Setting.finite("X", "1"),
        Setting.wireApi("X"),
      ]
      for (const setting of settings) {
        const error = yield* Effect.flip(given({ X: key })(setting))
        expect(JSON.stringify(error)).not.toContain(key)
        expect(error.message).toContain("X: ")
      }
    }),
  )
})

describe("names", () => {
  const names = ["OURS", "THEIRS"] as const
  it.effect(
    "are tried in order: the first that is set counts",
    Effect.fnUntraced(function* () {
      expect(yield* given({ OURS: "a", THEIRS: "b" })(Setting.text(names))).toBe("a")
      expect(yield* given({ OURS: " ", THEIRS: "b" })(Setting.text(names))).toBe("b")
      expect(yield* given({})(Setting.text(names))).toBeUndefined()
    }),
  )

  it.effect(
    "are told by the error of the one that was read",
    Effect.fnUntraced(function* () {
      const { reason } = yield* Effect.flip(given({ THEIRS: "a b" })(Setting.secret(names)))
      expect(reason).toMatchObject({ setting: "THEIRS" })
    }),
  )
})

describe("Effect's Config", () => {
  it.effect(
    "takes a setting as one of its own: nested, and with the error's words",
    Effect.fnUntraced(function* () {
      const setting = Setting.make(
        "LLM_MAX_RETRIES",
        Setting.numberReader((value) => value < 5, "below 5", "3"),
      )
      const nested = Config.all({ retries: setting.pipe(Config.nested("TEAM")), own: setting })
      const provider = ConfigProvider.fromEnvRecord({ TEAM_LLM_MAX_RETRIES: "4", LLM_MAX_RETRIES: "2" })
      expect(yield* nested.parse(provider)).toEqual({ retries: 4, own: 2 })
      const { message } = yield* Effect.flip(given({ TEAM_LLM_MAX_RETRIES: "9" })(Setting.read(nested)))
      expect(message).toBe('LLM_MAX_RETRIES: "9" is not below 5; write for example LLM_MAX_RETRIES=3')
    }),
  )

  it.effect(
    "nests a whole provider of settings",
    Effect.fnUntraced(function* () {
      const environment = ConfigProvider.fromEnvRecord({ TEAM_PRIMARY_MODEL: "m" })
      const provider = environment.pipe(ConfigProvider.nested("TEAM"))
      const model = Effect.provideService(Setting.text("PRIMARY_MODEL"), ConfigProvider.ConfigProvider, provider)
      expect(yield* model).toBe("m")
    }),
  )
})

describe("the whole configuration", () => {
  it.effect(
    "reads the clocks of attempt and queue, the interface, and the model of embeddings",
    Effect.fnUntraced(function* () {
      const config = yield* given({
        LLM_PROVIDER: "openai",
        LLM_ATTEMPT_TIMEOUT: "30 seconds",
        LLM_QUEUE_TIMEOUT: "1 minute",
        EMBEDDING_MODEL: "text-embedding-3-small",
      })(LlmConfig.read)
      expect(config).toMatchObject({
        attemptTimeout: Duration.seconds(30),
        queueTimeout: Duration.minutes(1),
        embeddingModel: "text-embedding-3-small",
      })
      const unset = yield* given({})(LlmConfig.read)
      expect(unset.attemptTimeout).toBeUndefined()
      expect(unset.queueTimeout).toBeUndefined()
    }),
  )
})

describe("the variables of a neighbour", () => {
  const from = (layer: Layer.Layer<LlmProvider, LlmError>, settings: Readonly<Record<string, string>>) =>
    Layer.provide(layer, ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...settings, PRIMARY_MODEL: "m" })))

  it.live(
    "are read where ours are not set",
    Effect.fnUntraced(function* () {
      const server = yield* serve((request) =>
        goodAnswer(request.path.includes("messages") ? messages : chat, callOf(request)),
      )
      const { url } = server
      const azure = { AZURE_OPENAI_API_KEY: "c", AZURE_OPENAI_ENDPOINT: url, OPENAI_API_VERSION: "2024-10-21" }
      const layers = [
        from(OpenAi.layerConfig(), { OPENAI_API_KEY: "a", OPENAI_BASE_URL: `${url}/v1` }),
        from(Anthropic.layerConfig(), { ANTHROPIC_API_KEY: "b", ANTHROPIC_BASE_URL: url }),
        from(AzureOpenAi.layerConfig(), azure),
        from(AzureOpenAi.layerConfig(), { ...azure, AZURE_API_KEY: "d", AZURE_API_VERSION: "v1" }),
      ]
      for (const layer of layers) yield* ask(yield* open(layer), "generate")
      expect(server.requests.map(({ headers, path }) => [path, headers["api-key"]])).toEqual([
        ["/v1/chat/completions", undefined],
        ["/v1/messages", undefined],
        ["/openai/deployments/m/chat/completions?api-version=2024-10-21", "c"],
        ["/openai/v1/chat/completions", "d"],
      ])
    }),
  )
})
