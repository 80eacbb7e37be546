/** Which lines of an input ask something else than what their results in the output answer. It changes no file. */
import { createReadStream } from "node:fs"
import { keyOf, type LineDefaults, readLine, readResult } from "./BatchLine.ts"
import { IdTable } from "./IdTable.ts"
import { type Line, linesOf } from "./Lines.ts"

/** A line whose request has changed. */
export interface ChangedLine {
  readonly number: number
  readonly id: string | number
  readonly key: string
}

/** What is said of changed lines: the first by name. `than` is what is known of it. */
export const changedMessage = ({ id, number }: ChangedLine, others: number, than = "the output answers"): string =>
  `line ${number} (id ${JSON.stringify(id)}) asks something else than what ${than}` +
  (others === 0 ? "" : `, and ${others} more do`) +
  "; --rerun-changed asks again, --overwrite begins anew"

/**
 * The changed lines of an input, in its order. `results` are files of results, absent ones too; where `retryFailed` is set
 * failures are passed over, since they are asked again anyway. Results without a hash tell no change.
 */
export const changedLines = async (
  results: ReadonlyArray<string>,
  input: string,
  defaults: LineDefaults,
  retryFailed: boolean,
): Promise<ReadonlyArray<ChangedLine>> => {
  const table = new IdTable()
  let hashes = 0
  for (const path of results) {
    for await (const { isEnded, text = "" } of existing(path)) {
      const result = isEnded ? readResult(text) : undefined
      if (result?.requestHash === undefined || (retryFailed && result.isFailure)) continue
      table.set(keyOf(result.id), result.isFailure ? "failed" : "answered", -1, result.requestHash)
      hashes += 1
    }
  }
  const changed: Array<ChangedLine> = []
  if (hashes === 0) return changed
  for await (const line of linesOf(createReadStream(input))) {
    const { id, key, problem, requestHash } = readLine(line, defaults)
    if (problem !== undefined || !table.see(key)) continue
    if (table.differs(key, requestHash)) changed.push({ number: line.number, id, key })
  }
  return changed
}

const existing = async function* (path: string): AsyncGenerator<Line> {
  try {
    yield* linesOf(createReadStream(path))
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown
  }
}
