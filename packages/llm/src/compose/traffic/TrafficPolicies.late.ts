/** The same policies, loaded where a stack has them, for the entries that are built whole: most programs use none of them. */
import * as Effect from "effect/Effect"
import type { withAdaptiveConcurrency } from "../../policies/traffic/AdaptiveConcurrency.ts"
import type { withCache } from "../../policies/cache/Cache.ts"
import type { withBalance } from "../../policies/balance/Balance.ts"
import type { withHedge } from "../../policies/traffic/Hedge.ts"
import type { withRateLimit } from "../../policies/traffic/RateLimit.ts"
import type { read as readDeployments } from "./DeploymentReading.ts"
import type { withLastingBudget } from "../../policies/usage/Budget.ts"

/** Finds how many requests a target bears. */
export const adaptiveConcurrency = (): Effect.Effect<typeof withAdaptiveConcurrency> =>
  Effect.map(
    Effect.promise(() => import("../../policies/traffic/AdaptiveConcurrency.ts")),
    (module) => module.withAdaptiveConcurrency,
  )

/** Chooses among deployments. */
export const balance = (): Effect.Effect<typeof withBalance> =>
  Effect.map(
    Effect.promise(() => import("../../policies/balance/Balance.ts")),
    (module) => module.withBalance,
  )

/** Bounds what is spent. */
export const budget = (): Effect.Effect<typeof withLastingBudget> =>
  Effect.map(
    Effect.promise(() => import("../../policies/usage/Budget.ts")),
    (module) => module.withLastingBudget,
  )

/** Keeps answers. */
export const cache = (): Effect.Effect<typeof withCache> =>
  Effect.map(
    Effect.promise(() => import("../../policies/cache/Cache.ts")),
    (module) => module.withCache,
  )

/** Sends second requests. */
export const hedge = (): Effect.Effect<typeof withHedge> =>
  Effect.map(
    Effect.promise(() => import("../../policies/traffic/Hedge.ts")),
    (module) => module.withHedge,
  )

/** Keeps to a rate. */
export const rateLimit = (): Effect.Effect<typeof withRateLimit> =>
  Effect.map(
    Effect.promise(() => import("../../policies/traffic/RateLimit.ts")),
    (module) => module.withRateLimit,
  )

/** Reads the deployments of a stack. */
export const deployments = (): Effect.Effect<typeof readDeployments> =>
  Effect.map(
    Effect.promise(() => import("./DeploymentReading.ts")),
    ({ read }) => read,
  )
