/** The last values of something, in bounded memory, with their exact percentiles. */

/** Enough for a p99, and few enough to follow a service that changes. */
const remembered = 250

export class RecentValues {
  private readonly inOrder: Array<number> = []
  private readonly sorted: Array<number> = []

  /** How many there are: at most 250. */
  get count(): number {
    return this.sorted.length
  }

  /** Adds a value; the oldest gives way. */
  add(value: number): void {
    if (this.inOrder.length === remembered) {
      this.sorted.splice(this.placeOf(this.inOrder.shift() ?? value), 1)
    }
    this.inOrder.push(value)
    this.sorted.splice(this.placeOf(value), 0, value)
  }

  /** The least value that `share` of them do not exceed; undefined where there are none. */
  percentile(share: number): number | undefined {
    return this.sorted[Math.max(0, Math.ceil(share * this.sorted.length) - 1)]
  }

  /** Where the first value stands that is not below this one. */
  private placeOf(value: number): number {
    let low = 0
    let high = this.sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.sorted[middle] ?? 0) < value) low = middle + 1
      else high = middle
    }
    return low
  }
}
