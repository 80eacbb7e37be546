/** Adds up what the answers of a batch took, for each model. It reads no file and prints nothing. */
import type { UsageRecord } from "./UsageRecord.ts"

/** The sums of one model, or of all. */
export interface Totals {
  readonly answers: number
  readonly errors: number
  readonly attempts: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
  /** Answers whose price is not known: the cost is that of the others. */
  readonly unpriced: number
  readonly p50Ms: number | undefined
  readonly p95Ms: number | undefined
  readonly maxMs: number | undefined
}

/** The smallest value that at least this share of the sorted values does not exceed; undefined where there are none. */
export const percentile = (sorted: ReadonlyArray<number>, share: number): number | undefined =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]

/** Sums that grow with each record. Latencies of answers are kept: eight bytes each. */
export class RunningTotals {
  private answers = 0
  private attempts = 0
  private inputTokens = 0
  private outputTokens = 0
  private costUsd = 0
  private unpriced = 0
  private errors = 0
  /** Of answers, in the order of the lines, in milliseconds. */
  readonly latencies: Array<number> = []
  /** The cost so far after each answer. */
  readonly costs: Array<number> = []

  add(record: UsageRecord): void {
    this.attempts += record.attempts
    this.inputTokens += record.inputTokens
    this.outputTokens += record.outputTokens
    this.costUsd += record.costUsd ?? 0
    if (record.errorType !== undefined) {
      this.errors += 1
      return
    }
    this.answers += 1
    if (record.costUsd === undefined) this.unpriced += 1
    if (record.latencyMs !== undefined) this.latencies.push(record.latencyMs)
    this.costs.push(this.costUsd)
  }

  totals(): Totals {
    const { answers, attempts, costUsd, errors, inputTokens, outputTokens, unpriced } = this
    const sorted = Float64Array.from(this.latencies).toSorted()
    const at = (share: number) => percentile(Array.from(sorted), share)
    return {
      ...{ answers, errors, attempts, inputTokens, outputTokens, costUsd, unpriced },
      p50Ms: at(0.5),
      p95Ms: at(0.95),
      maxMs: sorted.at(-1),
    }
  }
}
