/** How much was used in the last minute, exactly: what is noted counts for a minute and no longer. It never waits. */

/** The time over which limits count. */
export const windowMs = 60_000

/** Something that was used; `amount` may be corrected while it counts. */
export interface Use {
  readonly atMs: number
  amount: number
}

export class SlidingWindow {
  private readonly limit: number
  private uses: Array<Use> = []
  /** Where the uses that still count begin. */
  private first = 0
  private used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Notes a use. */
  take(nowMs: number, amount: number): Use {
    const use = { atMs: nowMs, amount }
    this.uses.push(use)
    this.used += amount
    return use
  }

  /** Corrects a use: what was not needed is free at once. One that counts no longer stays as it is. */
  correct(use: Use, amount: number, nowMs: number): void {
    if (use.atMs + windowMs <= nowMs) return
    this.used += amount - use.amount
    use.amount = amount
  }

  /** Milliseconds until `amount` more fits, if nothing else is taken. More than the limit takes whole minutes more. */
  waitMs(nowMs: number, amount: number): number {
    this.expire(nowMs)
    let missing = this.used + amount - this.limit
    if (missing <= 0) return 0
    const rounds = Math.ceil(missing / this.limit) - 1
    missing -= rounds * this.limit
    for (let at = this.first, use = this.uses[at]; use !== undefined; use = this.uses[++at]) {
      missing -= use.amount
      if (missing <= 0) return use.atMs + (rounds + 1) * windowMs - nowMs
    }
    return (rounds + 1) * windowMs
  }

  private expire(nowMs: number): void {
    for (let use = this.uses[this.first]; use !== undefined && use.atMs + windowMs <= nowMs;) {
      this.used -= use.amount
      this.first += 1
      use = this.uses[this.first]
    }
    if (this.first < 1024) return
    this.uses = this.uses.slice(this.first)
    this.first = 0
  }
}
