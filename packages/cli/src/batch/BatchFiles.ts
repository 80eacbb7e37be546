/** Runs `batch`: opens its files, shows how far it is, and ends as the command does. */
import { createReadStream } from "node:fs"
import { rm, stat } from "node:fs/promises"
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failure, usageFailure } from "../ExitCode.ts"
import { openBatches } from "../provider-batch/BatchJournal.ts"
import { providerFlags } from "../provider-batch/ProviderFlags.ts"
import { say, tell, write } from "../terminal/Streams.ts"
import * as Upstream from "../upstream/Upstream.ts"
import type { LineDefaults } from "./BatchLine.ts"
import { Budget } from "./Budget.ts"
import { changedLines, changedMessage } from "./ChangedLines.ts"
import { linesOf } from "./Lines.ts"
import { Locked, lockOutput } from "./OutputLock.ts"
import { type ProgressFacts, progressLine, summaryLine } from "./ProgressLine.ts"
import { showing } from "./ProgressShown.ts"
import * as Results from "./Results.ts"
import { type Progress, runBatch } from "./RunBatch.ts"

/** What the command line of `batch` says. */
export interface BatchInput {
  readonly input: string
  readonly output: Option.Option<string>
  readonly concurrency: Option.Option<number>
  readonly ordered: boolean
  readonly retryFailed: boolean
  readonly rerunChanged: boolean
  readonly overwrite: boolean
  readonly budget: Option.Option<number>
  readonly system: Option.Option<string>
  readonly maxTokens: Option.Option<number>
  readonly temperature: Option.Option<number>
  readonly providerBatch: boolean
  readonly batchSize: Option.Option<number>
  readonly pollInterval: Option.Option<string>
  readonly deadline: Option.Option<string>
  readonly cancel: boolean
  readonly quiet: boolean
}

/** A call that waits before a retry sends nothing: others are sent meanwhile. */
const linesPerRequest = 2

const checked = Effect.fn(function* (flags: BatchInput) {
  const { budget, concurrency, input, output, overwrite, rerunChanged, retryFailed } = flags
  const given = Option.getOrUndefined(output)
  const path = given === "-" ? undefined : given
  if (path === undefined && (overwrite || retryFailed || rerunChanged)) {
    const flag = overwrite ? "--overwrite" : retryFailed ? "--retry-failed" : "--rerun-changed"
    return yield* usageFailure(`${flag} needs --output with a file`)
  }
  if (path !== undefined && input !== "-" && resolve(path) === resolve(input)) {
    return yield* usageFailure("--output is the input itself: choose another file")
  }
  if (overwrite && retryFailed) return yield* usageFailure("--overwrite and --retry-failed exclude each other")
  const usd = Option.getOrUndefined(budget)
  if (usd !== undefined && !(usd > 0)) return yield* usageFailure(`--budget ${usd}: write dollars above 0, as in 2.50`)
  const width = Option.getOrElse(concurrency, () => Number(process.env["LLM_CONCURRENT_NUMBER"] ?? 8))
  if (!Number.isInteger(width) || width < 1) {
    return yield* usageFailure(`--concurrency ${width}: write a whole number from 1 on`)
  }
  return { path, usd, width }
})

/** The text of what a file system said. */
const why = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

/** Nobody else writes the output until the scope ends. */
const locked = (path: string) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => lockOutput(path),
      catch: (thrown) =>
        thrown instanceof Locked ? usageFailure(thrown.message) : failure(`--output ${path}: ${why(thrown)}`),
    }),
    (release) => Effect.promise(release),
  )

/** The keys of lines whose results are forgotten since they answer another request. */
const changed = Effect.fn(function* (input: BatchInput, path: string, isReadTwice: boolean) {
  const { overwrite, rerunChanged, retryFailed } = input
  if (!isReadTwice && rerunChanged) return yield* usageFailure("--rerun-changed needs a file as input")
  if (!isReadTwice || overwrite) return new Set<string>()
  const found = yield* Effect.tryPromise({
    try: () => changedLines([path, Results.journalOf(path)], input.input, defaultsOf(input), retryFailed),
    catch: (thrown) => failure(why(thrown)),
  })
  const [first] = found
  if (first !== undefined && !rerunChanged) return yield* usageFailure(changedMessage(first, found.length - 1))
  if (first !== undefined) say(`${found.length} of the lines have changed, and are asked again`)
  return new Set(found.map(({ key }) => key))
})

const opened = Effect.fn(function* (input: BatchInput, path: string | undefined, isReadTwice: boolean) {
  const { ordered, overwrite, retryFailed } = input
  if (path === undefined) return Results.handedOn((line) => write(`${line}\n`), ordered)
  yield* locked(path)
  const sent = yield* Effect.tryPromise({ try: () => openBatches(path), catch: (thrown) => failure(why(thrown)) })
  if (sent !== undefined && !input.providerBatch) {
    return yield* usageFailure(`${sent.path} names provider batches that run: add --provider-batch, or remove it`)
  }
  if (sent !== undefined && overwrite) {
    say(`forgets ${sent.ids.length} provider batches, which go on: ${sent.ids.join(", ")}`)
    yield* Effect.promise(() => rm(sent.path, { force: true }))
  }
  const forget = yield* changed(input, path, isReadTwice)
  return yield* Effect.tryPromise({
    try: () => Results.inFile(path, { ordered, overwrite, retryFailed, forget }),
    catch: (thrown) => failure(thrown instanceof Results.NotOurs ? thrown.message : `--output ${path}: ${why(thrown)}`),
  })
})

/** The bytes of the input, and how many there are; a pipe does not know. */
const inputOf = Effect.fn(function* (path: string) {
  if (path === "-") return { chunks: process.stdin, size: undefined }
  const found = yield* Effect.tryPromise({ try: () => stat(path), catch: (thrown) => failure(why(thrown)) })
  if (found.isDirectory()) return yield* failure(`${path} is a folder: name a file of JSON lines`)
  return { chunks: createReadStream(path), size: found.isFile() ? found.size : undefined }
})

const defaultsOf = ({ maxTokens, system, temperature }: BatchInput): LineDefaults => ({
  ...(Option.isSome(system) ? { system: system.value } : {}),
  ...(Option.isSome(maxTokens) ? { maxTokens: maxTokens.value } : {}),
  ...(Option.isSome(temperature) ? { temperature: temperature.value } : {}),
})

/** Runs `batch`. */
export const batch = Effect.fn(function* (input: BatchInput) {
  const { path, usd, width } = yield* checked(input)
  const { chunks, size } = yield* inputOf(input.input)
  const waits = yield* providerFlags(input, path)
  const { isOffline, llm, options } = yield* Upstream.openWith({ maxConcurrentRequests: width })
  if (waits !== undefined && isOffline) {
    return yield* usageFailure("--provider-batch needs a provider: the embedded upstream has no batches")
  }
  if (waits !== undefined && size === undefined) {
    return yield* usageFailure("--provider-batch needs a file as input: it is read again when results come")
  }
  const results = yield* opened(input, path, size !== undefined)
  const { found } = results
  if (found.answered + found.failed > 0) {
    say(`${path ?? ""} has ${found.answered} answers and ${found.failed} failures from before; the rest is asked`)
  }
  if (waits !== undefined && path !== undefined) {
    chunks.destroy()
    const { providerBatch } = yield* Effect.promise(() => import("../provider-batch/ProviderBatch.ts"))
    const { cancel, quiet, rerunChanged, retryFailed } = input
    const own = { input: input.input, output: path, results, options, defaults: defaultsOf(input) }
    return yield* providerBatch({ ...own, ...waits, cancel, quiet, rerunChanged, retryFailed })
  }
  const budget = new Budget(usd, found.costUsd)
  const progress: Progress = { answered: 0, failed: 0, skipped: 0, readBytes: 0 }
  const startedMs = performance.now()
  const facts = (): ProgressFacts => ({
    ...progress,
    elapsedMs: performance.now() - startedMs,
    inputBytes: size,
    costUsd: budget.spentUsd - found.costUsd,
    unpriced: budget.unpriced,
  })
  const stopShowing = input.quiet ? () => {} : showing(() => progressLine(facts()))
  const stopping = new AbortController()
  const { signal } = stopping
  const defaults = defaultsOf(input)
  const running = (async () => {
    const lines = linesOf(chunks)
    let isComplete = false
    try {
      const closeInput = () => chunks.destroy()
      const asked = { lines, closeInput, llm, results, defaults, budget, progress, signal, isFree: isOffline }
      const end = await runBatch({ ...asked, width: width * linesPerRequest })
      isComplete = end.problem === undefined
      return end
    } finally {
      stopShowing()
      chunks.destroy()
      await results.close(isComplete)
    }
  })()
  // What was answered is on the disk before the command ends, also where Ctrl-C ends it.
  const end = yield* Effect.onInterrupt(
    Effect.tryPromise({ try: () => running, catch: (thrown) => failure(why(thrown)) }),
    () =>
      Effect.promise(async () => {
        stopping.abort(new Error("stopped"))
        await running.catch(() => {})
        tell(summaryLine(facts()))
        if (path !== undefined) say("stopped; the same command goes on where it was")
      }),
  )
  if (end.problem !== undefined) {
    tell(summaryLine(facts()))
    return yield* failure(`${end.problem}; the same command goes on where it was`)
  }
  tell(summaryLine(facts()))
  const failed = progress.failed + (input.retryFailed ? 0 : found.failed)
  if (failed > 0) {
    const again = path === undefined ? "" : "; --retry-failed asks them again"
    return yield* failure(`${failed} ${failed === 1 ? "line has" : "lines have"} no answer${again}`)
  }
}, Effect.scoped)
