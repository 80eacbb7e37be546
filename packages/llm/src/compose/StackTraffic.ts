/** How a stack shapes the traffic to its targets: what it may be told, and the policies that this makes. */
import type { LlmError } from "../model/LlmError.ts"
import type { ServicePolicy } from "../policies/Policy.ts"
import { type HedgeOptions, sharing, withHedge } from "../policies/traffic/Hedge.ts"

/** What a stack does about requests that are slow. */
export interface TrafficOptions {
  /**
   * Sends a second request where one is slow, within limits that all targets share: `true` for after the p95 of the model and
   * at most 5 % more requests. Default: none.
   */
  readonly hedge?: boolean | HedgeOptions | undefined
}

const unchanged = <Layers>(layers: Layers): Layers => layers

/** The hedge that a configuration asks for, whose limits hold for all targets that get this policy. */
export const hedging = ({ hedge = false }: TrafficOptions): ServicePolicy<LlmError> =>
  hedge === false ? unchanged : withHedge(sharing(hedge === true ? {} : hedge))

/** Options for several stacks that share the limits of their hedges. */
export const sharedTraffic = ({ hedge = false }: TrafficOptions): TrafficOptions =>
  hedge === false ? {} : { hedge: sharing(hedge === true ? {} : hedge) }
