/** Waits that grow, within a deadline, and requests that are sent again after failures that pass. */
import { setTimeout as sleep } from "node:timers/promises"
import { ServiceFailure } from "./services/ServiceHttp.ts"

/** The deadline of the command line has come. */
export class OutOfTime extends Error {
  override readonly name = "OutOfTime"
}

/** How each wait is longer than the one before it, and the longest. */
const growth = 1.5
const longestMs = 5 * 60_000

/** The longest that a timer runs, 24 days: a longer one would ring at once. */
const longestTimerMs = 2 ** 31 - 1

/** How often a step that must not fail quietly is tried. */
export const maxTries = 6

/** When to look again, and when to give up. */
export class Patience {
  private readonly firstMs: number
  private readonly endMs: number
  private readonly signal: AbortSignal

  /** `deadlineMs` counts from now on. */
  constructor(firstMs: number, deadlineMs: number | undefined, signal: AbortSignal) {
    this.firstMs = firstMs
    this.endMs = deadlineMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + deadlineMs
    this.signal = signal
  }

  /** The wait after `looks` looks in vain, in milliseconds. */
  waitMs(looks: number, atLeastMs = 0): number {
    const grown = Math.min(this.firstMs * growth ** looks, Math.max(longestMs, this.firstMs))
    return Math.max(grown, atLeastMs)
  }

  /** Waits. Rejects with `OutOfTime` where the deadline comes first, and with the reason of an abort. */
  async wait(ms: number): Promise<void> {
    const leftMs = this.endMs - performance.now()
    await sleep(Math.max(0, Math.min(ms, leftMs, longestTimerMs)), undefined, { signal: this.signal }).catch(() => {
      throw this.signal.reason
    })
    if (leftMs <= ms) throw new OutOfTime("the deadline has come")
  }

  /**
   * Does something that changes nothing, until it succeeds or fails for good: a service that is away for an hour is asked
   * again. `onTrouble` is told of each failure that passes.
   */
  async persist<A>(act: () => Promise<A>, onTrouble: (failure: ServiceFailure) => void): Promise<A> {
    for (let looks = 0; ; looks++) {
      try {
        return await act()
      } catch (thrown) {
        if (!(thrown instanceof ServiceFailure) || !thrown.isTransient) throw thrown
        onTrouble(thrown)
        await this.wait(this.waitMs(looks, thrown.retryAfterMs))
      }
    }
  }
}
