/**
 * The default stack, from the outside in: call span, defaults, fallback text, deadline, cache, fallback; then for each target
 * breaker, retry with its budget, hedge, permit, pace, attempt clocks, provider; where one target routes to many providers, for each of
 * those. So a call has one deadline over everything, which begins with its first permit and which its targets share; a
 * target is retried before the next is tried; the breaker judges what is left after retries; a call that backs off holds no
 * permit; a hedge counts from when its request is sent, and each of its two requests has its own permit and attempt clock;
 * calls that share a request wait for it under deadlines of their own; and a fallback text, which needs no time,
 * answers even when the deadline has passed, and is never kept.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Policies from "#traffic-policies"
import type { LlmError } from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import { withCircuitBreaker } from "../policies/CircuitBreaker.ts"
import { withDefaults } from "../policies/Defaults.ts"
import { withFallback } from "../policies/Fallback.ts"
import * as Permits from "../policies/mechanisms/Permits.ts"
import type { ServicePolicy } from "../policies/Policy.ts"
import { withRetry } from "../policies/Retry.ts"
import { withTelemetry } from "../policies/Telemetry.ts"
import { withTimeout } from "../policies/Timeout.ts"
import type { Overrides } from "../providers/Overrides.ts"
import type { HttpClient } from "../transport/ProviderLayer.ts"
import { type Deployments, placed } from "./Deployments.ts"
import * as FallbackText from "./FallbackText.ts"
import * as LiteLlm from "./LiteLlm.ts"
import type * as LlmConfig from "./LlmConfig.ts"
import { admitting, caching, hedging, pacing } from "./StackTraffic.ts"
import { fromSettings, type StackOverrides } from "./StackSettings.ts"
import { addressOf, isRouter, layerHttpClientOf, layerOf, type Target, type TargetLayer } from "./Target.ts"

/**
 * The longest that a stream may be held without being read on. Readers that write each piece somewhere take seconds between
 * two reads, a person who looks at one takes minutes; a program that takes longer has forgotten the stream, which holds one
 * of few permits.
 */
const readerTimeout = "5 minutes"

export type { StackOverrides } from "./StackSettings.ts"

const unchanged = <Layers>(layers: Layers): Layers => layers

/** The stack of a configuration. `permits` are for another stack to share; without them it has its own. */
export const layer = (config: LlmConfig.LlmConfig, permits?: Permits.Permits): Layer.Layer<LlmProvider, LlmError> =>
  stackOf(config, layerOf, permits)

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerHttpClient = (config: LlmConfig.LlmConfig): Layer.Layer<LlmProvider, LlmError, HttpClient> =>
  stackOf(config, layerHttpClientOf)

const stackOf = <R>(
  config: LlmConfig.LlmConfig,
  layerOfTarget: TargetLayer<R>,
  given?: Permits.Permits,
): Layer.Layer<LlmProvider, LlmError, R> =>
  Layer.unwrap(
    Effect.sync(() => {
      const permits = given ?? Permits.make(config.concurrency)
      const hedge = hedging(config)
      const [first, ...rest] = config.targets
      const { deployments } = config
      const targets = rest.reduce(
        (layers, next) => layers.pipe(withFallback(targetLayer(next, config, permits, hedge, layerOfTarget))),
        deployments === undefined
          ? targetLayer(first, config, permits, hedge, layerOfTarget)
          : deploymentsLayer(deployments, config, permits, hedge, layerOfTarget),
      )
      const timely = targets.pipe(
        caching(config.cache, addressOf(first)),
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

/** The clocks of one request. */
const attemptClocks = (config: LlmConfig.LlmConfig): ServicePolicy<LlmError> =>
  config.firstOutputTimeout === undefined && config.attemptTimeout === undefined
    ? unchanged
    : withTimeout({ attempt: config.attemptTimeout, firstOutput: config.firstOutputTimeout })

/**
 * Several deployments as one target. Each has its own breaker and limits; the permits and the retries of the stack are around
 * all of them, so that a call that waits for a permit chooses when it has one, and each retry may ask another deployment.
 */
const deploymentsLayer = <R>(
  { all, options }: Deployments,
  config: LlmConfig.LlmConfig,
  permits: Permits.Permits,
  hedge: ServicePolicy<LlmError>,
  layerOfTarget: TargetLayer<R>,
): Layer.Layer<LlmProvider, LlmError, R> =>
  Layer.unwrap(
    Effect.map(Policies.balance(), (withBalance) =>
      withBalance(
        all.map((deployment) => {
          const shared = typeof config.rateLimit === "object" ? config.rateLimit : {}
          const { concurrency, name, rpm = shared.rpm, target, tpm = shared.tpm, weight } = deployment
          const layer = layerOfTarget(target).pipe(
            Layer.catch((error) => Layer.effect(LlmProvider, Effect.fail(placed(deployment, error)))),
            attemptClocks(config),
            withCircuitBreaker(),
          )
          return { name, layer, model: target.model, weight, concurrency, rpm, tpm }
        }),
        options,
      ),
    ),
  ).pipe(admitting(config, permits), hedge, withRetry({ times: config.maxRetries }))

const targetLayer = <R>(
  target: Target,
  config: LlmConfig.LlmConfig,
  permits: Permits.Permits,
  hedge: ServicePolicy<LlmError>,
  layerOfTarget: TargetLayer<R>,
): Layer.Layer<LlmProvider, LlmError, R> => {
  const policies: ServicePolicy<LlmError> = (provider) =>
    provider.pipe(
      attemptClocks(config),
      pacing(config),
      admitting(config, permits),
      hedge,
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
  fromSettings(overrides, (config) => layer(config))
