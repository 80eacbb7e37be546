/**
 * What the stack's providers tell of their models, with the settings of `LlmStack`: call span, deadline; then retry with its
 * budget, breaker, permit and attempt clock for each provider. It lists the models of the primary target, and counts for the
 * provider that would answer; it falls back to nobody, whose models and tokens would be others.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type { LlmError } from "../model/LlmError.ts"
import { ModelInfo } from "../model/ModelInfo.ts"
import { withCircuitBreaker } from "../policies/CircuitBreaker.ts"
import { withConcurrency } from "../policies/Concurrency.ts"
import * as Permits from "../policies/mechanisms/Permits.ts"
import { withRetry } from "../policies/Retry.ts"
import { withTelemetry } from "../policies/Telemetry.ts"
import { withTimeout } from "../policies/Timeout.ts"
import type { Overrides } from "../providers/Overrides.ts"
import type { TargetOptions } from "../providers/ProviderOptions.ts"
import * as Registry from "../providers/Registry.ts"
import { quoted } from "../settings/Secrets.ts"
import * as Setting from "../settings/Setting.ts"
import type { ModelEndpoint } from "../transport/Endpoint.ts"
import * as ProviderLayer from "../transport/ProviderLayer.ts"
import type { LlmConfig } from "./LlmConfig.ts"
import { routeOf } from "./ModelRoute.ts"
import { fromSettings, type StackOverrides } from "./StackSettings.ts"
import { isRouter, readTarget, type Target } from "./Target.ts"

/** What reaches the models of a provider. Fails with `ConfigurationError` where it tells nothing of them. */
const modelEndpoint = (
  provider: string,
  options: TargetOptions,
  setting: string,
): Effect.Effect<ModelEndpoint, LlmError> => {
  const row = Registry.find(provider)
  if (row?.models !== undefined) return row.models.endpoint(options)
  const problem =
    row === undefined
      ? `${quoted(provider)} is not one of ${Registry.names.join(", ")}`
      : `${row.title} tells nothing of its models`
  return Effect.fail(Setting.invalid(setting, problem))
}

/**
 * The models of any provider by its name, without any policy: `ModelStack.layerProvider("groq", { apiKey })`. Policies are the
 * program's to add.
 */
export const layerProvider = (
  provider: Registry.ProviderName,
  options: TargetOptions,
): Layer.Layer<ModelInfo, LlmError> => ProviderLayer.layerModels(modelEndpoint(provider, options, "provider"))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerProviderHttpClient = (
  provider: Registry.ProviderName,
  options: TargetOptions,
): Layer.Layer<ModelInfo, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerModelsHttpClient(modelEndpoint(provider, options, "provider"))

/** The models of a configuration's primary target. `permits` are those of another stack, to share. */
export const layer = (config: LlmConfig, permits?: Permits.Permits): Layer.Layer<ModelInfo, LlmError> =>
  Layer.unwrap(
    Effect.sync(() => {
      const shared = permits ?? Permits.make(config.concurrency)
      const policies = (target: Target) =>
        ProviderLayer.layerModels(modelEndpoint(target.provider, target, "LLM_PROVIDER")).pipe(
          withTimeout({ attempt: config.attemptTimeout }),
          withConcurrency(shared),
          withRetry({ times: config.maxRetries }),
          withCircuitBreaker(),
        )
      const [home] = config.targets
      return (isRouter(home) ? routed(home, policies) : policies(home)).pipe(
        withTimeout({ total: config.timeout, totalFrom: "first-permit", queue: config.queueTimeout }),
        withTelemetry,
      )
    }),
  )

/** From the environment, `.env` and `LLM_CONFIG_FILE`: the settings of `LlmStack.layerConfig`. */
export const layerConfig = (overrides: Overrides<StackOverrides> = {}): Layer.Layer<ModelInfo, LlmError> =>
  fromSettings(overrides, (config) => layer(config))

/** Asks the provider that a request's model means; each one is built at its first request. */
const routed = (
  home: Target,
  layerOf: (target: Target) => Layer.Layer<ModelInfo, LlmError>,
): Layer.Layer<ModelInfo, LlmError> =>
  Layer.effect(
    ModelInfo,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const context = yield* Effect.context<never>()
      const owner = home.model === undefined ? undefined : routeOf(home.model)?.row
      const services = new Map<Registry.ProviderRow, Effect.Effect<ModelInfo["Service"], LlmError>>()
      for (const row of Registry.rows.filter(({ isRouter: routes }) => !routes)) {
        const built = Effect.flatMap(readTarget(row, undefined, row === owner), (target) =>
          Layer.buildWithScope(layerOf(target), scope),
        )
        const service = Effect.map(built, (found) => Context.get(found, ModelInfo))
        services.set(row, yield* Effect.cached(Effect.uninterruptible(Effect.provideContext(service, context))))
      }
      return {
        name: home.provider,
        model: home.model,
        models: Effect.fail(
          Setting.invalid("LLM_PROVIDER", "asks many providers, each with models of its own; name one to list them"),
        ),
        countTokens: (request) => {
          const id: unknown = request.model ?? home.model
          const route = Predicate.isString(id) ? routeOf(id) : undefined
          const service = route === undefined ? undefined : services.get(route.row)
          if (route === undefined || service === undefined) {
            const problem = "does not say which provider counts; write for example anthropic/claude-sonnet-5"
            return Effect.fail(Setting.invalid("model", problem))
          }
          return Effect.flatMap(service, (info) => info.countTokens({ ...request, model: route.model }))
        },
      }
    }),
  )
