/**
 * A sum of money or of tokens that calls may use. Each request, retries and fallbacks included, reserves what it may cost
 * before it is sent, at the price of the target that it goes to, and pays at its end what it used. A request whose estimate
 * has no room is not made: it fails with `BudgetExceededError`, and a cheaper fallback may still answer.
 *
 * It holds for everything within it, wherever it stands. Outermost it is the budget of the whole stack, inside a fallback
 * that of one target. It counts the requests of this library's providers and of `Provider.make`.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { AttemptGate, AttemptLeave, AttemptPlan } from "../../call/AttemptGate.ts"
import { within } from "../../call/CallContext.ts"
import { CallTags } from "../../call/CallOptions.ts"
import { clockMs } from "../../call/Time.ts"
import { BudgetExceededError, type ErrorType, type LlmError } from "../../model/LlmError.ts"
import { shownValue } from "../../model/KeyShape.ts"
import { strangerIn } from "../../model/NearestName.ts"
import type { AttemptRecord, Usage } from "../../model/LlmResponse.ts"
import { durationProblem } from "../DurationRange.ts"
import { traitsOf } from "../mechanisms/Around.ts"
import { aroundAnswer } from "../mechanisms/HeldAnswer.ts"
import { estimateTokens } from "../traffic/TokenEstimate.ts"
import * as Policy from "../Policy.ts"
import { BudgetAccount } from "./BudgetAccount.ts"

/** How much may be used, of what, and in which time. At least one of `usd` and `tokens`; with both, both hold. */
export interface BudgetOptions {
  /** US dollars, above 0. */
  readonly usd?: number | undefined
  /** Tokens, input and output together, 1 or more. */
  readonly tokens?: number | undefined
  /**
   * The time within which no more than that is used: at any moment the last `per` counts, to a hundredth of it. Default: the
   * life of the Layer, or of the interface.
   */
  readonly per?: Duration.Input | undefined
  /**
   * The name of a tag: each of its values has a budget of its own, and so have the calls without the tag. A thousand values
   * are told apart; those beyond share one budget.
   */
  readonly tag?: string | undefined
  /** What the error calls it. Default: the name of the tag, or else `budget`. */
  readonly name?: string | undefined
  /** What is reserved for the output of a request that sets no `maxTokens`. Default 1000 tokens. */
  readonly outputTokens?: number | undefined
  /**
   * What a budget of money does with a request whose price is not known before it is sent. `refuse`, the default, fails it:
   * it could cost anything. `allow` sends it with nothing reserved as long as the budget is not used up, and counts the
   * cost that the service tells afterwards, if it tells one.
   */
  readonly unpriced?: "allow" | "refuse" | undefined
}

/**
 * Keeps to a budget. What a request reserves is an estimate: about a token for each four characters, and its `maxTokens` or
 * `outputTokens`. An answer that takes more than its estimate may pass the budget by the difference. A request that was
 * aborted, timed out or broke off with no word of what it used pays its estimate; one that failed before any output pays
 * nothing. Invalid options fail the Layer with `ConfigurationError`.
 */
export const withBudget = (options: BudgetOptions): Policy.ServicePolicy<LlmError> => {
  const problem = budgetProblem(options)
  return problem === undefined
    ? Policy.mechanism(() => Effect.sync(() => keeping(new Budget(options))))
    : Policy.refused("withBudget", problem)
}

/** The same, with one budget for every Layer that it makes, however often they are built. */
export const withLastingBudget = (options: BudgetOptions): Policy.ServicePolicy<LlmError> => {
  const problem = budgetProblem(options)
  if (problem !== undefined) return Policy.refused("budget", problem)
  const budget = new Budget(options)
  return Policy.mechanism(() => Effect.sync(() => keeping(budget)))
}

const keeping = (gate: AttemptGate) =>
  aroundAnswer({
    begin: () => Result.succeed(undefined),
    inside: (effect, _, context) => within(effect, { ...context, gates: [...context.gates, gate] }),
    end: () => undefined,
  })

const longestName = 256

const names: ReadonlyArray<string> = [
  "usd",
  "tokens",
  "per",
  "tag",
  "name",
  "outputTokens",
  "unpriced",
] satisfies ReadonlyArray<keyof BudgetOptions>

/** What is wrong with options, if anything is. Programs without types pass anything. */
export const budgetProblem = (options: BudgetOptions): string | undefined => {
  const given: unknown = options
  if (!Predicate.isObject(given)) return "it is not a plain object: write for example { usd: 10 }"
  const stranger = strangerIn(given, names)
  if (stranger !== undefined) return stranger
  const { name, outputTokens, per, tag, tokens, unpriced, usd } = options
  if (usd === undefined && tokens === undefined) return "it needs usd or tokens"
  if (usd !== undefined && !(Number.isFinite(usd) && usd > 0))
    return `usd must be a number above 0, not ${shownValue(usd)}`
  for (const [option, value] of Object.entries({ tokens, outputTokens })) {
    if (value === undefined || (Number.isFinite(value) && value >= 1)) continue
    return `${option} must be a number, 1 or more, not ${shownValue(value)}`
  }
  const wrongTime = per === undefined ? undefined : durationProblem(per, "above 0")
  if (wrongTime !== undefined) return `per ${wrongTime}`
  for (const [option, value] of Object.entries({ name, tag })) {
    if (value === undefined || (typeof value === "string" && value !== "" && value.length <= longestName)) continue
    return `${option} must be a text of 1 to ${longestName} characters`
  }
  return unpriced === undefined || unpriced === "allow" || unpriced === "refuse"
    ? undefined
    : 'unpriced must be "allow" or "refuse"'
}

/** Values of a tag that are told apart. They may come from anywhere. */
const maxValues = 1000

/** Money is counted in whole billionths of a dollar. */
const unitsPerUsd = 1e9

/** The accounts of one value of the tag. */
interface Accounts {
  readonly usd: BudgetAccount | undefined
  readonly tokens: BudgetAccount | undefined
}

/** What a request may use. */
interface Estimate {
  readonly tokens: number
  /** In billionths of a dollar; undefined where the price is not known. */
  readonly usd: number | undefined
}

/** A budget and what has been used of it. */
export class Budget implements AttemptGate {
  private readonly options: BudgetOptions
  private readonly perMs: number
  private readonly byValue = new Map<string | undefined, Accounts>()
  private readonly others: Accounts

  constructor(options: BudgetOptions) {
    const { per } = options
    this.options = { ...options }
    this.perMs = per === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(Duration.fromInputUnsafe(per))
    this.others = this.make()
  }

  enter(plan: AttemptPlan, fiber: Fiber.Fiber<unknown, unknown>): BudgetExceededError | AttemptLeave {
    const { tag, unpriced = "refuse" } = this.options
    // A stream may be closed in another fiber than it was opened in, which may have ended: the clock is the call's.
    const clock = fiber.getRef(Clock.Clock)
    const nowMs = clockMs(clock)
    const value = tag === undefined ? undefined : own(fiber.getRef(CallTags), tag)
    const accounts = this.accountsOf(value, nowMs)
    const estimate = this.estimate(plan)
    if (accounts.usd !== undefined && estimate.usd === undefined && unpriced === "refuse") {
      return this.unpriced(accounts.usd, plan, value, nowMs)
    }
    if (accounts.usd !== undefined && estimate.usd === undefined && accounts.usd.isUsedUp(nowMs)) {
      return this.exceeded(accounts.usd, "usd", undefined, value, nowMs)
    }
    const held = { usd: estimate.usd ?? 0, tokens: estimate.tokens }
    for (const unit of ["usd", "tokens"] as const) {
      const account = accounts[unit]
      if (account !== undefined && !account.fits(held[unit], nowMs)) {
        return this.exceeded(account, unit, held[unit], value, nowMs)
      }
    }
    accounts.usd?.reserve(held.usd)
    accounts.tokens?.reserve(held.tokens)
    return (record) => {
      const endMs = clockMs(clock)
      const unknown = isFree(record) ? { usd: 0, tokens: 0 } : held
      const usd = record.costUsd === null ? unknown.usd : Math.round(record.costUsd * unitsPerUsd)
      accounts.usd?.settle(held.usd, usd, endMs)
      accounts.tokens?.settle(held.tokens, tokensOf(record.usage) ?? unknown.tokens, endMs)
    }
  }

  private estimate({ maxTokens, price, request }: AttemptPlan): Estimate {
    const { outputTokens: usual = 1000, usd } = this.options
    const inputTokens = estimateTokens(request)
    const outputTokens = traitsOf(request).hasOutput ? (maxTokens ?? usual) : 0
    const costUsd = usd === undefined ? undefined : price({ inputTokens, outputTokens })
    return {
      tokens: inputTokens + outputTokens,
      usd: costUsd === undefined ? undefined : Math.ceil(costUsd * unitsPerUsd),
    }
  }

  private make(): Accounts {
    const { tokens, usd } = this.options
    return {
      usd: usd === undefined ? undefined : new BudgetAccount(Math.round(usd * unitsPerUsd), this.perMs),
      tokens: tokens === undefined ? undefined : new BudgetAccount(tokens, this.perMs),
    }
  }

  private accountsOf(value: string | undefined, nowMs: number): Accounts {
    const known = this.byValue.get(value)
    if (known !== undefined) return known
    if (this.byValue.size >= maxValues) {
      for (const [other, { tokens, usd }] of this.byValue) {
        if ((usd?.isUntouched(nowMs) ?? true) && (tokens?.isUntouched(nowMs) ?? true)) this.byValue.delete(other)
      }
      if (this.byValue.size >= maxValues) return this.others
    }
    const made = this.make()
    this.byValue.set(value, made)
    return made
  }

  private exceeded(
    account: BudgetAccount,
    unit: "usd" | "tokens",
    amount: number | undefined,
    value: string | undefined,
    nowMs: number,
  ): BudgetExceededError {
    const told = (units: number) => (unit === "usd" ? units / unitsPerUsd : units)
    const word = unit === "usd" ? "USD" : "tokens"
    const limit = told(account.limit)
    const used = told(account.used(nowMs))
    const reserved = told(account.reserved)
    const retryAfterMs = account.freeInMs(amount ?? 0, nowMs)
    return new BudgetExceededError({
      message: `no request made: it may take ${amount === undefined ? "any sum" : `${told(amount)} ${word}`}, and of the ${limit} ${word} of ${this.called(value)} ${used} are used and ${reserved} reserved`,
      unit,
      limit,
      used,
      reserved,
      ...(amount === undefined ? {} : { estimate: told(amount) }),
      ...this.named(value),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs) }),
    })
  }

  private unpriced(
    account: BudgetAccount,
    { model, provider }: AttemptPlan,
    value: string | undefined,
    nowMs: number,
  ): BudgetExceededError {
    const asked = model === undefined ? provider : `${provider}/${model}`
    return new BudgetExceededError({
      message: `no request made: ${this.called(value)} counts dollars, and the price of ${asked} is not known (list prices hold at the address of their provider alone); give prices, or unpriced: "allow"`,
      unit: "usd",
      limit: account.limit / unitsPerUsd,
      used: account.used(nowMs) / unitsPerUsd,
      reserved: account.reserved / unitsPerUsd,
      ...this.named(value),
    })
  }

  private named(value: string | undefined) {
    const { name, tag } = this.options
    const budget = name ?? tag ?? "budget"
    return tag === undefined ? { budget } : { budget, tag: value === undefined ? { name: tag } : { name: tag, value } }
  }

  private called(value: string | undefined): string {
    const { name, tag } = this.options
    const budget = `the budget${name === undefined ? "" : ` ${JSON.stringify(name)}`}`
    if (tag === undefined) return budget
    return value === undefined
      ? `${budget} of calls without the tag ${tag}`
      : `${budget} of ${tag} ${JSON.stringify(value)}`
  }
}

const own = (record: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

/** Failures after which an answer may have been written all the same. */
const mayBeBilled: ReadonlySet<string | undefined> = new Set<ErrorType | undefined>([
  undefined,
  "TimeoutError",
  "StreamInterruptedError",
  "InvalidResponseError",
])

/** True for an attempt that failed before any output: services bill none. */
const isFree = ({ errorType, firstOutputMs }: AttemptRecord): boolean =>
  firstOutputMs === undefined && !mayBeBilled.has(errorType)

const tokensOf = ({ inputTokens, outputTokens, totalTokens }: Usage = {}): number | undefined =>
  totalTokens ?? (inputTokens === undefined ? undefined : inputTokens + (outputTokens ?? 0))
