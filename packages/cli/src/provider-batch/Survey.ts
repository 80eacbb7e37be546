/** Goes through the input once, before anything is sent: which lines are to be sent, and where those stand that were. */
import { createReadStream } from "node:fs"
import { type BatchLine, type LineDefaults, readLine, refusal, unique } from "../batch/BatchLine.ts"
import type { ChangedLine } from "../batch/ChangedLines.ts"
import { type Line, linesOf } from "../batch/Lines.ts"
import type { Results } from "../batch/Results.ts"
import type { Progress } from "../batch/RunBatch.ts"
import type { BatchJournal } from "./BatchJournal.ts"

/** What there is to do. */
export interface Survey {
  /** Numbers of the lines that are to be sent, in their order. */
  readonly open: ReadonlyArray<number>
  /** Where lines without a result begin in the input, by their keys. */
  readonly places: ReadonlyMap<string, number>
  /** Lines that ask something else than what was sent of them. */
  readonly changed: ReadonlyArray<ChangedLine>
}

/** Surveys the input. Lines that cannot be asked get their results here. */
export const survey = async (
  input: string,
  defaults: LineDefaults,
  results: Results,
  journal: BatchJournal,
  progress: Progress,
): Promise<Survey> => {
  const open: Array<number> = []
  const places = new Map<string, number>()
  const changed: Array<ChangedLine> = []
  const pending = journal.pending()
  let place = 0
  // Every line is expected at once: what comes first is up to the service.
  results.stop()
  for await (const read of linesOf(createReadStream(input))) {
    const start = place
    place = read.end
    progress.readBytes = read.end
    const line = unique(readLine(read, defaults), read.number, results.see)
    await results.expect(line.key)
    if (results.standing(line.key) !== "open") {
      progress.skipped += 1
      continue
    }
    if (line.request === undefined) {
      await results.put(line.key, refusal(line))
      progress.failed += 1
      continue
    }
    places.set(line.key, start)
    const sent = pending.get(line.key)
    if (sent?.requestHash !== line.requestHash) {
      open.push(read.number)
      if (sent !== undefined) changed.push({ number: read.number, id: line.id, key: line.key })
    }
  }
  return { open, places, changed }
}

/** The lines with these numbers. */
export const linesWith = async function* (
  input: string,
  numbers: ReadonlyArray<number>,
  defaults: LineDefaults,
): AsyncGenerator<BatchLine> {
  let next = 0
  if (numbers.length === 0) return
  for await (const line of linesOf(createReadStream(input))) {
    if (line.number !== numbers[next]) continue
    yield readLine(line, defaults)
    next += 1
    if (next === numbers.length) return
  }
}

/** The line that begins at a place. */
export const lineAt = async (input: string, place: number): Promise<Line | undefined> => {
  for await (const line of linesOf(createReadStream(input, { start: place }))) return line
  return undefined
}
