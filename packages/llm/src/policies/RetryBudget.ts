/**
 * Law 9: a retry budget per target stops retries from multiplying an outage. A retry takes one token; a call that
 * succeeds gives back what its retries took, and one that succeeds at once adds a fifth of a token. So retries that work
 * cost nothing (a third of requests failing at random is served for ever), and when nothing works they stop after
 * `capacity`, and come back with the successes after it: at 200 calls a second a whole token every 25 ms.
 */
export interface RetryBudget {
  /** Takes one retry; false where none is left. */
  readonly take: () => boolean
  /** True while a retry is left. */
  readonly isOpen: () => boolean
  /** A call succeeded after `taken` retries. */
  readonly succeeded: (taken: number) => void
}

/** Retries that may fail in a row before they stop, and what one success at the first try adds. */
const capacity = 100
const earned = 0.2

/** A full budget. */
export const make = (): RetryBudget => {
  let tokens = capacity
  return {
    isOpen: () => tokens >= 1,
    take: () => {
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
    succeeded: (taken) => {
      tokens = Math.min(capacity, tokens + (taken === 0 ? earned : taken))
    },
  }
}
