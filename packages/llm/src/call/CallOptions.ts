/**
 * What one call sets for itself, in place of the stack's settings: an immutable value in the fiber's context, which the
 * deadline, the retries and the provider read. A call without one is as the stack says.
 */
import * as Context from "effect/Context"

/** The code that sets them has checked them. */
export interface CallOptions {
  /**
   * The call's deadline, in place of the `total` clock of `withTimeout`. Milliseconds above 0; Infinity for none. A `total`
   * inside `withRetry` or `withFallback` bounds an attempt or a target, and stays as it is.
   */
  readonly timeoutMs?: number
  /** Retries after the first attempt, per target, in place of `times` of `withRetry`. */
  readonly maxRetries?: number
  /** Calls with the same key go to the same deployment while it is well, so that its prompt cache is used. */
  readonly stickyKey?: string
  /** Added to every request of the call; names in lower case. They replace no header of the provider's own. */
  readonly headers?: Readonly<Record<string, string>>
  /** True to have `limits` and `responseHeaders` in the metadata and in each attempt. */
  readonly includeResponseHeaders?: boolean
  /**
   * What `withCache` does with the call: false asks the model and keeps nothing, `refresh` asks it and keeps the answer in
   * place of what was kept. Default true.
   */
  readonly cache?: boolean | "refresh"
}

/** The options of the call under way; `{}` where it sets none. */
export const CallOptions = Context.Reference<CallOptions>("@wiseflow/llm/CallOptions", { defaultValue: () => ({}) })
