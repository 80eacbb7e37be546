/**
 * What the stack's providers tell of their models, with the settings of `LlmStack`: call span, deadline; then breaker, retry
 * with its budget, hedge, permit, pace and attempt clock for each provider. It lists the models of the primary target, and counts for the
 * provider that would answer; it falls back to nobody, whose models and tokens would be others.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type { LlmError } from "../model/LlmError.ts"
import { ModelInfo } from "../model/ModelInfo.ts"
import { withCircuitBreaker } from "../policies/CircuitBreaker.ts"
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
import { type ModelRoute, routeOf } from "./ModelRoute.ts"
import { admitting, hedging, pacing } from "./StackTraffic.ts"
import { fromSettings, type StackOverrides } from "./StackSettings.ts"
import { isConfigured, isRouter, readTarget, type Target } from "./Target.ts"

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
      const hedge = hedging(config)
      const policies = (target: Target) =>
        ProviderLayer.layerModels(modelEndpoint(target.provider, target, "LLM_PROVIDER")).pipe(
          withTimeout({ attempt: config.attemptTimeout }),
          pacing(config),
          admitting(config, shared),
          hedge,
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

/** Asks the provider that a model means: the primary one for a list, a request's for a count. Each is built when it is first asked. */
const routed = (
  home: Target,
  layerOf: (target: Target) => Layer.Layer<ModelInfo, LlmError>,
): Layer.Layer<ModelInfo, LlmError> =>
  Layer.effect(
    ModelInfo,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const owner = home.model === undefined ? undefined : routeOf(home.model)?.row
      const providers = new Map<Registry.ProviderRow, Routed>()
      for (const row of Registry.rows.filter(({ isRouter: routes }) => !routes)) {
        const target = yield* readTarget(row, undefined, row === owner)
        const built = Layer.buildWithScope(layerOf(target), scope)
        const service = yield* Effect.cached(
          Effect.uninterruptible(Effect.map(built, (found) => Context.get(found, ModelInfo))),
        )
        providers.set(row, { isConfigured: isConfigured(target), service })
      }
      const find = (id: unknown, problem: string): Effect.Effect<readonly [ModelInfo["Service"], string], LlmError> => {
        const route = Predicate.isString(id) ? routeOf(id) : undefined
        const found = route === undefined ? undefined : providerOf(route, route.model !== id, providers)
        return route === undefined || found === undefined
          ? Effect.fail(Setting.invalid("model", problem))
          : Effect.map(found.service, (service) => [service, route.model])
      }
      return {
        name: home.provider,
        model: home.model,
        models: Effect.flatMap(
          find(home.model, "does not say whose models to list; name the provider, as in LLM_PROVIDER=anthropic"),
          ([service]) => service.models,
        ),
        countTokens: (request) =>
          Effect.flatMap(
            find(
              request.model ?? home.model,
              "does not say which provider counts; write for example anthropic/claude-sonnet-5",
            ),
            ([service, model]) => service.countTokens({ ...request, model }),
          ),
      }
    }),
  )

/** One of the providers that a router asks. */
interface Routed {
  readonly isConfigured: boolean
  readonly service: Effect.Effect<ModelInfo["Service"], LlmError>
}

/** The provider of a route. Where a bare name's own has no key, one that serves the same models and has one. */
const providerOf = (
  { row }: ModelRoute,
  isNamed: boolean,
  providers: ReadonlyMap<Registry.ProviderRow, Routed>,
): Routed | undefined => {
  const own = providers.get(row)
  if (own === undefined || own.isConfigured || isNamed) return own
  for (const [other, found] of providers) {
    if (found.isConfigured && other.servesFamiliesOf.includes(row.name)) return found
  }
  return own
}
