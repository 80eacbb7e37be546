/** Sends what is open, waits for every batch, and collects: the whole of a run, without a word to the user. */
import { rm } from "node:fs/promises"
import type { InterfaceOptions } from "@wiseflow/llm"
import { type LineDefaults, resultOf } from "../batch/BatchLine.ts"
import { changedMessage } from "../batch/ChangedLines.ts"
import type { Results } from "../batch/Results.ts"
import { endsAll, type Progress } from "../batch/RunBatch.ts"
import type { BatchJournal, SentBatch } from "./BatchJournal.ts"
import type { BatchService, BatchStatus } from "./services/BatchService.ts"
import { collect } from "./Collection.ts"
import { Patience } from "./Persistence.ts"
import { RequestCodec } from "./RequestCodec.ts"
import { ServiceFailure } from "./services/ServiceHttp.ts"
import { submit } from "./Submission.ts"
import { linesWith, survey } from "./Survey.ts"
import { type FullUpload, Uploads } from "./Uploads.ts"

/** What a run works with. */
export interface ProviderRun {
  readonly input: string
  readonly output: string
  readonly options: InterfaceOptions
  readonly defaults: LineDefaults
  readonly results: Results
  readonly service: BatchService
  readonly journal: BatchJournal
  readonly progress: Progress
  readonly pollMs: number
  readonly deadlineMs: number | undefined
  readonly size: number | undefined
  readonly cancel: boolean
  readonly rerunChanged: boolean
  readonly signal: AbortSignal
  readonly watch: Watch
}

/** What is told while it runs. */
export interface Watch {
  readonly onSent: (batch: SentBatch) => void
  readonly onStatus: (batch: SentBatch, status: BatchStatus) => void
  readonly onTrouble: (failure: ServiceFailure) => void
  readonly onCost: (usd: number | undefined) => void
}

/** How it ended: `problem` is why not every line has a result; `isUsage` where nothing was sent because of it. */
export interface ProviderEnd {
  readonly problem?: string
  readonly isUsage?: boolean
}

/** Runs it. Rejects with `OutOfTime`, a service's refusal, a disk's failure, or the reason of an abort. */
export const runProviderBatch = async (run: ProviderRun): Promise<ProviderEnd> => {
  const { defaults, input, journal, output, progress, results, service, watch } = run
  const foreign = journal.open.find((batch) => batch.service !== service.place)
  if (foreign !== undefined) {
    return {
      problem: `${output} has batches of ${foreign.service} that are not collected: ask with its settings`,
      isUsage: true,
    }
  }
  const patience = new Patience(run.pollMs, run.deadlineMs, run.signal)
  const submitting = { service, journal, patience, onTrouble: watch.onTrouble }
  const codec = new RequestCodec(run.options)
  const uploads = new Uploads(output, service, run.size)

  /** Sends an upload; its file goes whatever comes of it. */
  const sendUp = async ({ batch, lines, upload }: FullUpload): Promise<void> => {
    const planned = await journal.plan(batch, service.place, lines)
    try {
      await submit(planned, upload, submitting)
    } finally {
      await rm(upload.path, { force: true })
    }
    watch.onSent(planned)
  }

  /** Sends these lines; resolves with why every line would fail. */
  const sendAll = async (numbers: ReadonlyArray<number>): Promise<string | undefined> => {
    for await (const line of linesWith(input, numbers, defaults)) {
      if (run.signal.aborted) throw run.signal.reason
      if (line.request === undefined) continue
      const { id, key, requestHash } = line
      const encoded = await codec.encode(line.request)
      if ("response" in encoded) {
        const { response } = encoded
        if ("error" in response && endsAll.has(response.errorType)) return `${response.error} (${response.errorType})`
        await results.put(key, resultOf(line, response))
        progress["error" in response ? "failed" : "answered"] += 1
        continue
      }
      const added = await uploads.add({ id, key, requestHash }, encoded.request)
      if ("problem" in added) {
        await results.put(key, {
          id,
          error: `the line cannot be sent: ${added.problem}`,
          errorType: "InvalidRequestError",
          requestHash,
        })
        progress.failed += 1
      } else for (const full of added) await sendUp(full)
    }
    for await (const full of uploads.rest()) await sendUp(full)
    return undefined
  }

  const statusOf = async (id: string) => {
    try {
      return await service.status(id)
    } catch (thrown) {
      if (!(thrown instanceof ServiceFailure) || thrown.status !== 404) throw thrown
      throw new Error(`${service.place} does not know ${id}: it is of another account, or too old`, { cause: thrown })
    }
  }

  /** Waits for every batch that was created, and collects each as it ends. */
  const collectAll = async (places: ReadonlyMap<string, number>) => {
    const collecting = { service, journal, codec, results, input, defaults, places, progress, onCost: watch.onCost }
    let [cancelled, gone, abandoned, looks] = [0, 0, 0, 0]
    for (;;) {
      for (const batch of journal.open) {
        const id = batch.batchId ?? ""
        const status = await patience.persist(() => statusOf(id), watch.onTrouble)
        watch.onStatus(batch, status)
        if (!status.isEnded) continue
        const collected = await patience.persist(() => collect(batch, status, collecting), watch.onTrouble)
        looks = 0
        if (collected === "other") {
          await journal.note(batch, "creating", { notThis: id })
          await submit(batch, undefined, submitting)
          if (batch.state === "abandoned") abandoned += batch.lines.length
          continue
        }
        await journal.note(batch, "collected")
        cancelled += collected.cancelled
        gone += collected.gone
      }
      if (journal.open.length === 0) return { cancelled, gone, abandoned }
      await patience.wait(patience.waitMs(looks))
      looks += 1
    }
  }

  try {
    await uploads.clear()
    for (const batch of journal.open) {
      if (batch.state === "planned") await journal.note(batch, "abandoned")
      else await submit(batch, undefined, submitting)
    }
    const { changed, open, places } = await survey(input, defaults, results, journal, progress)
    const [first] = changed
    if (first !== undefined && !run.rerunChanged) {
      return { problem: changedMessage(first, changed.length - 1, "was sent of it"), isUsage: true }
    }
    if (run.cancel) {
      for (const { batchId = "" } of journal.open)
        await patience.persist(() => service.cancel(batchId), watch.onTrouble)
    } else {
      const problem = await sendAll(open)
      if (problem !== undefined) return { problem }
    }
    const { abandoned, cancelled, gone } = await collectAll(places)
    const left = cancelled + abandoned + (run.cancel ? open.length : 0)
    const problems = [
      ...(gone > 0 ? [`${gone} results are of lines that the input no longer has, and were left out`] : []),
      ...(left > 0
        ? [`${left} ${left === 1 ? "line was" : "lines were"} not asked: the same command without --cancel asks them`]
        : []),
    ]
    return problems.length === 0 ? {} : { problem: problems.join("; ") }
  } finally {
    await uploads.clear()
    await codec.dispose()
  }
}
