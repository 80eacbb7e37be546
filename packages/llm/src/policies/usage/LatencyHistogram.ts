/** Percentiles of many latencies in bounded memory: 1.02 wide steps, so that a percentile is within 1 % of a true value. */

/** Latencies in milliseconds; 0 where there are none. */
export interface LatencySummary {
  /** How many there are. */
  readonly count: number
  /** The arithmetic mean, exact. */
  readonly meanMs: number
  /** Half of the calls took no longer; within 1 %. */
  readonly p50Ms: number
  /** Within 1 %. */
  readonly p95Ms: number
  /** Within 1 %. */
  readonly p99Ms: number
  /** The longest, exact. */
  readonly maxMs: number
}

const step = Math.log(1.02)
/** Nothing shorter than this is told apart, and nothing longer than two years. */
const shortestMs = 0.01
const maxBuckets = 1500

export class LatencyHistogram {
  private readonly counts = new Map<number, number>()
  private count = 0
  private sumMs = 0
  private maxMs = 0

  /** Adds one latency. What is no time at all is taken for 0. */
  add(ms: number): void {
    const latencyMs = Number.isFinite(ms) ? Math.max(0, ms) : 0
    const bucket = Math.min(maxBuckets, Math.max(0, Math.ceil(Math.log(latencyMs / shortestMs) / step)))
    this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + 1)
    this.count += 1
    this.sumMs += latencyMs
    this.maxMs = Math.max(this.maxMs, latencyMs)
  }

  /** Adds all latencies of another. */
  addAll({ count, counts, maxMs, sumMs }: LatencyHistogram): void {
    for (const [bucket, of] of counts) this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + of)
    this.count += count
    this.sumMs += sumMs
    this.maxMs = Math.max(this.maxMs, maxMs)
  }

  read(): LatencySummary {
    const { count, maxMs, sumMs } = this
    return {
      count,
      meanMs: count === 0 ? 0 : sumMs / count,
      p50Ms: this.percentile(0.5),
      p95Ms: this.percentile(0.95),
      p99Ms: this.percentile(0.99),
      maxMs,
    }
  }

  private percentile(share: number): number {
    const rank = Math.ceil(this.count * share)
    let seen = 0
    for (const [bucket, count] of [...this.counts].sort(([one], [other]) => one - other)) {
      seen += count
      // The middle of the bucket, by ratio.
      if (seen >= rank) return bucket === 0 ? 0 : Math.min(this.maxMs, shortestMs * Math.exp((bucket - 0.5) * step))
    }
    return 0
  }
}
