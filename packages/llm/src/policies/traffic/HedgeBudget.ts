/**
 * What second requests may still cost: each request that is answered earns a share of one, and money is reserved before a
 * second request is sent, by the highest cost among the last answers of its model. It counts; it sends nothing.
 */
import { shownValue } from "../../model/KeyShape.ts"

/** What second requests may cost, at most. */
export interface HedgeLimits {
  /**
   * The most second requests, as a share of the first ones that were answered: above 0, at most 1. Up to 10 that were not
   * needed are saved up. Default 0.05.
   */
  readonly maxRequests?: number | undefined
  /**
   * The most that second requests may cost altogether, in US dollars. One that is interrupted counts with the highest cost
   * among the last 250 answers of its model; at an unknown price none is sent. Default: no limit.
   */
  readonly maxCostUsd?: number | undefined
  /** The same as a share of what first requests have cost so far. Default: no limit. */
  readonly maxCostShare?: number | undefined
}

/** Second requests that may be saved up, so that a quiet day does not pay for a flood of them in an outage. */
const mostSaved = 10
const defaultShare = 0.05
/** Sums of shares are not exact: twenty times 0.05 is a whole request. */
const rounding = 1e-9

/** Limits for several Layers together: give it to each of their `withHedge`. It lasts as long as the program keeps it. */
export class HedgeBudget {
  /** What it was made with. */
  readonly limits: HedgeLimits
  private saved = 0
  private spent = 0
  private firstsUsd = 0

  constructor(limits: HedgeLimits = {}) {
    this.limits = limits
  }

  /** What second requests have cost so far, in US dollars, those under way and those that were interrupted as reserved. */
  get spentUsd(): number {
    return this.spent
  }

  /** A first request was answered. */
  answered(): void {
    this.saved = Math.min(mostSaved, this.saved + (this.limits.maxRequests ?? defaultShare))
  }

  /** What a first request cost. */
  paid(costUsd: number): void {
    this.firstsUsd += costUsd
  }

  /** Takes a second request that may cost `costUsd` (undefined: nobody knows); false where none is left. */
  take(costUsd: number | undefined): boolean {
    if (this.saved < 1 - rounding || !this.canPay(costUsd)) return false
    this.spend(costUsd)
    return true
  }

  /** A second request was repeated within: it counts like another one, whether it is left or not. */
  spend(costUsd: number | undefined): void {
    this.saved -= 1
    this.spent += costUsd ?? 0
  }

  /** A second request was not sent. */
  giveBack(costUsd: number | undefined): void {
    this.saved = Math.min(mostSaved, this.saved + 1)
    this.settle(costUsd, 0)
  }

  /** What a second request cost, in place of what was reserved for it. */
  settle(reservedUsd: number | undefined, costUsd: number): void {
    this.spent += costUsd - (reservedUsd ?? 0)
  }

  /** A limit on money lets nothing go whose price is not known. */
  private canPay(costUsd: number | undefined): boolean {
    const { maxCostShare, maxCostUsd } = this.limits
    if (costUsd === undefined) return maxCostUsd === undefined && maxCostShare === undefined
    const afterUsd = this.spent + costUsd
    if (afterUsd > (maxCostUsd ?? Number.POSITIVE_INFINITY)) return false
    return maxCostShare === undefined || afterUsd <= maxCostShare * this.firstsUsd
  }
}

/** What is wrong with limits, if anything is. */
export const wrongLimit = ({ maxCostShare, maxCostUsd, maxRequests }: HedgeLimits): string | undefined => {
  if (maxRequests !== undefined && !(Number.isFinite(maxRequests) && maxRequests > 0 && maxRequests <= 1)) {
    return `maxRequests must be a share above 0 and up to 1, not ${shownValue(maxRequests)}`
  }
  for (const [name, value] of Object.entries({ maxCostUsd, maxCostShare })) {
    if (value === undefined || (typeof value === "number" && value >= 0)) continue
    return `${name} must be a number, 0 or more, not ${shownValue(value)}`
  }
  return undefined
}

/** Options whose limits hold for everything that gets them together. */
export const sharing = <Options extends HedgeLimits & { readonly budget?: HedgeBudget | undefined }>(
  options: Options,
): Options => (options.budget === undefined ? { ...options, budget: new HedgeBudget(options) } : options)
