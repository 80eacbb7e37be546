/** Joins the results of a batch that has ended with the lines that asked, and writes them as ordinary results are. */
import type { GenerateResponse } from "@wiseflow/llm"
import { costOf, type LineDefaults, type LineResult, readLine, resultOf } from "../batch/BatchLine.ts"
import type { Results } from "../batch/Results.ts"
import type { Progress } from "../batch/RunBatch.ts"
import type { BatchJournal, SentBatch, SentLine } from "./BatchJournal.ts"
import type { BatchService, BatchStatus, Reply } from "./services/BatchService.ts"
import type { RequestCodec } from "./RequestCodec.ts"
import { lineAt } from "./Survey.ts"
import { placeOf } from "./Uploads.ts"

/** What a collection works with. */
export interface Collecting {
  readonly service: BatchService
  readonly journal: BatchJournal
  readonly codec: RequestCodec
  readonly results: Results
  readonly input: string
  readonly defaults: LineDefaults
  readonly places: ReadonlyMap<string, number>
  readonly progress: Progress
  /** Called with what an answer cost, in dollars; `undefined` where its price is not known. */
  readonly onCost: (usd: number | undefined) => void
}

/** How many lines of a batch have no result: it was cancelled, or they are no longer in the input. */
export interface Collected {
  readonly cancelled: number
  readonly gone: number
}

/** Collects the results of a batch; "other" where it turns out to be another one. Started again, it goes on. */
export const collect = async (
  batch: SentBatch,
  status: BatchStatus,
  context: Collecting,
): Promise<Collected | "other"> => {
  const { journal, places, results, service } = context
  const batchId = batch.batchId ?? ""
  const pending = journal.pending()
  const gone = new Set<string>()
  const cancelled = new Set<string>()

  /** True for a line that waits for this batch. */
  const isOpen = ({ key }: SentLine): boolean =>
    pending.get(key)?.batch === batch && results.standing(key) === "open" && !gone.has(key)

  const put = async (line: SentLine, reply: Reply): Promise<void> => {
    const place = places.get(line.key)
    if (place === undefined) return void gone.add(line.key)
    const read = await lineAt(context.input, place)
    const asked = read === undefined ? undefined : readLine(read, context.defaults)
    if (asked?.request === undefined || asked.requestHash !== line.requestHash) {
      throw new Error(`${context.input} has changed while the batch ran`)
    }
    const response = await context.codec.decode(asked.request, reply)
    await keep(line, resultOf(line, asTold(response, batchId)))
  }

  const keep = async (line: SentLine, result: LineResult): Promise<void> => {
    if (!places.has(line.key)) return void gone.add(line.key)
    await results.put(line.key, result)
    context.progress["error" in result ? "failed" : "answered"] += 1
    context.onCost(costOf(result["metadata"]))
  }

  let isFirst = true
  for await (const result of service.results(batchId, status)) {
    const place = placeOf(batch.name, result.customId)
    if (isFirst && place === undefined && !batch.isCertain) return "other"
    isFirst = false
    const line = place === undefined ? undefined : batch.lines[place]
    if (line === undefined || !isOpen(line)) continue
    if ("reply" in result) await put(line, result.reply)
    else if (result.unanswered === "expired") await keep(line, unanswered(line, batchId, service.name, "expired"))
    else cancelled.add(line.key)
  }
  for (const [place, line] of batch.lines.entries()) {
    if (!isOpen(line) || cancelled.has(line.key)) continue
    const refusal = refusalOf(status, place)
    if (refusal !== undefined) await put(line, refusal)
    else if (status.word === "cancelled") cancelled.add(line.key)
    else if (status.word === "expired") await keep(line, unanswered(line, batchId, service.name, "expired"))
    else await keep(line, unanswered(line, batchId, service.name, "missing"))
  }
  return { cancelled: cancelled.size, gone: gone.size }
}

/** A batch that was refused as a whole, as an answer to one of its requests: its own reason, or the first there is. */
const refusalOf = ({ refusals, word }: BatchStatus, place: number): Reply | undefined => {
  if (word !== "failed") return undefined
  const own = refusals.find(({ line }) => line === place + 1)
  const { code, line, message } = own ??
    refusals[0] ?? { code: undefined, line: undefined, message: "no reason is given" }
  const where = own !== undefined || line === undefined ? "" : ` (its line ${line})`
  const error = {
    message: `the batch was refused${where}: ${message}`,
    code: code ?? null,
    type: "invalid_request_error",
  }
  return { status: 400, headers: {}, body: JSON.stringify({ error }) }
}

const unanswered = (
  { id, requestHash }: SentLine,
  batchId: string,
  provider: string,
  why: "expired" | "missing",
): LineResult => ({
  id,
  error: why === "expired" ? `${batchId} expired before it was answered` : `${batchId} has no result for it`,
  errorType: why === "expired" ? "TimeoutError" : "InvalidResponseError",
  metadata: { provider, usage: {}, costUsd: 0, attempts: [], providerBatch: batchId },
  requestHash,
})

/** A response without the times that reading it here took, and with the batch that it came in. */
const asTold = (response: GenerateResponse, providerBatch: string): GenerateResponse => {
  const { latencyMs: _, attempts, ...metadata } = response.metadata
  const told = attempts.map(({ durationMs: __, firstOutputMs: ___, ...attempt }) => attempt)
  const own: object = { metadata: { ...metadata, attempts: told, providerBatch } }
  return { ...response, ...own }
}
