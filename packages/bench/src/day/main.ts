/**
 * `npm run bench:day`: the day of a reader program through plain retries and through the policies of traffic, as a table and a
 * plot. `--write` puts them into docs/day.md. It fails where providers refuse one request in a thousand or more.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { dayOf } from "./Day.ts"
import { page, reportOf } from "./DayReport.ts"
import { runDay } from "./RunDay.ts"
import { plainRetries, trafficPolicies } from "./Stacks.ts"

const seed = 1
const day = dayOf(seed)
const reports = []
for (const [name, { counts, layer }] of [
  ["plain retries", plainRetries()],
  ["policies of traffic", trafficPolicies()],
] as const) {
  reports.push(reportOf(name, await runDay(layer, day), counts))
}
const text = page(day, reports)
console.log(text)
if (process.argv.includes("--write")) {
  const file = new URL("../../../../docs/day.md", import.meta.url)
  const before = readFileSync(file, "utf8")
  const marks = ["<!-- the day -->", "<!-- end of the day -->"] as const
  const [head] = before.split(marks[0])
  const [, tail] = before.split(marks[1])
  writeFileSync(file, `${head}${marks[0]}\n\n${text}\n${marks[1]}${tail}`)
}
const last = reports.at(-1)
if (last !== undefined && last.refusedShare >= 0.001) {
  console.error(`providers refused ${(100 * last.refusedShare).toFixed(2)} % of the requests`)
  process.exitCode = 1
}
