/** What the command line says of provider batches. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { usageFailure } from "../ExitCode.ts"

/** The flags, as they were given. */
export interface GivenFlags {
  readonly input: string
  readonly providerBatch: boolean
  readonly batchSize: Option.Option<number>
  readonly pollInterval: Option.Option<string>
  readonly deadline: Option.Option<string>
  readonly cancel: boolean
  readonly overwrite: boolean
  readonly budget: Option.Option<number>
  readonly concurrency: Option.Option<number>
}

/** How long to wait, and how large batches are. */
export interface ProviderFlags {
  readonly pollMs: number
  readonly deadlineMs: number | undefined
  readonly size: number | undefined
}

const defaultPollMs = 15_000

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const timeOf = (name: string, given: Option.Option<string>) => {
  if (Option.isNone(given)) return Effect.succeed(undefined)
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(given.value.trim()) ?? []
  const ms = Number(amount) * (units[unit] ?? Number.NaN)
  return ms > 0
    ? Effect.succeed(ms)
    : usageFailure(`--${name} ${given.value}: write a time above 0, as in 500ms, 30s, 10m, 2h or 1d`)
}

/** Checks the flags; undefined where no provider batch is asked for. */
export const providerFlags = Effect.fn(function* (flags: GivenFlags, path: string | undefined) {
  const { batchSize, budget, cancel, concurrency, deadline, input, overwrite, pollInterval, providerBatch } = flags
  if (!providerBatch) {
    const name = cancel
      ? "cancel"
      : Option.isSome(batchSize)
        ? "batch-size"
        : Option.isSome(pollInterval)
          ? "poll-interval"
          : Option.isSome(deadline)
            ? "deadline"
            : undefined
    return name === undefined ? undefined : yield* usageFailure(`--${name} needs --provider-batch`)
  }
  if (path === undefined)
    return yield* usageFailure("--provider-batch needs --output with a file: its journal stands beside it")
  if (input === "-")
    return yield* usageFailure("--provider-batch needs a file as input: it is read again when results come")
  if (Option.isSome(budget))
    return yield* usageFailure("--budget cannot be kept with --provider-batch: a batch is sent whole")
  if (Option.isSome(concurrency)) return yield* usageFailure("--concurrency means nothing with --provider-batch")
  if (cancel && overwrite) return yield* usageFailure("--cancel and --overwrite exclude each other")
  const size = Option.getOrUndefined(batchSize)
  if (size !== undefined && size < 1) return yield* usageFailure(`--batch-size ${size}: write a whole number from 1 on`)
  const pollMs = (yield* timeOf("poll-interval", pollInterval)) ?? defaultPollMs
  return { pollMs, deadlineMs: yield* timeOf("deadline", deadline), size }
})
