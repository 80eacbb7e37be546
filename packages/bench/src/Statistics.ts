/** The few numbers that a set of noisy measurements is reduced to. */

export interface Summary {
  readonly median: number
  readonly least: number
  readonly most: number
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  const lower = sorted[middle - 1] ?? upper
  return sorted.length % 2 === 1 ? upper : (lower + upper) / 2
}

export const summarise = (values: ReadonlyArray<number>): Summary => ({
  median: median(values),
  least: Math.min(...values),
  most: Math.max(...values),
})

type Rows = ReadonlyMap<string, ReadonlyArray<number>>

/** The least time of a row: whatever else a machine does makes the start of a process slower, and nothing makes it faster. */
export const leastOf = (measured: Rows | undefined, label: string): number => {
  const values = measured?.get(label) ?? []
  return values.length === 0 ? Number.NaN : Math.min(...values)
}

/** The ratio of the least times of two rows. */
export const leastRatio = (measured: Rows | undefined, label: string, to: string): number =>
  leastOf(measured, label) / leastOf(measured, to)
