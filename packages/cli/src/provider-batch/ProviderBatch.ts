/** `batch --provider-batch`: opens the journal, shows how far the batches are, and ends as the command does. */
import type { InterfaceOptions } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import type { LineDefaults } from "../batch/BatchLine.ts"
import { type ProgressFacts, summaryLine } from "../batch/ProgressLine.ts"
import { showing } from "../batch/ProgressShown.ts"
import type { Results } from "../batch/Results.ts"
import type { Progress } from "../batch/RunBatch.ts"
import { failure, usageFailure } from "../ExitCode.ts"
import { say, tell } from "../terminal/Streams.ts"
import { accessOf } from "../upstream/Access.ts"
import { BatchJournal, type SentBatch } from "./BatchJournal.ts"
import type { BatchStatus } from "./services/BatchService.ts"
import { OutOfTime } from "./Persistence.ts"
import type { ProviderFlags } from "./ProviderFlags.ts"
import { runProviderBatch } from "./RunProviderBatch.ts"
import { serviceOf } from "./services/ServiceOf.ts"

/** What the command line says, and what was opened for it. */
export interface ProviderBatchInput extends ProviderFlags {
  readonly input: string
  readonly output: string
  readonly results: Results
  readonly options: InterfaceOptions
  readonly defaults: LineDefaults
  readonly cancel: boolean
  readonly quiet: boolean
  readonly rerunChanged: boolean
  readonly retryFailed: boolean
}

const why = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

const count = (amount: number): string => amount.toLocaleString("en-US")

/** `2 batches at openai: 1,200 of 5,000 done, in_progress, 800 collected` */
const statusLine = (service: string, statuses: ReadonlyMap<string, BatchStatus>, collected: number): string => {
  const all = [...statuses.values()]
  const sum = (of: (status: BatchStatus) => number) => all.reduce((total, status) => total + of(status), 0)
  const words = [...new Set(all.filter(({ isEnded }) => !isEnded).map(({ word }) => word))]
  return [
    `${all.length} ${all.length === 1 ? "batch" : "batches"} at ${service}: ${count(sum(({ done }) => done))} of ${count(sum(({ total }) => total))} done`,
    ...words,
    `${count(collected)} collected`,
  ].join(", ")
}

/** Runs it. The results are closed here. */
export const providerBatch = Effect.fn(function* (given: ProviderBatchInput) {
  const { input, output, quiet, results } = given
  const { found } = results
  const stopping = new AbortController()
  const access = yield* Effect.promise(() => accessOf(given.options))
  const service = "access" in access ? serviceOf(access.access, given.options, stopping.signal) : undefined
  const journal = yield* Effect.tryPromise({
    try: async () => (service === undefined ? undefined : await BatchJournal.open(output)),
    catch: (thrown) => failure(why(thrown)),
  })
  if (service === undefined || journal === undefined) {
    yield* Effect.promise(() => results.close(false))
    return yield* "problem" in access
      ? failure(access.problem)
      : usageFailure(
          `${access.access.provider} has no batches that this command knows: OpenAI, Azure OpenAI and Anthropic do`,
        )
  }
  const progress: Progress = { answered: 0, failed: 0, skipped: 0, readBytes: 0 }
  const startedMs = performance.now()
  const statuses = new Map<string, BatchStatus>()
  let costUsd = 0
  let unpriced = 0
  let told = ""
  const facts = (): ProgressFacts => ({
    ...progress,
    elapsedMs: performance.now() - startedMs,
    inputBytes: undefined,
    costUsd,
    unpriced,
  })
  const watch = {
    onSent: ({ batchId, lines, state }: SentBatch) => {
      if (state === "created" && !quiet) say(`${batchId ?? ""} has ${count(lines.length)} of the lines`)
    },
    onStatus: ({ name }: SentBatch, status: BatchStatus) => void statuses.set(name, status),
    onTrouble: ({ message }: Error) => {
      if (message !== told && !quiet) say(`${message}; it is asked again`)
      told = message
    },
    onCost: (usd: number | undefined) => {
      costUsd += usd ?? 0
      if (usd === undefined) unpriced += 1
    },
  }
  const stopShowing = quiet
    ? () => {}
    : showing(() => statusLine(service.name, statuses, progress.answered + progress.failed))
  /** What goes on at the provider after this process. */
  const goesOn = (): string => {
    const ids = journal.open.flatMap(({ batchId }) => batchId ?? [])
    const which =
      ids.length === 0 ? "" : ` ${ids.slice(0, 5).join(", ")}${ids.length > 5 ? ", …" : ""} at ${service.name} go on;`
    return `${which} the same command goes on where it was`
  }
  const running = (async () => {
    let isComplete = false
    try {
      const end = await runProviderBatch({ ...given, service, journal, progress, signal: stopping.signal, watch })
      isComplete = end.problem === undefined
      return end
    } catch (thrown) {
      if (stopping.signal.aborted) throw thrown
      return { problem: thrown instanceof OutOfTime ? `${thrown.message}:${goesOn()}` : `${why(thrown)};${goesOn()}` }
    } finally {
      stopShowing()
      await results.close(isComplete)
      await journal.close()
    }
  })()
  const end = yield* Effect.onInterrupt(
    Effect.tryPromise({ try: () => running, catch: (thrown) => failure(why(thrown)) }),
    () =>
      Effect.promise(async () => {
        const left = goesOn()
        stopping.abort(new Error("stopped"))
        await running.catch(() => {})
        tell(summaryLine(facts()))
        say(`stopped;${left}, and --cancel gives the batches up`)
      }),
  )
  if (end.isUsage === true && end.problem !== undefined) return yield* usageFailure(end.problem)
  tell(summaryLine(facts()))
  if (end.problem !== undefined) return yield* failure(end.problem)
  const failed = progress.failed + (given.retryFailed ? 0 : found.failed)
  if (failed > 0) {
    return yield* failure(
      `${failed} ${failed === 1 ? "line of" : "lines of"} ${input} ${failed === 1 ? "has" : "have"} no answer; --retry-failed asks them again`,
    )
  }
})
