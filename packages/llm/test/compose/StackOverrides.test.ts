/** Every override of `layerConfig`: a right value has its effect, and a wrong one is refused by its name. */
import { describe, expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LlmConfig } from "../../src/compose/LlmConfig.ts"
import { fromSettings } from "../../src/compose/StackSettings.ts"
import { EmbeddingStack, type LlmError, LlmStack, ModelStack } from "../../src/index.ts"

type Overrides = NonNullable<Parameters<typeof LlmStack.layerConfig>[0]>

const settings = {
  LLM_PROVIDER: "openai",
  PRIMARY_MODEL: "m",
  OPENAI_API_KEY: "sk-openai-0123456789",
  ANTHROPIC_API_KEY: "sk-ant-0123456789",
}

const provided = <A, E>(layer: Layer.Layer<A, E>) =>
  Layer.provide(layer, Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(settings)))

/** What a stack is built of. */
const builtOf = (overrides: Overrides) =>
  Effect.gen(function* () {
    let built: LlmConfig | undefined
    const layer = fromSettings(overrides, (config) => {
      built = config
      return Layer.empty
    })
    yield* Effect.scoped(Layer.build(provided(layer)))
    return built
  })

/** An override without a row here does not compile: a right value, where it is found in what is built, and wrong values. */
const rows: {
  readonly [Name in keyof Required<Overrides>]: {
    readonly right: unknown
    readonly found: (config: LlmConfig) => unknown
    readonly expected?: unknown
    readonly wrong: ReadonlyArray<unknown>
  }
} = {
  provider: {
    right: "anthropic",
    found: ({ targets }) => targets[0].provider,
    wrong: [5, {}, null, Symbol("openai")],
  },
  model: { right: "other", found: ({ targets }) => targets[0].model, wrong: [5, true, ["m"]] },
  secondaryModel: { right: "second", found: ({ targets }) => targets[1]?.model, wrong: [5, {}, null] },
  embeddingModel: { right: "text-embedding-3-small", found: (config) => config.embeddingModel, wrong: [5, {}, []] },
  fallbackText: { right: "Sorry.", found: (config) => config.fallbackText, wrong: [5, {}, Symbol("sorry")] },
  concurrency: { right: 7, found: (config) => config.concurrency, wrong: [0, -1, Number.NaN, "7", {}, null] },
  maxRetries: { right: 0, found: (config) => config.maxRetries, wrong: [-1, 1.5, Number.NaN, "2", true] },
  maxTokens: { right: 77, found: (config) => config.maxTokens, wrong: [0, -5, 1.5, "77", Number.POSITIVE_INFINITY] },
  temperature: { right: 0, found: (config) => config.temperature, wrong: ["0.7", Number.NaN, {}, null] },
  timeout: { right: "7 seconds", found: (config) => config.timeout, wrong: [0, -1, "a while", {}, true, Number.NaN] },
  idleTimeout: {
    right: Duration.seconds(8),
    found: ({ firstOutputTimeout, idleTimeout }) => [idleTimeout, firstOutputTimeout],
    expected: [Duration.seconds(8), Duration.seconds(8)],
    wrong: [0, -1, "a while", [], Symbol("soon")],
  },
  cache: { right: { ttl: "1 hour" }, found: (config) => config.cache, wrong: [true, "memory", 5, []] },
  adaptiveConcurrency: {
    right: { max: 7 },
    found: (config) => config.adaptiveConcurrency,
    wrong: [5, "yes", [], null, { maximum: 5 }, { min: 0 }],
  },
  hedge: { right: true, found: (config) => config.hedge, wrong: [5, "p95", [], { before: "p95" }, { samples: 0 }] },
  rateLimit: { right: { rpm: 7 }, found: (config) => config.rateLimit, wrong: [60, "60", [], { rps: 1 }, { rpm: 0 }] },
  prices: {
    right: { m: { input: 1, output: 2 } },
    found: ({ targets }) => targets[0].prices,
    wrong: [5, "cheap", [], { m: 5 }],
  },
}

const names = Object.keys(rows) as ReadonlyArray<keyof typeof rows>

describe("an override", () => {
  it.effect.each(names)("%s stands before the settings, as a value and as a Config", (name) =>
    Effect.gen(function* () {
      const { expected = rows[name].right, found, right } = rows[name]
      const without = yield* builtOf({})
      const value = yield* builtOf({ [name]: right } as Overrides)
      const config = yield* builtOf({ [name]: Config.succeed(right) } as Overrides)
      if (without === undefined || value === undefined || config === undefined) throw new Error("nothing was built")
      expect(found(without)).not.toEqual(expected)
      expect(found(value)).toEqual(expected)
      expect(found(config)).toEqual(expected)
    }),
  )

  it.effect.each(names.flatMap((name) => rows[name].wrong.map((wrong) => [name, wrong] as const)))(
    "%s is refused by its name where it is %s",
    ([name, wrong]) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          Effect.scoped(Layer.build(provided(LlmStack.layerConfig({ [name]: wrong } as Overrides)))),
        )
        expect(error.reason._tag).toBe("ConfigurationError")
        expect(error.message.toLowerCase()).toContain(name.toLowerCase())
      }),
  )

  it.effect("of a name that there is not is refused by every stack, with the nearest one", () =>
    Effect.gen(function* () {
      const overrides = { temprature: 5 } as Overrides
      const building = [
        Effect.asVoid(Layer.build(provided(LlmStack.layerConfig(overrides)))),
        Effect.asVoid(Layer.build(provided(EmbeddingStack.layerConfig(overrides)))),
        Effect.asVoid(Layer.build(provided(ModelStack.layerConfig(overrides)))),
      ]
      for (const built of building) {
        const { message, reason } = yield* Effect.flip(Effect.scoped(built))
        expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: "overrides" })
        expect(message).toBe('overrides: there is no option temprature; did you mean "temperature"?')
      }
    }),
  )
})

describe("a configuration that a program wrote itself", () => {
  const built = {
    answers: (config: LlmConfig) => Effect.scoped(Layer.build(LlmStack.layer(config))),
    embeddings: (config: LlmConfig) => Effect.scoped(Layer.build(EmbeddingStack.layer(config))),
    models: (config: LlmConfig) => Effect.scoped(Layer.build(ModelStack.layer(config))),
  }

  it.effect.each(["answers", "embeddings", "models"] as const)(
    "with no permit for %s is refused, and not waited for",
    (service) =>
      Effect.gen(function* () {
        const config = yield* builtOf({ embeddingModel: "text-embedding-3-small" })
        for (const concurrency of [0, -1, Number.NaN]) {
          const wrong = { ...(config ?? expect.fail("nothing was built")), concurrency }
          const error = yield* Effect.flip(Effect.asVoid<unknown, LlmError, never>(built[service](wrong)))
          expect(error.reason).toMatchObject({ _tag: "ConfigurationError" })
          expect(error.message).toMatch(/must be 1 or more/)
        }
      }),
  )
})
