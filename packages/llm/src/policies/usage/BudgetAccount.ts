/** What has been used and what is reserved of one amount, for good or within a time. It knows no call and never waits. */

/** What was used within one step of the time. */
interface Step {
  readonly number: number
  amount: number
}

/** How finely what was used expires: it counts for the time, and for no more than a hundredth of it longer. */
const stepsInTime = 100

/** Amounts are whole numbers of the smallest unit, so that sums are exact. */
export class BudgetAccount {
  readonly limit: number
  private readonly perMs: number
  private readonly stepMs: number
  private steps: Array<Step> = []
  private usedSoFar = 0
  private reservedNow = 0
  private underWay = 0

  /** `perMs` is the time for which what was used counts: Infinity for good. */
  constructor(limit: number, perMs: number) {
    this.limit = limit
    this.perMs = perMs
    this.stepMs = perMs / stepsInTime
  }

  /** What has been used, within the time. */
  used(nowMs: number): number {
    this.expire(nowMs)
    return this.usedSoFar
  }

  /** What is held for requests in flight. */
  get reserved(): number {
    return this.reservedNow
  }

  /** True where everything is used or reserved. */
  isUsedUp(nowMs: number): boolean {
    return this.used(nowMs) + this.reservedNow >= this.limit
  }

  /** True where `amount` fits beside what was used and what is reserved. Nothing always fits. */
  fits(amount: number, nowMs: number): boolean {
    return amount === 0 || this.used(nowMs) + this.reservedNow + amount <= this.limit
  }

  /** Holds an amount until it is settled. */
  reserve(amount: number): void {
    this.reservedNow += amount
    this.underWay += 1
  }

  /** Gives a reserved amount back, and notes what was used in its place. */
  settle(reserved: number, used: number, nowMs: number): void {
    this.reservedNow -= reserved
    this.underWay -= 1
    this.usedSoFar += used
    const number = Number.isFinite(this.stepMs) ? Math.floor(nowMs / this.stepMs) : 0
    const last = this.steps.at(-1)
    if (last?.number === number) last.amount += used
    else this.steps.push({ number, amount: used })
  }

  /** Milliseconds until `amount` fits if nothing else is used and what is reserved stays so; undefined where it never does. */
  freeInMs(amount: number, nowMs: number): number | undefined {
    if (!Number.isFinite(this.perMs) || amount > this.limit) return undefined
    let missing = this.used(nowMs) + this.reservedNow + amount - this.limit
    for (const { amount: freed, number } of this.steps) {
      missing -= freed
      if (missing <= 0) return this.endMs(number) - nowMs
    }
    // What is reserved is in the way: it is used, or given back, and counts for no longer than the time from then on.
    return this.perMs
  }

  /** True where it is as it was at the beginning, and nothing is under way that may yet use some of it. */
  isUntouched(nowMs: number): boolean {
    return this.underWay === 0 && this.used(nowMs) === 0
  }

  private endMs(number: number): number {
    return (number + 1) * this.stepMs + this.perMs
  }

  private expire(nowMs: number): void {
    for (let first = this.steps[0]; first !== undefined && this.endMs(first.number) <= nowMs; first = this.steps[0]) {
      this.usedSoFar -= first.amount
      this.steps.shift()
    }
  }
}
