/** What a day came to, as a table and a plot in Markdown. */
import { table } from "../report/Table.ts"
import type { Article } from "./Day.ts"
import type { DayResult } from "./RunDay.ts"
import type { DeploymentCount, DeploymentFacts } from "./SimulatedDeployment.ts"

/** The figures of one stack. */
export interface DayReport {
  readonly name: string
  readonly result: DayResult
  readonly requests: number
  readonly refused: number
  /** Of all requests, those that providers refused as too many: 0 to 1. */
  readonly refusedShare: number
  readonly counts: ReadonlyMap<DeploymentFacts, DeploymentCount>
}

export const reportOf = (
  name: string,
  result: DayResult,
  counts: ReadonlyMap<DeploymentFacts, DeploymentCount>,
): DayReport => {
  const all = [...counts.values()]
  const requests = all.reduce((sum, count) => sum + count.requests, 0)
  const refused = all.reduce((sum, count) => sum + count.refused, 0)
  return { name, result, requests, refused, refusedShare: requests === 0 ? 0 : refused / requests, counts }
}

const whole = (count: number): string => count.toLocaleString("en")

const time = (ms: number): string => (ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`)

const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

const rows: ReadonlyArray<readonly [string, (report: DayReport, articles: number) => string]> = [
  [
    "articles answered",
    ({ result }, articles) => `${whole(result.answered)} (${((100 * result.answered) / articles).toFixed(1)} %)`,
  ],
  [
    "articles that failed",
    ({ result: { failures } }) =>
      failures.size === 0 ? "0" : [...failures].map(([type, count]) => `${whole(count)} ${type}`).join(", "),
  ],
  ["requests made", ({ requests }) => whole(requests)],
  [
    "requests that providers refused (429)",
    ({ refused, refusedShare }) => `${whole(refused)} (${(100 * refusedShare).toFixed(2)} %)`,
  ],
  [
    "requests lost in the outage",
    ({ counts }) => whole([...counts.values()].reduce((sum, { failed }) => sum + failed, 0)),
  ],
  ["cost", ({ result }) => `$${result.costUsd.toFixed(2)}`],
  ["cost of 1,000 answers", ({ result }) => `$${((1000 * result.costUsd) / Math.max(1, result.answered)).toFixed(2)}`],
  ["half are answered within", ({ result }) => time(quantile(sorted(result.waitsMs), 0.5))],
  ["95 % are answered within", ({ result }) => time(quantile(sorted(result.waitsMs), 0.95))],
  ["the slowest answer", ({ result }) => time(sorted(result.waitsMs).at(-1) ?? 0)],
]

const sorted = (values: ReadonlyArray<number>): ReadonlyArray<number> => values.toSorted((a, b) => a - b)

const hourMs = 3_600_000

const perHour = (atMs: ReadonlyArray<number>): ReadonlyArray<number> => {
  const hours = Array.from({ length: 24 }, () => 0)
  for (const at of atMs) {
    const hour = Math.min(23, Math.floor(at / hourMs))
    hours[hour] = (hours[hour] ?? 0) + 1
  }
  return hours
}

const width = 40

/** A bar of the articles found in an hour: what was answered in it is full, the rest is light. */
const bar = (found: number, answered: number, most: number): string => {
  const long = Math.round((width * Math.max(found, answered)) / most)
  const full = Math.round((width * answered) / most)
  return "█".repeat(full) + "░".repeat(Math.max(0, long - full))
}

const plot = (day: ReadonlyArray<Article>, { name, result }: DayReport): string => {
  const found = perHour(day.map(({ atMs }) => atMs))
  const answered = perHour(result.answeredAtMs)
  const most = Math.max(...found, ...answered)
  const lines = found.map((count, hour) => {
    const done = answered[hour] ?? 0
    const label = `${String(hour).padStart(2, "0")}:00`
    return `${label} ${String(done).padStart(5)} of ${String(count).padStart(5)} ${bar(count, done, most)}`.trimEnd()
  })
  return [`${name}: articles answered in each hour, of those found in it`, "", ...lines].join("\n")
}

/** The table and a plot for each stack. */
export const page = (day: ReadonlyArray<Article>, reports: ReadonlyArray<DayReport>): string => {
  const figures = rows.map(([what, figure]) => [what, ...reports.map((report) => figure(report, day.length))])
  const plots = reports.map((report) => ["```text", plot(day, report), "```"].join("\n"))
  return [table(["", ...reports.map(({ name }) => name)], figures), ...plots, ""].join("\n\n")
}
