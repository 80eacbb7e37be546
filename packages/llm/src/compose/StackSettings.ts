/** A stack from settings: the environment, `.env` and `LLM_CONFIG_FILE`, with overrides in front of them. It builds nothing. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LlmError } from "../model/LlmError.ts"
import type { OwnPrices } from "../prices/OwnPrices.ts"
import { type Overrides, resolve } from "../providers/Overrides.ts"
import { withFiles } from "../settings/SettingsFile.ts"
import * as LlmConfig from "./LlmConfig.ts"
import { settingNames } from "./SettingNames.ts"
import { giveToEvery } from "./Target.ts"

/** What `layerConfig` may be told beside the settings: the settings of the same meaning are then not asked. */
export interface StackOverrides extends Partial<
  Pick<
    LlmConfig.LlmConfig,
    | "cache"
    | "adaptiveConcurrency"
    | "concurrency"
    | "embeddingModel"
    | "fallbackText"
    | "hedge"
    | "idleTimeout"
    | "maxRetries"
    | "maxTokens"
    | "rateLimit"
    | "temperature"
    | "timeout"
  >
> {
  /** A name or an alias of the registry, or `fallback`. */
  readonly provider?: string | undefined
  /** The model of requests that name none. */
  readonly model?: string | undefined
  /** The model to ask where the first cannot answer. */
  readonly secondaryModel?: string | undefined
  /** Prices of your own, in place of the built-in table: rates by the names of models, or a function. */
  readonly prices?: OwnPrices | undefined
}

/** The Layer that `build` makes of the settings in force; what it reads while it is built are the same settings. */
export const fromSettings = <A>(
  overrides: Overrides<StackOverrides>,
  build: (config: LlmConfig.LlmConfig) => Layer.Layer<A, LlmError>,
): Layer.Layer<A, LlmError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const base = yield* ConfigProvider.ConfigProvider
      // A program that brings its own settings does not want those of a file that happens to lie in its folder.
      const isEnvironment = base === Context.get(Context.empty(), ConfigProvider.ConfigProvider)
      const files = yield* withFiles(base, { dotEnv: isEnvironment, names: settingNames })
      const own = yield* Effect.provideService(resolve(overrides), ConfigProvider.ConfigProvider, files)
      const settings = ConfigProvider.orElse(asSettings(own), files)
      const given = Layer.merge(Layer.succeed(ConfigProvider.ConfigProvider, settings), giveToEvery(own))
      const config = yield* Effect.provide(LlmConfig.read, given)
      return Layer.provide(build(withOverrides(config, own)), given)
    }),
  )

/** Which provider and which model: other settings depend on them, so that they are read as settings. */
const asSettings = ({ model, provider, secondaryModel }: StackOverrides): ConfigProvider.ConfigProvider =>
  ConfigProvider.fromEnvRecord({ LLM_PROVIDER: provider, PRIMARY_MODEL: model, SECONDARY_MODEL: secondaryModel })

const withOverrides = (config: LlmConfig.LlmConfig, own: StackOverrides): LlmConfig.LlmConfig => ({
  ...config,
  concurrency: own.concurrency ?? config.concurrency,
  maxRetries: own.maxRetries ?? config.maxRetries,
  timeout: own.timeout ?? config.timeout,
  idleTimeout: own.idleTimeout ?? config.idleTimeout,
  firstOutputTimeout: own.idleTimeout ?? config.firstOutputTimeout,
  temperature: own.temperature ?? config.temperature,
  maxTokens: own.maxTokens ?? config.maxTokens,
  fallbackText: own.fallbackText ?? config.fallbackText,
  embeddingModel: own.embeddingModel ?? config.embeddingModel,
  cache: own.cache ?? config.cache,
  adaptiveConcurrency: own.adaptiveConcurrency ?? config.adaptiveConcurrency,
  hedge: own.hedge ?? config.hedge,
  rateLimit: own.rateLimit ?? config.rateLimit,
})
