/** The policies of traffic and money, and the deployments, that a stack may be told to have, at hand. */
import * as Effect from "effect/Effect"
import { withAdaptiveConcurrency } from "../../policies/traffic/AdaptiveConcurrency.ts"
import { withCache } from "../../policies/cache/Cache.ts"
import { withBalance } from "../../policies/balance/Balance.ts"
import { withHedge } from "../../policies/traffic/Hedge.ts"
import { withRateLimit } from "../../policies/traffic/RateLimit.ts"
import { read as readDeployments } from "./DeploymentReading.ts"
import { withLastingBudget } from "../../policies/usage/Budget.ts"

/** Finds how many requests a target bears. */
export const adaptiveConcurrency = (): Effect.Effect<typeof withAdaptiveConcurrency> =>
  Effect.succeed(withAdaptiveConcurrency)

/** Chooses among deployments. */
export const balance = (): Effect.Effect<typeof withBalance> => Effect.succeed(withBalance)

/** Bounds what is spent. */
export const budget = (): Effect.Effect<typeof withLastingBudget> => Effect.succeed(withLastingBudget)

/** Keeps answers. */
export const cache = (): Effect.Effect<typeof withCache> => Effect.succeed(withCache)

/** Sends second requests. */
export const hedge = (): Effect.Effect<typeof withHedge> => Effect.succeed(withHedge)

/** Keeps to a rate. */
export const rateLimit = (): Effect.Effect<typeof withRateLimit> => Effect.succeed(withRateLimit)

/** Reads the deployments of a stack. */
export const deployments = (): Effect.Effect<typeof readDeployments> => Effect.succeed(readDeployments)
