/** What this library has to reach, and what it reached in a run. */
import { growsLinearly } from "../cases/GrowthCase.ts"
import type { ClientName } from "../clients/Clients.ts"
import type { Measured } from "../Crew.ts"
import type { RunResult } from "../Run.ts"
import { leastOf, leastRatio, median } from "../Statistics.ts"
import { digits, times } from "./Table.ts"

export interface Goal {
  readonly title: string
  readonly goal: string
  readonly firstBar: string
  readonly reached: string
  readonly verdict: "goal" | "first bar" | "missed" | "–"
}

/** The client whose numbers are judged: the Promise surface with the whole default stack. */
const judged: ClientName = "wiseflow"

interface Measure {
  readonly title: string
  readonly goal: number
  readonly firstBar: number
  readonly better: "less" | "more"
  readonly show: (value: number) => string
  readonly value: (result: RunResult) => number
}

/** The entry of the promise API that holds all it needs. */
const entry = "@wiseflow/llm/promise"

const middle = (measured: Measured | undefined, name: ClientName): number => median(measured?.get(name) ?? [])

/** The median of the ratios of two clients in the same rounds. */
export const ratioInRounds = (measured: Measured | undefined, name: ClientName, to: ClientName): number => {
  const other = measured?.get(to) ?? []
  return median((measured?.get(name) ?? []).map((value, round) => value / (other[round] ?? Number.NaN)))
}

const cpuOf = (result: RunResult, name: string): Measured | undefined =>
  result.cpu.find((cpuCase) => cpuCase.name === name)?.micros

const overFloor = (title: string, cpuCase: string, goal: number, firstBar: number): Measure => ({
  title,
  goal,
  firstBar,
  better: "less",
  show: times,
  value: (result) => ratioInRounds(cpuOf(result, cpuCase), judged, "undici"),
})

const under = (title: string, cpuCase: string, peer: ClientName, goal: number, firstBar: number): Measure => ({
  title,
  goal,
  firstBar,
  better: "more",
  show: times,
  value: (result) => ratioInRounds(cpuOf(result, cpuCase), peer, judged),
})

const unit =
  (name: string) =>
  (value: number): string =>
    Number.isFinite(value) ? `${digits(value)} ${name}` : "–"

const measures: ReadonlyArray<Measure> = [
  overFloor("call, CPU / `undici.request` + `JSON.parse`", "call-32", 1.5, 2.2),
  under("call, less CPU than `openai`", "call-32", "openai", 8, 5),
  under("call, less CPU than `ai`", "call-32", "ai-openai", 10, 7),
  overFloor("streamed piece, CPU / `undici.request` loop", "stream-large", 1.6, 2.8),
  under("streamed piece, less CPU than `openai`", "stream-large", "openai", 3.5, 2),
  under("streamed piece, less CPU than `ai`", "stream-large", "ai-openai", 12, 7),
  {
    title: "5,000 calls in flight, heap per call",
    goal: 14,
    firstBar: 20,
    better: "less",
    show: unit("KB"),
    value: (result) => middle(result.memoryKb, judged),
  },
  {
    title: "first piece, added to raw undici",
    goal: 150,
    firstBar: 500,
    better: "less",
    show: unit("µs"),
    value: (result) => middle(result.firstPiece?.added, judged),
  },
  {
    title: "import of the promise entry, over bare node",
    goal: 70,
    firstBar: 120,
    better: "less",
    show: unit("ms"),
    value: (result) => leastOf(result.imports?.addedMs, entry),
  },
  {
    title: "import of the promise entry / `openai`",
    goal: 0.7,
    firstBar: 1,
    better: "less",
    show: times,
    value: (result) => leastRatio(result.imports?.addedMs, entry, "openai"),
  },
  {
    title: "import and first answer / `openai`",
    goal: 0.7,
    firstBar: 1,
    better: "less",
    show: times,
    value: (result) => leastRatio(result.imports?.answeredMs, entry, "openai"),
  },
  {
    title: "bundle (Promise entry, OpenAI, streaming), gzip",
    goal: 90,
    firstBar: 150,
    better: "less",
    show: unit("KB"),
    value: (result) => result.bundles?.gzipKb.get(entry) ?? Number.NaN,
  },
]

const verdictOf = (measure: Measure, value: number): Goal["verdict"] => {
  if (!Number.isFinite(value)) return "–"
  const within = (bar: number) => (measure.better === "less" ? value <= bar : value >= bar)
  return within(measure.goal) ? "goal" : within(measure.firstBar) ? "first bar" : "missed"
}

const growthGoal = (result: RunResult): Goal => {
  const axes = result.growth.filter(({ points }) => points.every((point) => point.eachMicros.has(judged)))
  const bent = axes.filter(({ axis, points }) => !growsLinearly(axis, points, judged)).map(({ axis }) => axis)
  const reached = axes.length === 0 ? "–" : bent.length === 0 ? "linear" : `superlinear step: ${bent.join(", ")}`
  return {
    title: "cost grows linearly: calls in flight, pieces, messages",
    goal: "no superlinear step",
    firstBar: "same",
    reached,
    verdict: axes.length === 0 ? "–" : bent.length === 0 ? "goal" : "missed",
  }
}

/** Every goal beside what the run reached. */
export const goals = (result: RunResult): ReadonlyArray<Goal> => [
  ...measures.map((measure) => {
    const value = measure.value(result)
    const sign = measure.better === "less" ? "≤" : "≥"
    return {
      title: measure.title,
      goal: `${sign} ${measure.show(measure.goal)}`,
      firstBar: `${sign} ${measure.show(measure.firstBar)}`,
      reached: measure.show(value),
      verdict: verdictOf(measure, value),
    }
  }),
  growthGoal(result),
]
