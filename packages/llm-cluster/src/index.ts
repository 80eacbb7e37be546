/** Limits that many processes share over Redis, as policies of `@wiseflow/llm`. */
export * as SharedStore from "./store/SharedStore.ts"
export { type SharedRateLimitOptions, withSharedRateLimit } from "./policies/SharedRateLimit.ts"
export { type SharedCircuitBreakerOptions, withSharedCircuitBreaker } from "./policies/SharedCircuitBreaker.ts"
export { type SharedBudgetOptions, withSharedBudget } from "./policies/SharedBudget.ts"
