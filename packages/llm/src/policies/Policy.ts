/**
 * A policy: a Layer of a service in, a Layer of the same service out, so that policies compose in any order. This library's
 * own are mechanisms on plain effects that serve every service; `make` builds one of your own around `LlmProvider`.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { EmbeddingProvider } from "../model/EmbeddingProvider.ts"
import { ConfigurationError, LlmError } from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import { durationProblem, type DurationRange } from "./DurationRange.ts"
import { type Around, type Identity, oneCall } from "./mechanisms/Around.ts"
import { answers, type AnyService, embeddings } from "./mechanisms/ServiceTable.ts"
import { identityOf, surround, surrounded } from "./mechanisms/Surround.ts"

export {
  type Answered,
  type Around,
  aroundStart,
  type Asked,
  type AskedTraits,
  type Identity,
  type Start,
  traitsOf,
} from "./mechanisms/Around.ts"
export type { DurationRange } from "./DurationRange.ts"
export { aroundAnswer, type Holding, type Outcome } from "./mechanisms/HeldAnswer.ts"
export { type Events, openStream, startStream, streamFrom } from "./mechanisms/StreamStart.ts"

/** What a Layer of `LlmProvider` provides. */
export type Service = LlmProvider["Service"]

/** A policy around `LlmProvider`: put it around a provider with `pipe`. */
export type Policy<EX = never, RX = never> = <E, R>(
  layer: Layer.Layer<LlmProvider, E, R>,
) => Layer.Layer<LlmProvider, E | EX, R | Exclude<RX, Scope.Scope>>

/** A policy around `EmbeddingProvider`. */
export type EmbeddingPolicy<EX = never, RX = never> = <E, R>(
  layer: Layer.Layer<EmbeddingProvider, E, R>,
) => Layer.Layer<EmbeddingProvider, E | EX, R | Exclude<RX, Scope.Scope>>

/** A policy around every service of this library that a Layer provides. */
export type ServicePolicy<EX = never, RX = never> = <I extends AnyService, E, R>(
  layer: Layer.Layer<I, E, R>,
) => Layer.Layer<I, E | EX, R | Exclude<RX, Scope.Scope>>

/** A Layer from what another one provides; memoised as that one is. */
const mapLayer = <I, E, R, EX, RX>(
  layer: Layer.Layer<I, E, R>,
  change: (context: Context.Context<I>) => Effect.Effect<Context.Context<I>, EX, RX>,
): Layer.Layer<I, E | EX, R | Exclude<RX, Scope.Scope>> =>
  Layer.fromBuildMemo((memoMap, scope) =>
    Effect.flatMap(Layer.buildWithMemoMap(layer, memoMap, scope), (context) =>
      Effect.provideService(change(context), Scope.Scope, scope),
    ),
  )

/**
 * A policy from what it makes of the provider within: `wrap` gets the service and returns another one. It runs once for
 * each time that the Layer is built, in the Layer's scope. What the returned service does is one call: everything that it
 * asks the provider within, once or several times, stands in one story of attempts.
 */
export const make =
  <EX = never, RX = never>(wrap: (inner: Service) => Effect.Effect<Service, EX, RX>): Policy<EX, RX> =>
  (layer) =>
    mapLayer(layer, (context) => {
      const inner = Context.get(context, LlmProvider)
      return Effect.map(wrap(inner), (service) =>
        Context.add(
          context,
          LlmProvider,
          surrounded(
            answers,
            {
              name: service.name,
              model: service.model ?? inner.model,
              targets: service.targets ?? inner.targets,
              generate: (request) => service.generate(request),
              stream: (request) => service.stream(request),
            },
            oneCall,
          ),
        ),
      )
    })

/** The same around `EmbeddingProvider`. */
export const makeEmbedding =
  <EX = never, RX = never>(
    wrap: (inner: EmbeddingProvider["Service"]) => Effect.Effect<EmbeddingProvider["Service"], EX, RX>,
  ): EmbeddingPolicy<EX, RX> =>
  (layer) =>
    mapLayer(layer, (context) => {
      const inner = Context.get(context, EmbeddingProvider)
      return Effect.map(wrap(inner), (service) =>
        Context.add(
          context,
          EmbeddingProvider,
          surrounded(
            embeddings,
            {
              name: service.name,
              model: service.model ?? inner.model,
              targets: service.targets ?? inner.targets,
              batchLimits: service.batchLimits ?? inner.batchLimits,
              embed: (request) => service.embed(request),
            },
            oneCall,
          ),
        ),
      )
    })

/** A policy for every service, from a mechanism that is built once for each time that the Layer is. */
export const mechanism =
  <EX = never, RX = never>(build: (inner: Identity) => Effect.Effect<Around, EX, RX>): ServicePolicy<EX, RX> =>
  (layer) =>
    mapLayer(layer, (context) => Effect.map(build(identityOf(context)), (around) => surround(context, around)))

/** The error of a policy's setting. */
const invalid = (setting: string, problem: string): LlmError =>
  new LlmError({
    reason: new ConfigurationError({ setting, message: `${setting}: ${problem}` }),
    provider: "configuration",
    attempts: [],
  })

/** A policy with invalid settings: building its Layer fails with a `ConfigurationError`, before any call. */
export const refused =
  (setting: string, problem: string): ServicePolicy<LlmError> =>
  () =>
    Layer.fromBuild(() => Effect.fail(invalid(setting, problem)))

/**
 * The refused policy of the first setting that is not a duration in the range, if there is one. A range that does not say
 * `finite` has `Infinity` in it.
 */
export const refusedDuration = (
  policy: string,
  durations: Readonly<Record<string, Duration.Input | undefined>>,
  range: DurationRange = "0 or more",
): ServicePolicy<LlmError> | undefined => {
  for (const [name, input] of Object.entries(durations)) {
    const problem = input === undefined ? undefined : durationProblem(input, range)
    if (problem !== undefined) return refused(policy, `${name} ${problem}`)
  }
  return undefined
}
