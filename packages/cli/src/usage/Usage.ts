/** Reads the output of a batch and prints what it took. */
import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"
import { CliOutput } from "effect/cli"
import * as Effect from "effect/Effect"
import { failure } from "../ExitCode.ts"
import { styled } from "../terminal/Colors.ts"
import { say, write } from "../terminal/Streams.ts"
import { type Column, tableLines } from "../terminal/Table.ts"
import { costPlot, histogramLines } from "./UsagePlots.ts"
import { recordOf } from "./UsageRecord.ts"
import { RunningTotals, type Totals } from "./UsageTotals.ts"

/** What the command line of `usage` says. */
export interface UsageInput {
  readonly file: string
  readonly json: boolean
}

const counts: ReadonlyArray<Column> = [
  { title: "model" },
  { title: "answers", isNumber: true },
  { title: "errors", isNumber: true },
  { title: "tokens in", isNumber: true },
  { title: "out", isNumber: true },
  { title: "cost", isNumber: true },
]

const latencies: ReadonlyArray<Column> = [
  { title: "p50", isNumber: true },
  { title: "p95", isNumber: true },
  { title: "max", isNumber: true },
]

/** One table, or below each other the counts and the latencies where there is no room beside each other. */
const totalsTable = (rows: ReadonlyArray<ReadonlyArray<string>>, room: number | undefined): string => {
  const whole = tableLines([...counts, ...latencies], rows, undefined)
  if (room === undefined || whole.every((line) => CliOutput.displayWidth(line) <= room)) return whole.join("\n")
  const names = rows.map(([name = ""]) => name)
  const below = rows.map((row, at) => [names[at] ?? "", ...row.slice(counts.length)])
  return [
    ...tableLines(
      counts,
      rows.map((row) => row.slice(0, counts.length)),
      room,
    ),
    "",
    ...tableLines([{ title: "model" }, ...latencies], below, room),
  ].join("\n")
}

const seconds = (ms: number | undefined): string => (ms === undefined ? "-" : `${(ms / 1000).toFixed(2)} s`)

const cost = ({ answers, costUsd, unpriced }: Totals): string =>
  answers > 0 && unpriced === answers ? "unknown" : `$${costUsd.toFixed(4)}${unpriced > 0 ? "+" : ""}`

const row = (name: string, totals: Totals): ReadonlyArray<string> => [
  name,
  String(totals.answers),
  String(totals.errors),
  String(totals.inputTokens),
  String(totals.outputTokens),
  cost(totals),
  ...[totals.p50Ms, totals.p95Ms, totals.maxMs].map(seconds),
]

interface Batch {
  readonly all: RunningTotals
  readonly models: ReadonlyMap<string, RunningTotals>
  readonly errors: ReadonlyMap<string, number>
  readonly unread: number
}

/** Reads line by line; memory grows by a few numbers for each line. */
const readBatch = async (file: string): Promise<Batch> => {
  const all = new RunningTotals()
  const models = new Map<string, RunningTotals>()
  const errors = new Map<string, number>()
  let unread = 0
  const input = file === "-" ? process.stdin : createReadStream(file)
  const lines = createInterface({ input })
  // A file that cannot be opened is an error of the stream, which the lines do not hear of.
  const broken = new Promise<never>((_, reject) => input.once("error", reject))
  const read = async () => {
    for await (const line of lines) {
      if (line.trim() === "") continue
      const record = recordOf(line)
      if (record === undefined) {
        unread += 1
        continue
      }
      const model = models.get(record.model) ?? new RunningTotals()
      models.set(record.model, model)
      model.add(record)
      all.add(record)
      if (record.errorType !== undefined) errors.set(record.errorType, (errors.get(record.errorType) ?? 0) + 1)
    }
  }
  await Promise.race([read(), broken])
  return { all, models, errors, unread }
}

const report = ({ all, errors, models }: Batch, width: number, room: number | undefined): string => {
  const { stdout } = process
  const heading = (text: string) => styled("bold", text, stdout)
  const total = all.totals()
  const byModel = [...models].map(([name, totals]) => row(name, totals.totals()))
  const sections = [totalsTable([...byModel, ...(models.size > 1 ? [row("all", total)] : [])], room)]
  if (total.unpriced > 0 && total.unpriced < total.answers) {
    sections.push(`+ ${total.unpriced} of ${total.answers} answers have no known price`)
  }
  if (errors.size > 0) {
    const rows = [...errors].toSorted(([, a], [, b]) => b - a).map(([type, count]) => [type, String(count)])
    sections.push(tableLines([{ title: "error" }, { title: "times", isNumber: true }], rows, room).join("\n"))
  }
  const bars = histogramLines(all.latencies, width)
  if (bars.length > 0) sections.push(`${heading("Latency: answers by time")}\n${bars.join("\n")}`)
  const plotted = costPlot(all.costs, width)
  if (plotted !== "") sections.push(`${heading("Cost: US dollars, from the first answer to the last")}\n${plotted}`)
  return sections.join("\n\n")
}

/** Runs `usage`. */
export const usage = Effect.fn(function* ({ file, json }: UsageInput) {
  const batch = yield* Effect.tryPromise({
    try: () => readBatch(file),
    catch: (reason) => failure(`${file}: ${reason instanceof Error ? reason.message : "it cannot be read"}`),
  })
  if (batch.models.size === 0) return yield* failure(`${file}: no line has a response with metadata`)
  if (batch.unread > 0) say(`left out: ${batch.unread} of the lines, which have no response with metadata`)
  const { columns: width, isTTY } = process.stdout
  const text = json
    ? JSON.stringify(
        {
          all: batch.all.totals(),
          models: Object.fromEntries([...batch.models].map(([name, totals]) => [name, totals.totals()])),
          errors: Object.fromEntries(batch.errors),
        },
        undefined,
        2,
      )
    : report(batch, width || 100, isTTY ? width : undefined)
  yield* Effect.promise(() => write(`${text}\n`))
})
