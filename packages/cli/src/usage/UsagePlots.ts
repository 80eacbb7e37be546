/** Plots of a batch: how many answers took how long, and the cost as it grew. */
import { plot } from "simple-ascii-chart"

/** At most this many points: more than a terminal has columns. */
const sampled = (values: ReadonlyArray<number>, points: number): Array<[number, number]> => {
  const count = Math.min(points, values.length)
  return Array.from({ length: count }, (_, index) => {
    const at = count === 1 ? 0 : Math.round((index * (values.length - 1)) / (count - 1))
    return [at + 1, values[at] ?? 0]
  })
}

const seconds = (ms: number): string => (ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(0)} s`)

/** Bars of a histogram with bounds that grow by the same factor: latencies have long tails. */
export const histogramLines = (values: ReadonlyArray<number>, columns: number): ReadonlyArray<string> => {
  if (values.length === 0) return []
  let least = Infinity
  let most = 0
  for (const value of values) {
    least = Math.min(least, Math.max(1, value))
    most = Math.max(most, value)
  }
  const bars = most / least < 1.05 ? 1 : 8
  const factor = (most / least) ** (1 / bars)
  const counts = Array.from({ length: bars }, () => 0)
  for (const value of values) {
    const bar = bars === 1 ? 0 : Math.floor(Math.log(Math.max(1, value) / least) / Math.log(factor))
    counts[Math.min(bars - 1, bar)] = (counts[Math.min(bars - 1, bar)] ?? 0) + 1
  }
  const highest = Math.max(...counts)
  const room = Math.max(10, Math.min(columns, 100) - 30)
  return counts.map((count, bar) => {
    const upTo = `≤ ${seconds(least * factor ** (bar + 1))}`.padStart(10)
    return `${upTo}  ${"█".repeat(Math.ceil((count / highest) * room))} ${count}`
  })
}

/** The cost after each answer, as a line. */
export const costPlot = (costs: ReadonlyArray<number>, columns: number): string =>
  costs.length < 2 || costs.at(-1) === 0 || !costs.every(Number.isFinite)
    ? ""
    : plot(sampled(costs, 400), {
        width: Math.max(20, Math.min(columns, 100) - 16),
        height: 8,
        hideXAxisTicks: true,
        formatter: (value, { axis }) => (axis === "y" ? `$${value.toPrecision(3)}` : String(Math.round(value))),
      }).replace(/^\n+|\s+$/g, "")
