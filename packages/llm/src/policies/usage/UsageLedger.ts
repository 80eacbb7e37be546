/**
 * What calls have used so far: calls, errors, tokens, cost and latencies, by provider and model, by tags, and by where prices
 * come from. It is plain figures that grow with the number of models and tags, never with the number of calls, and it
 * forgets nothing.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CallContext } from "../../call/CallContext.ts"
import { CallTags, type Tags } from "../../call/CallOptions.ts"
import { monotonicMs } from "../../call/Time.ts"
import { usageNames } from "../../call/Totals.ts"
import type { AttemptRecord, PriceSource, Usage } from "../../model/LlmResponse.ts"
import { aroundAnswer, type Outcome } from "../mechanisms/HeldAnswer.ts"
import { LatencyHistogram, type LatencySummary } from "./LatencyHistogram.ts"
import * as Policy from "../Policy.ts"

/** The tokens of many answers, each bucket the sum of what was told of it; 0 where nothing was. */
export type UsageTotals = { readonly [Bucket in keyof Usage]-?: number }

/** What was used, of one provider and model or of all. */
export interface UsageFigures {
  /** Calls that ended at this model: the one that was asked last. */
  readonly calls: number
  /** How many of them failed, died or were aborted. */
  readonly errors: number
  /** Requests made or refused, retries and fallbacks included. */
  readonly attempts: number
  /** Tokens of all attempts, of those that failed too where their service told. */
  readonly usage: UsageTotals
  /** US dollars, of the attempts whose price is known. */
  readonly costUsd: number
  /** Attempts that used tokens, or answered, at a price that is not known: `costUsd` is without them. */
  readonly unpriced: number
  /** US dollars by where the price comes from. */
  readonly costBySource: Readonly<Partial<Record<PriceSource, number>>>
  /** Of whole calls, waits and retries included. */
  readonly latency: LatencySummary
}

/** The figures of one model at one provider. */
export interface UsageRow extends UsageFigures {
  /** Who was asked. */
  readonly provider: string
  /** Absent where none was named; `(others)` for all beyond the first thousand. */
  readonly model?: string | undefined
}

/** The figures of the calls that have one value of a tag. */
export interface TagRow extends UsageFigures {
  /** The value; `(others)` for all beyond the first thousand of a tag. */
  readonly value: string
}

/** Everything that a ledger knows, as plain data. */
export interface UsageReport {
  /** The figures of everything so far. */
  readonly total: UsageFigures
  /** The figures of each model at each provider. */
  readonly byModel: ReadonlyArray<UsageRow>
  /** The figures of each value, by the names of tags. A call with several tags stands at each of them. */
  readonly byTag: Readonly<Record<string, ReadonlyArray<TagRow>>>
}

class Figures {
  private calls = 0
  private errors = 0
  private attempts = 0
  private costUsd = 0
  private unpriced = 0
  private readonly latency = new LatencyHistogram()
  private readonly tokens: Record<keyof Usage, number> = {
    inputTokens: 0,
    outputTokens: 0,
    totalTokens: 0,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
  }
  private readonly sources = new Map<PriceSource, number>()

  addCall(latencyMs: number, isError: boolean): void {
    this.calls += 1
    if (isError) this.errors += 1
    this.latency.add(latencyMs)
  }

  addAttempt({ costUsd, errorType, priceSource, usage }: AttemptRecord): void {
    this.attempts += 1
    if (usage !== undefined) this.addUsage(usage)
    if (costUsd === null) {
      if (usage !== undefined || errorType === undefined) this.unpriced += 1
      return
    }
    this.costUsd += costUsd
    if (priceSource !== undefined) this.sources.set(priceSource, (this.sources.get(priceSource) ?? 0) + costUsd)
  }

  private addUsage(usage: Usage): void {
    for (const bucket of usageNames) {
      const tokens = usage[bucket]
      if (tokens !== undefined) this.tokens[bucket] += tokens
    }
  }

  /** Adds all that another has counted. */
  addAll(other: Figures): void {
    this.calls += other.calls
    this.errors += other.errors
    this.attempts += other.attempts
    this.costUsd += other.costUsd
    this.unpriced += other.unpriced
    this.latency.addAll(other.latency)
    this.addUsage(other.tokens)
    for (const [source, costUsd] of other.sources) this.sources.set(source, (this.sources.get(source) ?? 0) + costUsd)
  }

  read(): UsageFigures {
    const { attempts, calls, costUsd, errors, latency, sources, tokens, unpriced } = this
    const costBySource = Object.fromEntries(sources)
    return { calls, errors, attempts, usage: { ...tokens }, costUsd, unpriced, costBySource, latency: latency.read() }
  }
}

/** Models, and values of one tag, told apart. Their names may come from anywhere. */
const maxRows = 1000
/** Names of tags told apart. */
const maxTagNames = 100
const others = "(others)"

/** The columns of `toCsv` after the names. */
const columns = ["calls", "errors", "attempts", ...usageNames, "costUsd", "unpriced"] as const

/** A text that CSV and a spreadsheet take as one cell of text, and never as a formula. */
const cell = (value: unknown): string => {
  const text = value === undefined ? "" : String(value)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Keeps account of calls: give it to as many stacks as you like (`withUsageLedger`), and read it at any time. */
export class UsageLedger {
  /** By provider, then by model. */
  private readonly rows = new Map<string, Map<string | undefined, Figures>>()
  private rowCount = 0
  private readonly tags = new Map<string, Map<string, Figures>>()

  /** Notes a call that has ended: its attempts, how long it took, whether it answered, and its tags. */
  record(call: {
    readonly attempts: ReadonlyArray<AttemptRecord>
    readonly provider: string
    readonly model?: string | undefined
    readonly latencyMs: number
    readonly isError: boolean
    readonly tags?: Tags | undefined
  }): void {
    for (const attempt of call.attempts) this.figuresOf(attempt.provider, attempt.model).addAttempt(attempt)
    this.figuresOf(call.provider, call.model).addCall(call.latencyMs, call.isError)
    for (const name in call.tags) {
      const value = call.tags[name]
      if (value === undefined) continue
      const figures = this.figuresOfTag(name, value)
      for (const attempt of call.attempts) figures.addAttempt(attempt)
      figures.addCall(call.latencyMs, call.isError)
    }
  }

  /** The figures of everything so far. */
  get total(): UsageFigures {
    const all = new Figures()
    for (const models of this.rows.values()) for (const figures of models.values()) all.addAll(figures)
    return all.read()
  }

  /** The figures of each model at each provider: providers, and the models of each, in the order in which they were first asked. */
  byModel(): ReadonlyArray<UsageRow> {
    return [...this.rows].flatMap(([provider, models]) =>
      [...models].map(([model, figures]) => ({
        provider,
        ...(model === undefined ? {} : { model }),
        ...figures.read(),
      })),
    )
  }

  /**
   * The figures of each value of a tag, in the order in which they were first used; empty where no call had the tag. Calls
   * without it are in no row. A hundred names of tags are told apart; those beyond are together under the name `(others)`.
   */
  byTag(name: string): ReadonlyArray<TagRow> {
    return [...(this.tags.get(name) ?? [])].map(([value, figures]) => ({ value, ...figures.read() }))
  }

  /** What `JSON.stringify` writes. */
  toJSON(): UsageReport {
    const byTag = Object.fromEntries([...this.tags.keys()].map((name) => [name, this.byTag(name)]))
    return { total: this.total, byModel: this.byModel(), byTag }
  }

  /**
   * A line for each model under a line of headings (RFC 4180); with the name of a tag, a line for each of its values, whose
   * first column has that name. Latencies are in milliseconds.
   */
  toCsv(tag?: string): string {
    const names = tag === undefined ? ["provider", "model"] : [tag]
    const heading = [...names, ...columns, "latencyP50Ms", "latencyP95Ms", "latencyP99Ms", "latencyMaxMs"]
    const rows: ReadonlyArray<readonly [ReadonlyArray<string | undefined>, UsageFigures]> =
      tag === undefined
        ? this.byModel().map((row) => [[row.provider, row.model], row])
        : this.byTag(tag).map((row) => [[row.value], row])
    const lines = rows.map(([named, row]) => {
      const { maxMs, p50Ms, p95Ms, p99Ms } = row.latency
      const figures = { ...row.usage, ...row }
      return [...named, ...columns.map((column) => figures[column]), p50Ms, p95Ms, p99Ms, maxMs].map(cell).join(",")
    })
    return `${[heading.map(cell).join(","), ...lines].join("\r\n")}\r\n`
  }

  private figuresOf(provider: string, model: string | undefined): Figures {
    const models = this.rows.get(provider)
    const known = models?.get(model)
    if (known !== undefined) return known
    if (this.rowCount >= maxRows && model !== others) return this.figuresOf(others, others)
    const figures = new Figures()
    this.rowCount += 1
    if (models === undefined) this.rows.set(provider, new Map([[model, figures]]))
    else models.set(model, figures)
    return figures
  }

  private figuresOfTag(name: string, value: string): Figures {
    const known = this.tags.get(name)
    if (known === undefined && this.tags.size >= maxTagNames && name !== others) return this.figuresOfTag(others, name)
    const values = known ?? new Map<string, Figures>()
    if (known === undefined) this.tags.set(name, values)
    const row = values.has(value) || values.size < maxRows ? value : others
    const figures = values.get(row) ?? new Figures()
    values.set(row, figures)
    return figures
  }
}

/** The attempts of the whole call; an answer tells them already. */
const attemptsOf = (outcome: Outcome, { ledger }: CallContext): ReadonlyArray<AttemptRecord> =>
  outcome._tag === "Answered" && outcome.metadata.attempts.length === ledger.count
    ? outcome.metadata.attempts
    : ledger.attempts()

/** Notes every call in `ledger`. Put it outermost: it then counts a call with all its retries and fallbacks once. */
export const withUsageLedger = (ledger: UsageLedger): Policy.ServicePolicy =>
  Policy.mechanism((inner) =>
    Effect.succeed(
      aroundAnswer<{ readonly startedMs: number; readonly before: number; readonly tags: Tags }>({
        begin: (context, _, fiber) =>
          Result.succeed({
            startedMs: monotonicMs(fiber),
            before: context.ledger.count,
            tags: fiber.getRef(CallTags),
          }),
        end: ({ before, startedMs, tags }, outcome, context, fiber) => {
          const { model, provider } = context.ledger.lastTarget(inner.name)
          const attempts = attemptsOf(outcome, context)
          ledger.record({
            attempts: before === 0 ? attempts : attempts.slice(before),
            provider,
            model,
            latencyMs: monotonicMs(fiber) - startedMs,
            isError: outcome._tag !== "Answered",
            tags,
          })
          return undefined
        },
      }),
    ),
  )
