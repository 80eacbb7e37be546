/**
 * What a batch may cost. A line is begun only where what was spent, and what the lines under way may cost, leave room for
 * it: each is taken to cost as much as the dearest so far, and until a first one is known they go one by one.
 */

/** Whether a line may begin. `stop`: the budget is used up, or a price is not known. */
export type Admission = "go" | "stop"

export class Budget {
  /** Dollars spent, by answers whose price is known. */
  spentUsd: number
  /** How many lines ended whose price is not known. */
  unpriced = 0
  /** Why no further line begins, once that is so. */
  problem: string | undefined
  private readonly limitUsd: number
  private dearestUsd: number | undefined
  private underWay = 0
  private waiting: Array<() => void> = []

  /** `spentUsd` is what earlier runs of the same batch have spent. */
  constructor(limitUsd = Number.POSITIVE_INFINITY, spentUsd = 0) {
    this.limitUsd = limitUsd
    this.spentUsd = spentUsd
  }

  /** Waits until a line may begin, or may not. */
  async admit(): Promise<Admission> {
    while (this.problem === undefined && !this.hasRoom()) {
      if (this.underWay === 0) {
        this.problem = `the budget of $${this.limitUsd} is used up: $${this.spentUsd.toFixed(4)} spent`
        break
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
    if (this.problem !== undefined) return "stop"
    this.underWay += 1
    return "go"
  }

  /** A line has ended: what it cost, `undefined` where that is not known. */
  settle(costUsd: number | undefined): void {
    this.underWay -= 1
    if (costUsd !== undefined) {
      this.spentUsd += costUsd
      this.dearestUsd = Math.max(this.dearestUsd ?? 0, costUsd)
    } else {
      this.unpriced += 1
    }
    if (costUsd === undefined && Number.isFinite(this.limitUsd)) {
      this.problem ??= "an answer's price is not known, so that no budget can be kept: leave --budget out"
    }
    for (const wake of this.waiting.splice(0)) wake()
  }

  private hasRoom(): boolean {
    if (this.limitUsd === Number.POSITIVE_INFINITY) return true
    if (this.spentUsd >= this.limitUsd) return false
    if (this.dearestUsd === undefined) return this.underWay === 0
    return this.spentUsd + (this.underWay + 1) * this.dearestUsd <= this.limitUsd
  }
}
