/**
 * What a service said is left of a limit, less what was sent since, and until when that counts. A wait of up to a day is
 * taken at its word; no longer one is, so that no service shuts a client for good: then one request a minute asks again.
 */
import { longestToldMs } from "../mechanisms/Judgement.ts"
import { windowMs } from "./SlidingWindow.ts"

export class ToldLimit {
  /** What may still be used until the limit is whole again. */
  left: number
  /** Until when that counts; monotonic milliseconds. */
  private untilMs: number
  /** True where the service named a time that is not believed: one request at a time asks what is true. */
  private readonly isDoubted: boolean

  /** `resetMs` is how long it counts by the service's own word; without one it is a minute. */
  constructor(left: number, resetMs: number = windowMs, nowMs: number) {
    this.left = left
    // NaN, from a service of the program's own, is not believed either.
    this.isDoubted = !(resetMs <= longestToldMs)
    this.untilMs = nowMs + (this.isDoubted ? windowMs : resetMs)
  }

  /** Milliseconds until so much may be used. */
  waitMs(amount: number, nowMs: number): number {
    return this.left >= amount ? 0 : this.untilMs - nowMs
  }

  /** Takes so much of it. True for a request that asks whether a doubted limit holds: the next one waits a minute for it. */
  take(amount: number, nowMs: number): boolean {
    const isProbe = this.isDoubted && !(this.left >= amount)
    if (isProbe) this.untilMs = nowMs + windowMs
    this.left -= amount
    return isProbe
  }
}
