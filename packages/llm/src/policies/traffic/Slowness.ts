/**
 * How many times the usual latency answers take: the median over enough of them that chance is no cause, each relative to
 * what is usual of its model. What is usual is looked for again after each decrease of the limit: where that made answers
 * no faster, the limit was not the cause.
 */
import { perModel } from "../mechanisms/PerModel.ts"

/** The fewest and the most answers that are judged together. */
const fewest = 40
const most = 100
/** Answers of a model from which its usual latency is learnt. */
const learning = 20
/** How fast what is usual follows answers that are faster, slower, and slower though the limit is not the cause. */
const falling = 0.1
const rising = 0.01
const correcting = 0.75

/** The usual latency of one model; 0 until it is learnt. */
interface Usual {
  ms: number
  readonly first: Array<number>
}

/** A decrease of the limit, to a share of it, for slowness. */
export interface Slowed {
  readonly slowness: number
  readonly share: number
}

export class Slowness {
  private readonly usual = perModel((): Usual => ({ ms: 0, first: [] }))
  private latencies: Array<{ readonly usual: Usual; readonly ms: number }> = []
  /** Answers to pass over: the first to come after a change are the fastest. */
  private toSkip = 0
  private slowed: Slowed | undefined
  private isUsed = false

  /** Notes a latency; gives the slowness where enough have come. `isUsed`: the limit may be the cause. */
  add(model: string, ms: number, limit: number, isUsed: boolean): number | undefined {
    const usual = this.usual(model)
    if (usual.ms === 0) {
      usual.first.push(ms)
      if (usual.first.length >= learning) usual.ms = median(usual.first.splice(0))
      return undefined
    }
    this.isUsed ||= isUsed
    if (this.toSkip > 0) {
      this.toSkip -= 1
      return undefined
    }
    this.latencies.push({ usual, ms })
    if (this.latencies.length < sizeFor(limit)) return undefined
    const slowness = median(this.latencies.map((each) => each.ms / each.usual.ms))
    this.learn(slowness)
    this.latencies = []
    this.isUsed = false
    return slowness
  }

  /** The limit was decreased: what was in flight says nothing of the new one. */
  reset(limit: number, slowed: Slowed | undefined): void {
    this.latencies = []
    this.isUsed = false
    this.toSkip = Math.max(limit, fewest / 2)
    this.slowed = slowed
  }

  private learn(slowness: number): void {
    const { slowed } = this
    this.slowed = undefined
    // Where the limit is the cause, the latency falls as the limit does.
    const helped = slowed === undefined || slowness < (slowed.slowness * (3 + slowed.share)) / 4
    const rate = helped ? (this.isUsed ? rising : falling) : correcting
    const models = new Map<Usual, Array<number>>()
    for (const { ms, usual } of this.latencies) {
      const known = models.get(usual)
      if (known === undefined) models.set(usual, [ms])
      else known.push(ms)
    }
    for (const [usual, values] of models) {
      const ms = median(values)
      const share = values.length / this.latencies.length
      const follows = ms >= usual.ms ? rate : slowed === undefined ? falling : correcting
      usual.ms += (ms - usual.ms) * share * follows
    }
  }
}

const sizeFor = (limit: number): number => Math.min(most, Math.max(fewest, limit))

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
