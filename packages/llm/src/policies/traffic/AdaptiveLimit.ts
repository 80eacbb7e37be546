/**
 * A limit that is found: additive increase and multiplicative decrease (Chiu and Jain 1989), with the plateau of CUBIC (Ha,
 * Rhee and Xu 2008) below the last limit that was too high, so that few requests are refused by trying; and decrease by the
 * gradient of latencies, as Netflix's concurrency-limits (Gradient2) and Envoy's adaptive concurrency do, with a headroom of
 * half the square root. It counts; it holds nobody up.
 */
import { Slowness } from "./Slowness.ts"

export interface AdaptiveLimits {
  readonly min: number
  readonly max: number
  readonly initial: number
  /** How many times the usual latency counts as overload. */
  readonly tolerance: number
}

/** What is left of the limit after a refusal. */
const decrease = 0.8
/** The steepest decrease for slowness. */
const steepest = 0.5
/** How far below that, until enough answers have come. */
const probe = 0.7
/** The growth while no limit has been too high yet. */
const increase = 1.5
/** Answers before the first growth, from which the usual latency is learnt. */
const learning = 20
/** Rounds at the plateau before a higher limit is tried again. */
const plateauRounds = 10
/** Refusals round after round are an outage from here on, and say nothing of the capacity. */
const outageRounds = 3

export class AdaptiveLimit {
  private readonly limits: AdaptiveLimits
  private readonly slowness = new Slowness()
  private limit: number
  /** Counts the changes of the limit: a request says something of the limit under which it was sent. */
  private generation = 0
  private decreasedAt = 0
  /** The last limit that was not too high, as far as is known. */
  private plateau = Number.POSITIVE_INFINITY
  private roundsAtPlateau = 0
  private stepsBeyond = 0
  private refusedRounds = 0
  private plateauBefore = Number.POSITIVE_INFINITY
  /** While the usual latency is looked for below it: the limit to go on with. */
  private afterProbe: number | undefined
  private total = 0
  /** The answers of this round, to requests that were sent under this limit. */
  private answers = 0
  private isUsed = false

  constructor(limits: AdaptiveLimits) {
    this.limits = limits
    this.limit = limits.initial
  }

  /** Requests that may be in flight now. */
  get count(): number {
    return Math.floor(this.limit)
  }

  /** A request is sent, so that so many are in flight. Gives what `answered` and `refused` ask for. */
  sent(inFlight: number): number {
    if (inFlight >= this.count) this.isUsed = true
    return this.generation
  }

  /** A request began to be answered after so long. */
  answered(generation: number, model: string, latencyMs: number): void {
    this.total += 1
    if (generation < this.decreasedAt) return
    const slowness = this.slowness.add(model, latencyMs, this.count, this.isUsed)
    if (slowness !== undefined && this.afterProbe !== undefined) return this.endProbe(this.afterProbe)
    if (slowness !== undefined && slowness > this.limits.tolerance && this.isUsed) return this.slowDown(slowness)
    if (generation !== this.generation) return
    this.answers += 1
    if (this.answers >= this.count && this.total >= learning) this.endRound()
  }

  /** A request was refused for want of capacity. Those sent before the last decrease do not decrease again. */
  refused(generation: number): void {
    if (generation < this.decreasedAt) return
    if (this.refusedRounds === 0) this.plateauBefore = Math.min(this.limit, this.plateau)
    this.refusedRounds += 1
    const isBelow = this.limit <= this.plateau && Number.isFinite(this.plateau)
    if (this.refusedRounds >= outageRounds) this.plateau = this.plateauBefore
    else this.plateau = isBelow ? this.limit * 0.9 : this.count - 1
    this.afterProbe = undefined
    this.slowness.reset(this.count, undefined)
    this.decreaseTo(this.limit * decrease)
  }

  /** Falls further at first than it stays, so that the usual latency shows, and whether the limit is the cause. */
  private slowDown(slowness: number): void {
    const before = this.limit
    const next = Math.min(before * 0.95, before * Math.max(steepest, 1 / slowness) + Math.sqrt(before) / 2)
    this.decreaseTo(next * probe)
    this.afterProbe = Math.max(this.limits.min, next)
    this.slowness.reset(this.count, { slowness, share: this.limit / before })
  }

  private endProbe(limit: number): void {
    this.afterProbe = undefined
    this.plateau = limit
    this.moveTo(limit)
    this.startRound()
  }

  private endRound(): void {
    this.refusedRounds = 0
    if (this.isUsed && this.afterProbe === undefined) this.grow()
    this.startRound()
  }

  private grow(): void {
    const { limit, plateau } = this
    if (plateau === Number.POSITIVE_INFINITY) return this.moveTo(limit * increase)
    if (limit < plateau)
      return this.moveTo(Math.min(plateau, limit + Math.max(1, Math.min((plateau - limit) / 2, limit))))
    this.roundsAtPlateau += 1
    if (this.roundsAtPlateau < plateauRounds) return
    this.stepsBeyond += 1
    this.moveTo(limit + Math.min(2 ** (this.stepsBeyond - 1), Math.max(1, limit / 4)))
  }

  private decreaseTo(next: number): void {
    this.roundsAtPlateau = 0
    this.stepsBeyond = 0
    this.moveTo(next)
    this.decreasedAt = this.generation
    this.startRound()
  }

  private moveTo(next: number): void {
    this.limit = Math.min(this.limits.max, Math.max(this.limits.min, next))
    this.generation += 1
  }

  private startRound(): void {
    this.answers = 0
    this.isUsed = false
  }
}
