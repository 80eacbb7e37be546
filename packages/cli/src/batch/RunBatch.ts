/** Asks each line that has no result, several at once, and puts what comes of it. It opens no file and prints nothing. */
import type { GenerateResponse, LLMInterface } from "@wiseflow/llm"
import { type BatchLine, costOf, type LineDefaults, readLine, refusal, resultOf, unique } from "./BatchLine.ts"
import { changedMessage } from "./ChangedLines.ts"
import type { Budget } from "./Budget.ts"
import type { Line } from "./Lines.ts"
import type { Results } from "./Results.ts"

/** A batch: where its lines come from, who is asked, and where results go. */
export interface Batch {
  readonly lines: AsyncIterator<Line>
  /** Closes the input, so that nobody waits for its next line. */
  readonly closeInput: () => void
  readonly llm: Pick<LLMInterface, "generate">
  readonly results: Results
  readonly defaults: LineDefaults
  readonly budget: Budget
  /** How many lines are under way at once. */
  readonly width: number
  /** True where answers cost nothing, whatever is known of their price. */
  readonly isFree: boolean
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** How far a batch is. It is read while it runs. */
export interface Progress {
  /** Lines answered in this run. */
  answered: number
  /** Lines that failed in this run. */
  failed: number
  /** Lines that had a result from an earlier run. */
  skipped: number
  /** The bytes of input that were read. */
  readBytes: number
}

/** How a batch ended: `problem` is why not every line was asked. */
export interface BatchEnd {
  readonly problem: string | undefined
}

/** Every other line would fail alike: one is enough to say so. */
export const endsAll: ReadonlySet<string> = new Set(["ConfigurationError", "AuthenticationError"])

/** Runs a batch to the end of its input, of its budget, or to an abort, with which it rejects. */
export const runBatch = async (batch: Batch): Promise<BatchEnd> => {
  const { budget, defaults, lines, llm, progress, results, signal, width } = batch
  let problem: string | undefined
  let isStopped = false
  /** No further line begins: what waits for the input, or for a turn, waits no longer. */
  const stop = (why?: string) => {
    problem ??= why
    isStopped = true
    batch.closeInput()
    results.stop()
  }
  if (signal.aborted) stop()
  signal.addEventListener("abort", () => stop(), { once: true })
  let turn: Promise<BatchLine | undefined> = Promise.resolve(undefined)

  /** The next line without a result. One is read at a time, so that lines take their turns in the order of the input. */
  const next = (): Promise<BatchLine | undefined> => {
    turn = turn.then(readOn, readOn)
    return turn
  }

  const readOn = async (): Promise<BatchLine | undefined> => {
    for (;;) {
      const read = isStopped ? undefined : await lines.next().catch(endOfInput)
      if (read === undefined || read.done === true) return undefined
      progress.readBytes = read.value.end
      const line = unique(readLine(read.value, defaults), read.value.number, results.see)
      await results.expect(line.key)
      if (isStopped) return undefined
      if (results.standing(line.key) === "open") return line
      if (results.isChanged(line.key, line.requestHash)) {
        stop(changedMessage({ ...line, number: read.value.number }, 0))
        return undefined
      }
      progress.skipped += 1
    }
  }

  /** An input that was closed here has ended. */
  const endOfInput = (problem: unknown): undefined => {
    if (!isStopped) throw problem
  }

  const ask = async (line: BatchLine): Promise<void> => {
    const { key, request } = line
    if (request === undefined) return
    let response: GenerateResponse | undefined
    try {
      response = await llm.generate({ ...request, signal })
    } finally {
      budget.settle(response === undefined ? 0 : costOfAnswer(response, batch.isFree))
    }
    if ("error" in response && endsAll.has(response.errorType)) {
      return stop(`${response.error} (${response.errorType})`)
    }
    await results.put(key, resultOf(line, response))
    if ("error" in response) progress.failed += 1
    else progress.answered += 1
  }

  const work = async (): Promise<void> => {
    for (let line = await next(); line !== undefined; line = await next()) {
      if (line.request === undefined) {
        await results.put(line.key, refusal(line))
        progress.failed += 1
      } else if ((await budget.admit()) === "go") await ask(line)
      else stop(budget.problem)
    }
  }

  const works = Array.from({ length: width }, () =>
    work().catch((thrown: unknown) => {
      // What stops one stops all: a full disk, an abort.
      stop()
      throw thrown
    }),
  )
  for (const end of await Promise.allSettled(works)) if (end.status === "rejected") throw end.reason
  return { problem }
}

/** What is known of a price: nothing was sent for a request that was refused here. */
const costOfAnswer = ({ metadata }: GenerateResponse, isFree: boolean): number | undefined =>
  isFree || metadata.attempts.every(({ status }) => status === undefined) ? 0 : costOf(metadata)
