/** Limits and answers that many processes share over Redis, for policies of `@wiseflow/llm`. */
export * as SharedStore from "./store/SharedStore.ts"
export { sharedCacheStore, type SharedCacheStoreOptions } from "./store/SharedCacheStore.ts"
export { type SharedRateLimitOptions, withSharedRateLimit } from "./policies/SharedRateLimit.ts"
export { type SharedCircuitBreakerOptions, withSharedCircuitBreaker } from "./policies/SharedCircuitBreaker.ts"
export { type SharedBudgetOptions, withSharedBudget } from "./policies/SharedBudget.ts"
