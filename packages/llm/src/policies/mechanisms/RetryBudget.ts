/**
 * Law 9: a retry budget per target stops retries from multiplying an outage. A retry takes one token; a call that
 * succeeds gives back what its retries took, and one that succeeds at once adds a fifth of a token. So retries that work
 * cost nothing, and when nothing works they stop after `capacity`, and come back with the successes after it: at 200 calls
 * a second a whole token every 25 ms.
 *
 * A retry under way has taken its token and not yet given it back. So that many concurrent retries do not look like an
 * outage (they may all stand in the queue for a permit), an empty budget counts only while most attempts fail.
 */
import type { LlmError } from "../../model/LlmError.ts"
import { perModel } from "./PerModel.ts"

export interface RetryBudget {
  /** Takes one retry; false where none is left. */
  readonly take: () => boolean
  /** True while a retry is left. */
  readonly isOpen: () => boolean
  /** A call succeeded after `taken` retries. */
  readonly succeeded: (taken: number) => void
  /** An attempt failed that is worth trying again: the first, or the one after `taken` retries. */
  readonly failed: (error: LlmError, taken: number) => void
}

/** Retries that may fail in a row before they stop, and what one success at the first try adds. */
const capacity = 100
const earned = 0.2
/** How many of the last attempts say whether most of them fail. */
const remembered = 100

/** A full budget. */
export const make = (): RetryBudget => {
  let tokens = capacity
  let successShare = 1
  const note = (outcome: 0 | 1) => {
    successShare += (outcome - successShare) / remembered
  }
  const isOpen = () => tokens >= 1 || successShare >= 0.5
  return {
    isOpen,
    take: () => {
      if (!isOpen()) return false
      tokens = Math.max(0, tokens - 1)
      return true
    },
    succeeded: (taken) => {
      note(1)
      tokens = Math.min(capacity, tokens + (taken === 0 ? earned : taken))
    },
    failed: (error, taken) => {
      // A first rate limit is not a sign of an outage. A second one after the wait may be.
      if (taken > 0 || error.reason._tag !== "RateLimitError") note(0)
    },
  }
}

/** A budget for each model, so that a model that does not exist drains nobody else's. */
export const byModel = (): ((model: string) => RetryBudget) => perModel(make)
