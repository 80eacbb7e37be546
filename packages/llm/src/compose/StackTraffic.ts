/** How a stack shapes the traffic to its targets: what it may be told, and the policies that this makes. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Policies from "#traffic-policies"
import type { LlmError } from "../model/LlmError.ts"
import type { AdaptiveConcurrencyOptions } from "../policies/traffic/AdaptiveConcurrency.ts"
import type { CacheOptions } from "../policies/cache/Cache.ts"
import { withConcurrency } from "../policies/Concurrency.ts"
import type * as Permits from "../policies/mechanisms/Permits.ts"
import type { ServicePolicy } from "../policies/Policy.ts"
import type { HedgeOptions } from "../policies/traffic/Hedge.ts"
import { sharing } from "../policies/traffic/HedgeBudget.ts"
import type { RateLimitOptions } from "../policies/traffic/RateLimit.ts"

/** What a stack does about requests that are slow, or too many. */
export interface TrafficOptions {
  /**
   * Sends a second request where one is slow, within limits that all targets share: `true` for after the p95 of the model and
   * at most 5 % more requests. Default: none.
   */
  readonly hedge?: boolean | HedgeOptions | undefined
  /**
   * Finds for each target how many requests it bears at once, in place of a fixed number: `true` for from 1 to 200, beginning
   * with 5. Several deployments of a model are one target. Default: a fixed number.
   */
  readonly adaptiveConcurrency?: boolean | AdaptiveConcurrencyOptions | undefined
  /**
   * Keeps each target to a rate of requests and tokens a minute, and to what its headers say is left; `true`: to the headers
   * alone. A call waits for its turn as long as its clocks allow. Of `deployments`, those that name no `rpm` or `tpm` have
   * these; `maxWait` and `outputTokens` are not for them. Embeddings have the same limits apart, and so have lists of models and
   * counts of tokens, which are requests and take no tokens. Default: none.
   */
  readonly rateLimit?: boolean | RateLimitOptions | undefined
}

const unchanged = <Layers>(layers: Layers): Layers => layers

/** A policy that is known where its Layer is built. */
export const known =
  (policy: Effect.Effect<ServicePolicy<LlmError>>): ServicePolicy<LlmError> =>
  (layer) =>
    Layer.unwrap(Effect.map(policy, (around) => around(layer)))

/** The cache that a configuration asks for. */
export const caching = (options: CacheOptions | undefined, namespace: string): ServicePolicy<LlmError> =>
  options === undefined
    ? unchanged
    : known(Effect.map(Policies.cache(), (withCache) => withCache({ namespace, ...options })))

/** The hedge that a configuration asks for, whose limits hold for all targets that get this policy. */
export const hedging = ({ hedge = false }: TrafficOptions): ServicePolicy<LlmError> => {
  if (hedge === false) return unchanged
  const shared = sharing(hedge === true ? {} : hedge)
  return known(Effect.map(Policies.hedge(), (withHedge) => withHedge(shared)))
}

/** How many requests one target may have in flight: as many as it bears, or the permits that all targets share. */
export const admitting = (
  { adaptiveConcurrency = false, concurrency }: TrafficOptions & { readonly concurrency: number },
  permits: Permits.Permits,
): ServicePolicy<LlmError> =>
  adaptiveConcurrency === false
    ? // A limit that nothing could pass is refused, and not waited for.
      withConcurrency(concurrency >= 1 ? permits : concurrency)
    : known(
        Effect.map(Policies.adaptiveConcurrency(), (withAdaptiveConcurrency) =>
          withAdaptiveConcurrency(adaptiveConcurrency === true ? {} : adaptiveConcurrency),
        ),
      )

/** The rate that one target is kept to. */
export const pacing = ({ rateLimit = false }: TrafficOptions): ServicePolicy<LlmError> =>
  rateLimit === false
    ? unchanged
    : known(Effect.map(Policies.rateLimit(), (withRateLimit) => withRateLimit(rateLimit === true ? {} : rateLimit)))

/** Options for several stacks that share the limits of their hedges. */
export const sharedTraffic = ({ adaptiveConcurrency, hedge = false, rateLimit }: TrafficOptions): TrafficOptions => ({
  adaptiveConcurrency,
  rateLimit,
  hedge: hedge === false ? false : sharing(hedge === true ? {} : hedge),
})
