/**
 * One request of a call, from the moment before it is sent to its end: its record in the ledger, and what comes out of it,
 * metadata or an error. Only its provider writes to it; it measures, sends nothing and decides nothing.
 */
import * as Clock from "effect/Clock"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { LlmError, type LlmErrorReason } from "../model/LlmError.ts"
import type { Billing, AttemptRecord, ResponseMetadata, Usage, RateLimits } from "../model/LlmResponse.ts"
import { costOf } from "../prices/AnswerCost.ts"
import { type AttemptLeave, type AttemptTarget, passThrough, planOf } from "./AttemptGate.ts"
import { type CallContext, tell } from "./CallContext.ts"
import { type AnswerEnd, limitWarning, metadataOf } from "./Metadata.ts"
import { clockMs, isoTime, monotonicMs } from "./Time.ts"

export type { AttemptTarget } from "./AttemptGate.ts"
export type { AnswerEnd } from "./Metadata.ts"

/** What an attempt had used before it failed. */
export interface Spent {
  readonly usage: Usage
  readonly billing?: Billing | undefined
}

/** Names of models, requests and finish reasons are short; a longer one is cut. */
const nameLength = 256

const unchanged = (text: string): string => text

const none: ReadonlyArray<never> = []

const abandoned = Exit.interrupt()

type Writable = { -readonly [Key in keyof AttemptRecord]: AttemptRecord[Key] }

export class Attempt {
  private readonly context: CallContext
  private readonly target: AttemptTarget
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly clock: Clock.Clock
  private readonly startedMs: number
  private readonly written: Writable
  private readonly number: number
  private reportedCostUsd: number | undefined
  private isOpen = true
  private readonly leaves: ReadonlyArray<AttemptLeave>

  /** Opens the record, and charges to it what the call has waited for it. */
  constructor(
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
    target: AttemptTarget,
    leaves: ReadonlyArray<AttemptLeave> = none,
  ) {
    this.leaves = leaves
    this.context = context
    this.target = target
    this.fiber = fiber
    this.clock = fiber.getRef(Clock.Clock)
    this.startedMs = clockMs(this.clock)
    this.written = {
      provider: target.provider,
      model: target.model,
      targetIndex: context.targetIndex,
      started: isoTime(this.clock.currentTimeMillisUnsafe()),
      queuedMs: Math.round((context.queuedUs + context.ledger.takeWaits()) / 1000),
      waitedMs: context.waitedMs,
      durationMs: 0,
      costUsd: null,
    }
    const { deployment } = context
    if (deployment !== undefined) {
      this.written.deployment = deployment.name
      this.written.chosenBy = deployment.chosenBy
    }
    this.number = context.ledger.add(this)
    if (context.observers.length > 0) {
      const { redact = unchanged, url } = target
      const told = { record: this.record(), telemetryName: this.telemetryName, url: url && redact(url) }
      tell(context, { type: "attempt-start", attempt: this.number, ...told }, fiber)
    }
  }

  get provider(): string {
    return this.target.provider
  }

  get model(): string | undefined {
    return this.target.model
  }

  /** The name of the provider in traces. */
  get telemetryName(): string {
    return this.target.telemetryName ?? this.target.provider
  }

  /** False for a request that was refused before it was sent. */
  get wasSent(): boolean {
    return true
  }

  get requestId(): string | undefined {
    return this.written.requestId
  }

  /** Milliseconds since the epoch, by the call's clock. */
  epochMs(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  /** A copy of the record; one that still runs is told up to now. */
  record(): AttemptRecord {
    if (!this.isOpen) return { ...this.written }
    const cutShort = this.context.clock?.cutShort
    const durationMs = this.elapsedMs()
    return cutShort === undefined
      ? { ...this.written, durationMs }
      : { ...this.written, durationMs, errorType: cutShort._tag }
  }

  /** Notes the head of the response. A cost that a service reports itself wins over the price table (law 19). */
  sawHead(head: {
    readonly status: number
    readonly requestId: string | undefined
    readonly costUsd?: number | undefined
    readonly limits?: RateLimits | undefined
    readonly responseHeaders?: Readonly<Record<string, string>> | undefined
  }): void {
    this.written.status = head.status
    this.written.requestId = this.nameOf(head.requestId)
    this.reportedCostUsd = head.costUsd
    if (head.responseHeaders === undefined) return
    this.written.limits = head.limits
    this.written.responseHeaders = head.responseHeaders
  }

  /** Notes the first piece of the answer. */
  sawOutput(): void {
    if (this.written.firstOutputMs !== undefined) return
    const afterMs = this.elapsedMs()
    this.written.firstOutputMs = afterMs
    if (this.context.observers.length > 0) {
      tell(this.context, { type: "first-output", attempt: this.number, afterMs }, this.fiber)
    }
  }

  /** The attempt failed: its record says so, and the error tells every attempt of the call so far. */
  fail(reason: LlmErrorReason, spent?: Spent, text?: string): LlmError {
    this.written.errorType = reason._tag
    if (reason._tag !== "ConfigurationError") this.written.retryAfterMs = reason.retryAfterMs
    if (spent !== undefined && Object.keys(spent.usage).length > 0) this.account(spent.usage, spent.billing)
    this.close(Exit.fail(reason))
    const { warnings = [] } = this.target
    return new LlmError({
      reason,
      provider: this.provider,
      model: this.model,
      attempts: this.context.ledger.attempts(),
      ...(text === undefined || text === "" ? {} : { text }),
      ...(warnings.length === 0 ? {} : { warnings }),
    })
  }

  /** The attempt succeeded: what surrounds the answer. */
  finish(end: AnswerEnd): ResponseMetadata {
    const servedModel = this.nameOf(end.servedModel)
    this.written.servedModel = servedModel
    if (this.target.isFree === true) this.written.costUsd = 0
    else this.account(end.usageStatus === "unknown" ? undefined : end.usage, end.billing)
    const nowMs = clockMs(this.clock)
    this.closeAt(nowMs, Exit.void)
    const { context, target, written } = this
    const { ledger } = context
    return metadataOf({
      provider: this.provider,
      model: this.model,
      servedModel,
      temperature: target.temperature,
      maxTokens: target.maxTokens,
      usage: end.usage,
      usageStatus: end.usageStatus,
      latencyMs: Math.round(nowMs - ledger.startedMs),
      timestamp: ledger.started,
      requestId: written.requestId,
      responseId: this.nameOf(end.responseId),
      rawFinishReason: this.nameOf(end.rawFinishReason),
      costUsd: written.costUsd,
      priceSource: written.priceSource,
      attempts: ledger.attempts(),
      warnings: this.warningsOf(end),
    })
  }

  /** What the caller is told beside the answer. */
  private warningsOf(end: AnswerEnd): ReadonlyArray<string> {
    const { redact = unchanged, warnings: dropped = none } = this.target
    const { warnings: told = none } = end
    const cut = limitWarning(end, this.target)
    return [...this.context.ledger.warnings, ...dropped, ...told.map(redact), ...(cut === undefined ? none : [cut])]
  }

  /** Closes the record where it is still open: the attempt has ended, or (without `exit`) nobody waits for it any more. */
  close(exit: Exit.Exit<unknown, unknown> = abandoned): void {
    if (this.isOpen) this.closeAt(clockMs(this.clock), exit)
  }

  private closeAt(nowMs: number, exit: Exit.Exit<unknown, unknown>): void {
    if (!this.isOpen) return
    const { context, written } = this
    written.durationMs = Math.round(nowMs - this.startedMs)
    // The clock of the call that began a shared request may have run out for that call alone.
    if (Exit.isFailure(exit)) written.errorType ??= context.clock?.cutShort?._tag
    this.isOpen = false
    for (const leave of this.leaves) leave(this.record())
    if (context.observers.length > 0) {
      tell(context, { type: "attempt-end", attempt: this.number, record: this.record(), exit }, this.fiber)
    }
  }

  /** A name that the server told, a model's or a request's, without a secret that it may have put there. */
  nameOf(text: string | undefined): string | undefined {
    if (text === undefined) return undefined
    const { redact = unchanged } = this.target
    return redact(text.length > nameLength ? `${text.slice(0, nameLength)}…` : text)
  }

  private elapsedMs(): number {
    return Math.round(clockMs(this.clock) - this.startedMs)
  }

  /** What the answer, or what came of it, cost. A cost that the service tells in a header is its own word, too. */
  private account(usage: Usage | undefined, billing: Billing = {}): void {
    const { reportedCostUsd, target, written } = this
    if (usage !== undefined) written.usage = { ...usage }
    const { model, provider } = target
    const { servedModel } = written
    const told = reportedCostUsd === undefined ? billing : { ...billing, costUsd: reportedCostUsd }
    const cost = costOf(
      { provider, model, servedModel, usage: usage ?? {}, billing: told, atMs: this.epochMs() },
      target.pricing,
    )
    if (cost === undefined) return
    written.costUsd = cost.costUsd
    written.priceSource = cost.priceSource
  }
}

/** The record of a request that this library refused itself. */
class RefusedAttempt extends Attempt {
  override get wasSent(): boolean {
    return false
  }
}

/**
 * Opens the attempt of a request that is about to be sent: with the first one the call has been admitted. Fails where a gate
 * refuses the request, whose record stands in the ledger all the same.
 */
export const openAttempt = (
  context: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
  target: AttemptTarget,
  request: object,
): Result.Result<Attempt, LlmError> => {
  if (context.permit.atMs === undefined) context.permit.came(monotonicMs(fiber))
  if (context.gates.length === 0 || target.isFree === true) return Result.succeed(new Attempt(context, fiber, target))
  const plan = planOf(target, request, fiber.getRef(Clock.Clock).currentTimeMillisUnsafe())
  const { leaves, refusal } = passThrough(context.gates, plan, fiber)
  return refusal === undefined
    ? Result.succeed(new Attempt(context, fiber, target, leaves))
    : Result.fail(new RefusedAttempt(context, fiber, target, leaves).fail(refusal))
}

/**
 * Notes a request that was refused before it was sent: by a breaker, a clock or a limit of this library. It has a record
 * like every attempt (law 17), of no duration.
 */
export const refuseAttempt = (
  context: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
  target: AttemptTarget,
  reason: LlmErrorReason,
): LlmError => new RefusedAttempt(context, fiber, target).fail(reason)

/** A failure that belongs to no attempt: what is wrong was found before one could begin. */
export const failBefore = (
  context: CallContext,
  target: { readonly provider: string; readonly model?: string | undefined },
  reason: LlmErrorReason,
): LlmError =>
  new LlmError({ reason, provider: target.provider, model: target.model, attempts: context.ledger.attempts() })
