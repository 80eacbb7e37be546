/**
 * Hedging: where a request has had no output for longer than nearly all before it, a second one is sent, and the first to
 * give its first output (of an answer that comes at once: the whole answer) wins; the other is interrupted at once. Never
 * after the first output, once in a call, and only as many as `maxRequests`, `maxCostUsd` and `maxCostShare` allow (Dean and
 * Barroso, "The Tail at Scale", 2013: hedged requests after the 95th percentile).
 *
 * Put it outside `withConcurrency`: each of the two requests then has a permit of its own, and the time counts from when the
 * first is sent, not from when it waits. Inside `withRetry`: a retry waits because its service asked for it.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { type CallContext, forAttempt, joinCall, joinStream, tell } from "../../call/CallContext.ts"
import type { CallObserver } from "../../call/CallEvent.ts"
import type { Ledger } from "../../call/Ledger.ts"
import { monotonicMs } from "../../call/Time.ts"
import { startTimer, stopTimer, type Timer } from "../../call/Timer.ts"
import { shownValue } from "../../model/KeyShape.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { AttemptRecord } from "../../model/LlmResponse.ts"
import { strangerIn } from "../../model/NearestName.ts"
import { millisWithin } from "../DurationRange.ts"
import type { Around, Asked, Identity } from "../mechanisms/Around.ts"
import { type Asking, askingOnce, askingStream, race, type Second } from "./Race.ts"
import * as Policy from "../Policy.ts"
import { HedgeBudget, type HedgeLimits, wrongLimit } from "./HedgeBudget.ts"
import { kindAndModel, perModel } from "../mechanisms/PerModel.ts"
import { RecentValues } from "./RecentValues.ts"

/** When a second request is sent, and how many may be. The limits are those of one Layer, as long as it lives. */
export interface HedgeOptions extends HedgeLimits {
  /**
   * How long a request is waited for before a second one is sent: a duration, or a percentile of the times to the first
   * output that the last 250 requests to the same model took. Default `"p95"`.
   */
  readonly after?: Duration.Input | `p${number}` | undefined
  /** The fewest answers of a model for a percentile to count; before, no second request is sent. Default 20. */
  readonly samples?: number | undefined
  /** Limits that several Layers share, in place of those of these options. */
  readonly budget?: HedgeBudget | undefined
}

/** Sends a second request where the first is slow. */
export const withHedge = (options: HedgeOptions = {}): Policy.ServicePolicy<LlmError> => {
  const stranger = strangerIn(options, names)
  if (stranger !== undefined) return refused(stranger)
  const { after = "p95", budget, samples = 20 } = options
  const percentile = percentileOf(after)
  const afterMs = millisWithin(after, "0 or more and finite")
  if (percentile === undefined && afterMs === undefined) {
    return refused(
      `after must be a duration or a percentile, for example "2 seconds" or "p95", not ${shownValue(after)}`,
    )
  }
  if (!Number.isInteger(samples) || samples < 1)
    return refused(`samples must be a whole number above 0, not ${shownValue(samples)}`)
  if (budget !== undefined && !(budget instanceof HedgeBudget)) return refused("budget must be a HedgeBudget")
  const wrong = wrongLimit(budget?.limits ?? options)
  if (wrong !== undefined) return refused(wrong)
  const waitMs = ({ latencies }: Known) => {
    if (afterMs !== undefined || latencies.count < samples) return afterMs
    // Longer than the percentile: where all answers take as long, none is late.
    return Math.floor(latencies.percentile(percentile ?? 1) ?? 0) + 1
  }
  return Policy.mechanism((inner) => Effect.sync(() => hedged(budget ?? new HedgeBudget(options), waitMs, inner)))
}

const names: ReadonlyArray<string> = [
  "after",
  "samples",
  "budget",
  "maxRequests",
  "maxCostUsd",
  "maxCostShare",
] satisfies ReadonlyArray<keyof HedgeOptions>

const refused = (problem: string) => Policy.refused("withHedge", problem)

const percentileOf = (after: NonNullable<HedgeOptions["after"]>): number | undefined => {
  const digits = typeof after === "string" ? /^p(\d{1,2}(?:\.\d+)?)$/.exec(after)?.[1] : undefined
  return digits === undefined ? undefined : Number(digits) / 100
}

/** What is known of the answers of one model, of one kind. */
interface Known {
  /** Times to the first output. */
  readonly latencies: RecentValues
  readonly costs: RecentValues
}

const hedged = (budget: HedgeBudget, waitMs: (known: Known) => number | undefined, inner: Identity): Around => {
  const models = perModel((): Known => ({ latencies: new RecentValues(), costs: new RecentValues() }))
  const hedgedCalls = new WeakSet<Ledger>()
  const racing = <A>(
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
    request: Asked,
    isStream: boolean,
    ask: () => Asking<A>,
  ) => {
    const known = models(kindAndModel(request, inner, isStream))
    const hedge = new Hedge(known, waitMs(known), budget, hedgedCalls, context, fiber)
    return race({ ask, first: (second) => hedge.first(second) })
  }
  return {
    effect: (request, run) =>
      joinCall((context, fiber) => racing(context, fiber, request, false, () => askingOnce(run(request)))),
    stream: (request, run) =>
      joinStream((scope, context, fiber) =>
        racing(context, fiber, request, true, () => askingStream(run(request), scope)),
      ),
  }
}

/** The hedge of one call: it watches both requests, and sends the second one. */
class Hedge {
  private readonly known: Known
  private readonly afterMs: number | undefined
  private readonly budget: HedgeBudget
  private readonly hedgedCalls: WeakSet<Ledger>
  private readonly context: CallContext
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private timer: Timer | undefined

  constructor(
    known: Known,
    afterMs: number | undefined,
    budget: HedgeBudget,
    hedgedCalls: WeakSet<Ledger>,
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
  ) {
    this.known = known
    this.afterMs = afterMs
    this.budget = budget
    this.hedgedCalls = hedgedCalls
    this.context = context
    this.fiber = fiber
  }

  /** The context of the first request. */
  first(second: Second): CallContext {
    const { budget } = this
    const observer = this.observe({
      sent: () => this.wait(second),
      answered: () => {
        this.rest()
        budget.answered()
      },
      ended: ({ costUsd }) => {
        this.rest()
        if (costUsd !== null) budget.paid(costUsd)
      },
    })
    return this.watched(observer)
  }

  private watched(observer: CallObserver): CallContext {
    const context = forAttempt(this.context)
    return { ...context, observers: [...context.observers, observer] }
  }

  private wait(second: Second): void {
    if (this.afterMs === undefined) return
    this.timer ??= startTimer(this.fiber, this.afterMs, () => {
      this.timer = undefined
      this.hedge(second)
    })
  }

  private rest(): void {
    stopTimer(this.timer)
    this.timer = undefined
  }

  private hedge(second: Second): void {
    const { afterMs = 0, budget, context, fiber, hedgedCalls, known } = this
    if (hedgedCalls.has(context.ledger)) return
    if (context.clock?.isOver(monotonicMs(fiber)) === true) return
    const reservedUsd = known.costs.percentile(1)
    if (!budget.take(reservedUsd)) return
    hedgedCalls.add(context.ledger)
    tell(context, { type: "hedge", afterMs: Math.round(afterMs) }, fiber)
    let sent = 0
    const observer = this.observe({
      sent: () => {
        sent += 1
        if (sent > 1) budget.spend(reservedUsd)
      },
      answered: () => {},
      ended: (record) => {
        const costUsd = costOf(record)
        if (costUsd !== undefined) budget.settle(reservedUsd, costUsd)
      },
    })
    // The waits before are those of the first request.
    second({ ...this.watched(observer), queuedUs: 0, waitedMs: 0 }, () => {
      if (sent === 0) budget.giveBack(reservedUsd)
    })
  }

  /** Tells what becomes of each request, and learns how long answers take, and what they cost. */
  private observe(told: {
    readonly sent: () => void
    readonly answered: () => void
    readonly ended: (record: AttemptRecord) => void
  }): CallObserver {
    const waiting = new Map<number, number>()
    const { afterMs = Number.POSITIVE_INFINITY, known } = this
    const answer = (attempt: number, nowMs: number) => {
      const sinceMs = waiting.get(attempt)
      if (sinceMs === undefined) return
      waiting.delete(attempt)
      known.latencies.add(nowMs - sinceMs)
      told.answered()
    }
    return (event, fiber) => {
      if (event.type === "attempt-start") {
        waiting.set(event.attempt, monotonicMs(fiber))
        told.sent()
      }
      if (event.type === "first-output") answer(event.attempt, monotonicMs(fiber))
      if (event.type !== "attempt-end") return
      const { attempt, exit, record } = event
      if (Exit.isSuccess(exit)) {
        answer(attempt, monotonicMs(fiber))
        if (record.costUsd !== null) known.costs.add(record.costUsd)
      } else if (Cause.hasInterruptsOnly(exit.cause)) {
        const waitedMs = monotonicMs(fiber) - (waiting.get(attempt) ?? Number.POSITIVE_INFINITY)
        // One that was given up took at least so long. Without it, every slow one that a hedge replaces would go uncounted.
        if (waitedMs >= afterMs) known.latencies.add(waitedMs)
      }
      told.ended(record)
    }
  }
}

/** What a request cost, where that is known: nothing where it was refused. */
const costOf = ({ costUsd, durationMs: ms, errorType, status, usage }: AttemptRecord): number | undefined => {
  if (costUsd !== null) return costUsd
  if (errorType === undefined || usage !== undefined) return undefined
  return (status === undefined ? ms === 0 : status >= 400) ? 0 : undefined
}
