/**
 * Where results go, and which there are already. As they finish, the output itself is the journal: each result is a line of
 * it at once. In the order of the input, results that came early stand in a journal beside the output until their turn, so
 * that a kill loses none.
 */
import { createReadStream, createWriteStream } from "node:fs"
import { rename, rm, stat } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { AppendedFile } from "./AppendedFile.ts"
import { keyOf, type LineResult, type ReadResult, readResult } from "./BatchLine.ts"
import { IdTable, type Standing } from "./IdTable.ts"
import { type Line, linesOf } from "./Lines.ts"

/** What is there before a run begins. */
export interface Found {
  readonly answered: number
  readonly failed: number
  readonly costUsd: number
}

/** Takes results, each once. */
export interface Results {
  readonly found: Found
  /** How the line with this key stands. */
  readonly standing: (key: string) => Standing
  /** True where the line with this key has a result that answers another request. */
  readonly isChanged: (key: string, requestHash: string) => boolean
  /** Notes that the input has this key; false where it has had it before. */
  readonly see: (key: string) => boolean
  /** A line is up that has no result, or whose result may have to be written in its turn. */
  readonly expect: (key: string) => Promise<void>
  /** Takes the result of a line. Resolves once it survives the end of this process. */
  readonly put: (key: string, result: LineResult) => Promise<void>
  /** Lets go of what waits in `expect`: no further line begins. */
  readonly stop: () => void
  /** Ends. `isComplete` says that every line of the input has its result. */
  readonly close: (isComplete: boolean) => Promise<void>
}

/** A file that is no output of a batch. */
export class NotOurs extends Error {
  override readonly name = "NotOurs"
}

/** How far a line may be ahead of the first that is not finished, in the order of the input. */
const window = 4096

/** Where results in the order of the input wait for their turn. */
export const journalOf = (output: string): string => `${output}.journal`

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Reads what a file says of lines into a table. */
const reading =
  (path: string, table: IdTable, found: { answered: number; failed: number; costUsd: number }, isJournal: boolean) =>
  (line: Line, start: number): void => {
    const { number, text = "" } = line
    if (!line.isEnded) {
      const begin = '{"id":'
      if (begin.startsWith(text.slice(0, begin.length))) return
      throw new NotOurs(`${path} is no output of a batch (line ${number}): choose another file, or pass --overwrite`)
    }
    const result = readResult(text)
    if (result === undefined) {
      throw new NotOurs(`${path} is no output of a batch (line ${number}): choose another file, or pass --overwrite`)
    }
    const key = keyOf(result.id)
    // What waits in the journal may have been written to the output since.
    if (isJournal && table.find(key).standing !== "open") return
    table.set(key, result.isFailure ? "failed" : "answered", isJournal ? start : -1, result.requestHash)
    found.costUsd += result.costUsd
    if (result.isFailure) found.failed += 1
    else found.answered += 1
  }

const keptLines = async function* (path: string, isKept: (result: ReadResult) => boolean): AsyncGenerator<string> {
  for await (const { isEnded, text = "" } of linesOf(createReadStream(path))) {
    const result = isEnded ? readResult(text) : undefined
    if (result !== undefined && isKept(result)) yield `${text}\n`
  }
}

/** Takes results out of an output, so that their lines are asked again. The file is replaced as a whole. */
const prune = async (output: string, ordered: boolean, isKept: (result: ReadResult) => boolean): Promise<void> => {
  const target = ordered ? journalOf(output) : output
  const parts = [output, ...(ordered ? [journalOf(output)] : [])]
  const kept = `${output}.kept`
  const file = createWriteStream(kept, { flush: true })
  await pipeline(async function* () {
    for (const part of parts) if (await exists(part)) yield* keptLines(part, isKept)
  }, file)
  await rename(kept, target)
  // In the order of the input everything is written anew, from the journal.
  if (ordered) await rm(output, { force: true })
}

/** How results are kept. */
export interface ResultOptions {
  readonly ordered: boolean
  readonly overwrite: boolean
  readonly retryFailed: boolean
  /** Keys whose results are forgotten. */
  readonly forget?: ReadonlySet<string>
}

/** Results in a file. What an earlier run wrote there is found again. */
export const inFile = async (output: string, options: ResultOptions): Promise<Results> => {
  const { forget = new Set<string>(), ordered, overwrite, retryFailed } = options
  if (overwrite) for (const path of [output, journalOf(output)]) await rm(path, { force: true })
  const table = new IdTable()
  const found = { answered: 0, failed: 0, costUsd: 0 }
  if ((retryFailed || forget.size > 0) && (await exists(output))) {
    // Looked at first: nothing of a file that is not ours is touched.
    await (await AppendedFile.open(output, reading(output, new IdTable(), { ...found }, false))).close()
    await prune(output, ordered, ({ id, isFailure }) => !(retryFailed && isFailure) && !forget.has(keyOf(id)))
  }
  const file = await AppendedFile.open(output, reading(output, table, found, false))
  if (!ordered && !(await exists(journalOf(output))))
    return asFinished(
      table,
      found,
      async (line) => void (await file.append(line)),
      () => file.close(),
    )
  const journal = await AppendedFile.open(journalOf(output), reading(journalOf(output), table, found, true))
  return inOrder(table, found, {
    write: async (line) => void (await file.append(line)),
    keep: (line) => journal.append(line),
    kept: (place) => journal.read(place),
    close: async (isComplete) => {
      await file.close()
      await journal.close()
      if (isComplete) await rm(journalOf(output), { force: true })
    },
  })
}

/** Results that are only handed on; nothing is found again. */
export const handedOn = (write: (line: string) => Promise<void>, ordered: boolean): Results => {
  const found = { answered: 0, failed: 0, costUsd: 0 }
  const close = () => Promise.resolve()
  return ordered
    ? inOrder(new IdTable(), found, { write, keep: () => Promise.resolve(-1), kept: () => Promise.resolve(""), close })
    : asFinished(new IdTable(), found, write, close)
}

const standingOf = (result: LineResult): Standing => ("error" in result ? "failed" : "answered")

const asFinished = (
  table: IdTable,
  found: Found,
  write: (line: string) => Promise<void>,
  close: () => Promise<void>,
): Results => ({
  found,
  standing: (key) => table.find(key).standing,
  isChanged: (key, requestHash) => table.differs(key, requestHash),
  see: (key) => table.see(key),
  expect: () => Promise.resolve(),
  stop: () => {},
  put: async (key, result) => {
    await write(JSON.stringify(result))
    table.set(key, standingOf(result))
  },
  close,
})

/** Where results in order are written, and where they wait. */
interface Places {
  readonly write: (line: string) => Promise<void>
  /** Keeps a result that waits, and says where. */
  readonly keep: (line: string) => Promise<number>
  readonly kept: (place: number) => Promise<string>
  readonly close: (isComplete: boolean) => Promise<void>
}

const inOrder = (table: IdTable, found: Found, places: Places): Results => {
  /** Keys in the order of the input whose results are not written yet. */
  let turns: Array<string> = []
  /** How many of them are written. */
  let written = 0
  const ready = new Map<string, string>()
  const waiting: Array<() => void> = []
  let draining: Promise<void> = Promise.resolve()
  let isStopped = false

  const drain = async (): Promise<void> => {
    for (let key = turns[written]; key !== undefined; key = turns[written]) {
      const { place, standing } = table.find(key)
      if (standing === "open") break
      await places.write(ready.get(key) ?? (await places.kept(place)))
      ready.delete(key)
      table.set(key, standing)
      written += 1
    }
    if (written >= window) {
      turns = turns.slice(written)
      written = 0
    }
    if (turns.length - written < window) for (const wake of waiting.splice(0)) wake()
  }

  /** One at a time. */
  const drained = (): Promise<void> => {
    draining = draining.then(drain, drain)
    return draining
  }

  return {
    found,
    standing: (key) => table.find(key).standing,
    isChanged: (key, requestHash) => table.differs(key, requestHash),
    see: (key) => table.see(key),
    expect: async (key) => {
      const { place, standing } = table.find(key)
      // It stands in the output already.
      if (standing !== "open" && place === -1) return
      turns.push(key)
      if (standing !== "open") await drained()
      if (turns.length - written >= window && !isStopped) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    put: async (key, result) => {
      const line = JSON.stringify(result)
      const place = await places.keep(line)
      // More than that is read again when its turn comes.
      if (place === -1 || ready.size < window) ready.set(key, line)
      table.set(key, standingOf(result), place)
      await drained()
    },
    stop: () => {
      isStopped = true
      for (const wake of waiting.splice(0)) wake()
    },
    close: async (isComplete) => {
      await drained()
      await places.close(isComplete)
    },
  }
}
