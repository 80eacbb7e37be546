/**
 * The default stack for embeddings, from the outside in: call span, deadline, cache, the provider that the model means; then for
 * each provider batches, breaker, retry with its budget, hedge, permit, attempt clock. It is `LlmStack` with the same settings, but
 * for one thing: it falls back to no other model, because vectors of different models do not mix.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { EmbeddingProvider, type EmbeddingRequest } from "../../model/EmbeddingProvider.ts"
import { InvalidRequestError, LlmError } from "../../model/LlmError.ts"
import { withBatches } from "../../policies/Batches.ts"
import { withCircuitBreaker } from "../../policies/CircuitBreaker.ts"
import * as Permits from "../../policies/mechanisms/Permits.ts"
import { withRetry } from "../../policies/Retry.ts"
import { withTelemetry } from "../../policies/Telemetry.ts"
import { withTimeout } from "../../policies/Timeout.ts"
import type { Overrides } from "../../providers/Overrides.ts"
import * as Registry from "../../providers/Registry.ts"
import * as ProviderLayer from "../../transport/ProviderLayer.ts"
import { embeddingRouteOf } from "./EmbeddingRoute.ts"
import { embeddingEndpoint } from "./EmbeddingTarget.ts"
import type { LlmConfig } from "../LlmConfig.ts"
import { routeOf } from "../ModelRoute.ts"
import { admitting, caching, hedging, pacing } from "../StackTraffic.ts"
import { fromSettings, type StackOverrides } from "../StackSettings.ts"
import { addressOf, isConfigured, readTarget, type Target } from "../Target.ts"

export { layerProvider, type ProviderEmbeddingOptions } from "./EmbeddingTarget.ts"

/** A Layer of one target's embeddings, without any policy. */
type TargetEmbeddings<R> = (target: Target) => Layer.Layer<EmbeddingProvider, LlmError, R>

/**
 * The embeddings of a configuration: `embeddingModel` is the model of requests that name none, and says which provider to
 * ask where it is written `provider/model`. `permits` are those of another stack, to share.
 */
export const layer = (config: LlmConfig, permits?: Permits.Permits): Layer.Layer<EmbeddingProvider, LlmError> =>
  stackOf(config, permits, (target) => ProviderLayer.layerEmbeddings(endpointOf(target)))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerHttpClient = (
  config: LlmConfig,
  permits?: Permits.Permits,
): Layer.Layer<EmbeddingProvider, LlmError, ProviderLayer.HttpClient> =>
  stackOf(config, permits, (target) => ProviderLayer.layerEmbeddingsHttpClient(endpointOf(target)))

/**
 * From the environment, `.env` and `LLM_CONFIG_FILE`: the settings of `LlmStack.layerConfig`, and `EMBEDDING_MODEL`.
 * `overrides` win over them.
 */
export const layerConfig = (overrides: Overrides<StackOverrides> = {}): Layer.Layer<EmbeddingProvider, LlmError> =>
  fromSettings(overrides, (config) => layer(config))

const endpointOf = (target: Target) => embeddingEndpoint(target.provider, target, "EMBEDDING_MODEL")

const stackOf = <R>(
  config: LlmConfig,
  given: Permits.Permits | undefined,
  layerOf: TargetEmbeddings<R>,
): Layer.Layer<EmbeddingProvider, LlmError, R> =>
  Layer.unwrap(
    Effect.sync(() => {
      const permits = given ?? Permits.make(config.concurrency)
      const hedge = hedging(config)
      return routed(config, (target) =>
        layerOf(target).pipe(
          withTimeout({ attempt: config.attemptTimeout }),
          pacing(config),
          admitting(config, permits),
          hedge,
          withRetry({ times: config.maxRetries }),
          withCircuitBreaker(),
          withBatches({ concurrency: config.concurrency }),
        ),
      ).pipe(
        caching(config.cache, addressOf(config.targets[0])),
        withTimeout({ total: config.timeout, totalFrom: "first-permit", queue: config.queueTimeout }),
        withTelemetry,
      )
    }),
  )

/**
 * Asks the provider that each request's model means. A provider is built at its first request, that of the default model at
 * once, so that a missing key is told where the Layer is built.
 */
const routed = <R>(
  { embeddingModel, targets: [home] }: LlmConfig,
  layerOf: TargetEmbeddings<R>,
): Layer.Layer<EmbeddingProvider, LlmError, R> =>
  Layer.effect(
    EmbeddingProvider,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const context = yield* Effect.context<R>()
      // `LLM_API_KEY` is for the provider of the primary model, or where there is none, of the embeddings.
      const owner = ownerOf(home.model ?? embeddingModel)
      const targets = new Map<Registry.ProviderRow, Effect.Effect<Target, LlmError>>()
      const services = new Map<Registry.ProviderRow, Effect.Effect<EmbeddingProvider["Service"], LlmError>>()
      const once = <A>(effect: Effect.Effect<A, LlmError, R>) =>
        Effect.cached(Effect.uninterruptible(Effect.provideContext(effect, context)))
      for (const row of Registry.embeddingRows) {
        const target = yield* once(
          row.name === home.provider ? Effect.succeed(home) : readTarget(row, undefined, row === owner),
        )
        targets.set(row, target)
        // A model is always named: that of the target is the one that answers.
        const built = Effect.flatMap(target, (known) =>
          Layer.buildWithScope(layerOf({ ...known, model: undefined }), scope),
        )
        services.set(row, yield* once(Effect.map(built, (found) => Context.get(found, EmbeddingProvider))))
      }
      const find = Effect.fnUntraced(function* (id: string | undefined) {
        if (id !== undefined && !Predicate.isString(id)) return yield* notAName(home)
        const setting = id === embeddingModel ? "EMBEDDING_MODEL" : "model"
        const { model, row } = yield* Effect.fromResult(embeddingRouteOf(id, home, setting))
        const isGuessed = model === id && row.name !== home.provider
        const service = services.get(isGuessed ? yield* configured(row, targets) : row)
        if (service === undefined) return yield* Effect.die("a route to a provider without embeddings")
        return { service: yield* service, model }
      })
      const embed = Effect.fnUntraced(function* (request: EmbeddingRequest) {
        const { model, service } = yield* find(request.model ?? embeddingModel)
        return yield* service.embed({ ...request, model })
      })
      if (embeddingModel !== undefined) yield* find(embeddingModel)
      return { name: home.provider, model: embeddingModel, embed }
    }),
  )

const ownerOf = (model: string | undefined): Registry.ProviderRow | undefined =>
  model === undefined ? undefined : (routeOf(model)?.row ?? Registry.findByEmbeddingModel(model))

/** The provider of a bare name; where it has no key, one that serves the same models and has one (Azure for OpenAI). */
const configured = Effect.fnUntraced(function* (
  row: Registry.ProviderRow,
  targets: ReadonlyMap<Registry.ProviderRow, Effect.Effect<Target, LlmError>>,
) {
  for (const [other, target] of targets) {
    if ((other === row || other.servesFamiliesOf.includes(row.name)) && isConfigured(yield* target)) return other
  }
  return row
})

/** Types forbid it; programs without types may pass anything. */
const notAName = ({ provider }: Target): LlmError =>
  new LlmError({
    reason: new InvalidRequestError({ message: "invalid request: expected a string at model", parameter: "model" }),
    provider,
    attempts: [],
  })
