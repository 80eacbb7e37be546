/**
 * The default stack, from the outside in: call span, defaults, fallback text, deadline, fallback; then for each target
 * breaker, retry with its budget, permit, attempt clocks, provider; where one target routes to many providers, for each of
 * those. So a call has one deadline over everything, which begins with its first permit and which its targets share; a
 * target is retried before the next is tried; the breaker judges what is left after retries; a call that backs off holds no
 * permit; and a fallback text, which needs no time, answers even when the deadline has passed.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import { withCircuitBreaker } from "../policies/CircuitBreaker.ts"
import { withConcurrency } from "../policies/Concurrency.ts"
import { withDefaults } from "../policies/Defaults.ts"
import { withFallback } from "../policies/Fallback.ts"
import * as Permits from "../policies/mechanisms/Permits.ts"
import type { ServicePolicy } from "../policies/Policy.ts"
import { withRetry } from "../policies/Retry.ts"
import { withTelemetry } from "../policies/Telemetry.ts"
import { withTimeout } from "../policies/Timeout.ts"
import type { OwnPrices } from "../prices/OwnPrices.ts"
import { type Overrides, resolve } from "../providers/Overrides.ts"
import { withFiles } from "../settings/SettingsFile.ts"
import type { HttpClient } from "../transport/ProviderLayer.ts"
import * as FallbackText from "./FallbackText.ts"
import * as LiteLlm from "./LiteLlm.ts"
import * as LlmConfig from "./LlmConfig.ts"
import { settingNames } from "./SettingNames.ts"
import { giveToEvery, isRouter, layerHttpClientOf, layerOf, type Target, type TargetLayer } from "./Target.ts"

/**
 * The longest that a stream may be held without being read on. Readers that write each piece somewhere take seconds between
 * two reads, a person who looks at one takes minutes; a program that takes longer has forgotten the stream, which holds one
 * of few permits.
 */
const readerTimeout = "5 minutes"

/** The stack of a configuration. */
export const layer = (config: LlmConfig.LlmConfig): Layer.Layer<LlmProvider, LlmError> => stackOf(config, layerOf)

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerHttpClient = (config: LlmConfig.LlmConfig): Layer.Layer<LlmProvider, LlmError, HttpClient> =>
  stackOf(config, layerHttpClientOf)

const stackOf = <R>(
  config: LlmConfig.LlmConfig,
  layerOfTarget: TargetLayer<R>,
): Layer.Layer<LlmProvider, LlmError, R> =>
  Layer.unwrap(
    Effect.sync(() => {
      const permits = Permits.make(config.concurrency)
      const [first, ...rest] = config.targets
      const targets = rest.reduce(
        (layers, next) => layers.pipe(withFallback(targetLayer(next, config, permits, layerOfTarget))),
        targetLayer(first, config, permits, layerOfTarget),
      )
      const timely = targets.pipe(
        withTimeout({
          total: config.timeout,
          totalFrom: "first-permit",
          idle: config.idleTimeout,
          reader: readerTimeout,
          queue: config.queueTimeout,
        }),
      )
      const answering =
        config.fallbackText === undefined
          ? timely
          : timely.pipe(withFallback(FallbackText.layer(config.fallbackText), { onDeadline: true }))
      return answering.pipe(
        withDefaults({ temperature: config.temperature, maxTokens: config.maxTokens }),
        withTelemetry,
      )
    }),
  )

const targetLayer = <R>(
  target: Target,
  config: LlmConfig.LlmConfig,
  permits: Permits.Permits,
  layerOfTarget: TargetLayer<R>,
): Layer.Layer<LlmProvider, LlmError, R> => {
  const policies: ServicePolicy<LlmError> = (provider) =>
    provider.pipe(
      config.firstOutputTimeout === undefined && config.attemptTimeout === undefined
        ? (unlimited) => unlimited
        : withTimeout({ attempt: config.attemptTimeout, firstOutput: config.firstOutputTimeout }),
      withConcurrency(permits),
      withRetry({ times: config.maxRetries }),
      withCircuitBreaker(),
    )
  return isRouter(target)
    ? LiteLlm.layerRouting(target.model, policies, layerOfTarget)
    : policies(layerOfTarget(target))
}

/**
 * The whole stack from the environment, `.env` and `LLM_CONFIG_FILE`; the environment wins over the files, and `overrides`
 * win over both. Each call makes a stack of its own.
 */
export const layerConfig = (overrides: Overrides<StackOverrides> = {}): Layer.Layer<LlmProvider, LlmError> =>
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
      return Layer.provide(layer(withOverrides(config, own)), given)
    }),
  )

/** What `layerConfig` may be told beside the settings: the settings of the same meaning are then not asked. */
export interface StackOverrides extends Partial<
  Pick<
    LlmConfig.LlmConfig,
    "concurrency" | "fallbackText" | "idleTimeout" | "maxRetries" | "maxTokens" | "temperature" | "timeout"
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
})
