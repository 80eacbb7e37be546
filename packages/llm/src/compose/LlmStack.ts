/**
 * The default stack, from the outside in: call span, deadline, fallback; then for each target breaker, retry with its
 * budget, permit, attempt clocks, provider; where one target routes to many providers, for each of those. So a call has one deadline over everything, a target is retried before the
 * next is tried, the breaker judges what is left after retries, and a call that backs off holds no permit.
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
import * as Permits from "../policies/Permits.ts"
import type { Policy } from "../policies/Policy.ts"
import { withRetry } from "../policies/Retry.ts"
import { withTelemetry } from "../policies/Telemetry.ts"
import { withTimeout } from "../policies/Timeout.ts"
import { withFiles } from "../settings/SettingsFile.ts"
import * as FallbackText from "./FallbackText.ts"
import * as LiteLlm from "./LiteLlm.ts"
import * as LlmConfig from "./LlmConfig.ts"
import { isConfigured, layerOf, type Target } from "./Target.ts"

/** The stack of a configuration. */
export const layer = (config: LlmConfig.LlmConfig): Layer.Layer<LlmProvider, LlmError> =>
  Layer.unwrap(
    Effect.sync(() => {
      const permits = Permits.make(config.concurrency)
      const [first, ...rest] = config.targets
      const targets = rest.reduce(
        (layers, next) => layers.pipe(withFallback(targetLayer(next, config, permits))),
        targetLayer(first, config, permits),
      )
      const answering =
        config.fallbackText === undefined
          ? targets
          : targets.pipe(withFallback(FallbackText.layer(config.fallbackText)))
      return answering.pipe(
        withTimeout({ total: config.timeout, idle: config.idleTimeout }),
        withDefaults({ temperature: config.temperature, maxTokens: config.maxTokens }),
        withTelemetry,
      )
    }),
  )

const targetLayer = (
  target: Target,
  config: LlmConfig.LlmConfig,
  permits: Permits.Permits,
): Layer.Layer<LlmProvider, LlmError> => {
  const policies: Policy = (provider) =>
    provider.pipe(
      config.firstOutputTimeout === undefined
        ? (unlimited) => unlimited
        : withTimeout({ firstOutput: config.firstOutputTimeout }),
      withConcurrency(permits),
      withRetry({ times: config.maxRetries }),
      withCircuitBreaker(),
    )
  return target.provider === "litellm" && !isConfigured(target)
    ? LiteLlm.layerRouting(target.model, policies)
    : policies(layerOf(target))
}

/** The whole stack from the environment, `.env` and `LLM_CONFIG_FILE`; the environment wins over the files. */
export const layerConfig: Layer.Layer<LlmProvider, LlmError> = Layer.unwrap(
  Effect.gen(function* () {
    const base = yield* ConfigProvider.ConfigProvider
    // A program that brings its own settings does not want those of a file that happens to lie in its folder.
    const isEnvironment = base === Context.get(Context.empty(), ConfigProvider.ConfigProvider)
    const provider = yield* withFiles(base, { dotEnv: isEnvironment })
    const config = yield* Effect.provideService(LlmConfig.read, ConfigProvider.ConfigProvider, provider)
    return Layer.provide(layer(config), Layer.succeed(ConfigProvider.ConfigProvider, provider))
  }),
)
