/** How a stack shapes the traffic to its targets: what it may be told, and the policies that this makes. */
import type { LlmError } from "../model/LlmError.ts"
import { type AdaptiveConcurrencyOptions, withAdaptiveConcurrency } from "../policies/AdaptiveConcurrency.ts"
import { withConcurrency } from "../policies/Concurrency.ts"
import type * as Permits from "../policies/mechanisms/Permits.ts"
import type { ServicePolicy } from "../policies/Policy.ts"
import { type HedgeOptions, sharing, withHedge } from "../policies/traffic/Hedge.ts"

/** What a stack does about requests that are slow. */
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
}

const unchanged = <Layers>(layers: Layers): Layers => layers

/** The hedge that a configuration asks for, whose limits hold for all targets that get this policy. */
export const hedging = ({ hedge = false }: TrafficOptions): ServicePolicy<LlmError> =>
  hedge === false ? unchanged : withHedge(sharing(hedge === true ? {} : hedge))

/** How many requests one target may have in flight: as many as it bears, or the permits that all targets share. */
export const admitting = (
  { adaptiveConcurrency = false }: TrafficOptions,
  permits: Permits.Permits,
): ServicePolicy<LlmError> =>
  adaptiveConcurrency === false
    ? withConcurrency(permits)
    : withAdaptiveConcurrency(adaptiveConcurrency === true ? {} : adaptiveConcurrency)

/** Options for several stacks that share the limits of their hedges. */
export const sharedTraffic = ({ adaptiveConcurrency, hedge = false }: TrafficOptions): TrafficOptions => ({
  adaptiveConcurrency,
  hedge: hedge === false ? false : sharing(hedge === true ? {} : hedge),
})
