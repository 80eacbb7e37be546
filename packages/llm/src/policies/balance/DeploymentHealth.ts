/**
 * What is known of one deployment of a model: what is in flight there, how fast it answers, and until when it is passed
 * over. It counts and remembers; it chooses nothing, sends nothing and never waits.
 */
import type { LlmErrorReason } from "../../model/LlmError.ts"
import type { AskedTraits } from "../mechanisms/Around.ts"
import { type Admission, Circuit, type Thresholds } from "../mechanisms/Circuit.ts"
import { isUnhealthy, longestToldMs } from "../mechanisms/Judgement.ts"
import type { Pace } from "../traffic/Pace.ts"
import { isOwnRefusal } from "../traffic/RateLimit.ts"

/** What is asked for: the times of whole answers and of first pieces do not compare. */
export type AnswerKind = AskedTraits["latency"] | "stream"

/** When a deployment is passed over, and for how long. Milliseconds. */
export interface Patience extends Thresholds {
  /** After it said that it is out of quota, or refused the key, and not for how long. */
  readonly quotaMs: number
}

/** How much of a fresh average a new time is. */
const share = 0.3

/** What is known fades: after so long without an answer it counts half, so that a slow deployment is tried again. */
const halfLifeMs = 30_000

/** How long a deployment is passed over that asks to slow down and does not say for how long. */
const slowDownMs = 1000

/** The average time to the first output, from the first one on. */
class Latency {
  averageMs: number
  private atMs: number

  constructor(ms: number, nowMs: number) {
    this.averageMs = ms
    this.atMs = nowMs
  }

  /** The time of an answer. It counts the more, the older the average is. */
  add(ms: number, nowMs: number): void {
    const weight = 1 - (1 - share) * this.freshness(nowMs)
    this.averageMs += weight * (ms - this.averageMs)
    this.atMs = nowMs
  }

  /** What to expect. What a request in flight will tell anew does not fade until then. */
  expectedMs(nowMs: number, isBusy: boolean): number {
    return isBusy ? this.averageMs : this.averageMs * this.freshness(nowMs)
  }

  private freshness(nowMs: number): number {
    return 0.5 ** ((nowMs - this.atMs) / halfLifeMs)
  }
}

/** Why and until when a deployment is passed over. */
export interface Away {
  /** Milliseconds until it is asked again. */
  readonly remainingMs: number
  /** What it failed with. */
  readonly because: LlmErrorReason | undefined
  /** True where it did not say itself for how long. */
  readonly isGuess: boolean
}

/** What the program says of a deployment. */
export interface DeploymentSettings {
  readonly name: string
  /** Its share of the calls, against those of the others. */
  readonly weight: number
  /** The model that it is asked for where a request names none. */
  readonly model: string | undefined
  /** The most requests in flight there. */
  readonly concurrency: number
  /** Its rate, where it has one. */
  readonly pace: Pace | undefined
}

export class DeploymentHealth {
  readonly settings: DeploymentSettings
  inFlight = 0
  /** What it is owed of the calls, by weight. */
  credit = 0
  private readonly circuit = new Circuit()
  private readonly patience: Patience
  private readonly latencies = new Map<AnswerKind, Latency>()
  private untilMs = Number.NEGATIVE_INFINITY
  private because: LlmErrorReason | undefined
  private isGuess = false

  constructor(settings: DeploymentSettings, patience: Patience) {
    this.settings = settings
    this.patience = patience
  }

  /** Why it is passed over at this time; undefined where it may be asked. */
  away(nowMs: number): Away | undefined {
    const pausedMs = this.untilMs - nowMs
    const illMs = this.circuit.remainingMs(nowMs)
    if (pausedMs <= 0 && illMs <= 0) return undefined
    return pausedMs >= illMs
      ? { remainingMs: pausedMs, because: this.because, isGuess: this.isGuess }
      : { remainingMs: illMs, because: this.circuit.because, isGuess: true }
  }

  /** Requests in flight for each unit of weight, with one more. */
  get load(): number {
    return (this.inFlight + 1) / this.settings.weight
  }

  /** The time to the first output that is to be expected, in milliseconds; undefined where it is not known. */
  expectedMs(kind: AnswerKind, nowMs: number): number | undefined {
    return this.latencies.get(kind)?.expectedMs(nowMs, this.inFlight > 0)
  }

  /** Takes a request in; undefined where another one is trying whether the deployment is well again. */
  enter(nowMs: number): Admission | undefined {
    return this.circuit.admit(nowMs, this.patience, () => {})
  }

  /** The first output came, or a whole answer. */
  answeredAfter(ms: number, kind: AnswerKind, nowMs: number): void {
    const known = this.latencies.get(kind)
    if (known === undefined) this.latencies.set(kind, new Latency(ms, nowMs))
    else known.add(ms, nowMs)
  }

  /** A request that brought nothing until it was given up. */
  silentFor(ms: number, kind: AnswerKind, nowMs: number): void {
    const known = this.latencies.get(kind)
    if (known === undefined || ms > known.averageMs) this.answeredAfter(ms, kind, nowMs)
  }

  /** A request was answered. */
  succeed(admission: Admission | undefined, nowMs: number): void {
    if (admission !== undefined) this.circuit.succeed(admission, nowMs, this.patience, () => {})
  }

  /** A request ended and says nothing of the deployment. */
  abandon(admission: Admission | undefined, nowMs: number): void {
    if (admission !== undefined) this.circuit.abandon(admission, nowMs)
  }

  /** A request failed. `isOwnModel` where it asked for the model that the deployment is said to have. */
  fail(admission: Admission | undefined, reason: LlmErrorReason, isOwnModel: boolean, nowMs: number): void {
    const pauseMs = this.pauseAfter(reason, isOwnModel)
    if (pauseMs !== undefined && nowMs + pauseMs > this.untilMs) {
      this.untilMs = nowMs + pauseMs
      this.because = reason
      this.isGuess = !isTold(reason)
    }
    if (admission === undefined) return
    if (isUnhealthy(reason)) this.circuit.fail(admission, reason, nowMs, this.patience, () => {})
    else if (pauseMs === undefined && admission.isProbe) this.succeed(admission, nowMs)
    else this.abandon(admission, nowMs)
  }

  /** How long to pass it over at once, whatever its other requests came to. */
  private pauseAfter(reason: LlmErrorReason, isOwnModel: boolean): number | undefined {
    const { quotaMs } = this.patience
    const saidMs = toldMs(reason)
    const retryAfterMs = saidMs === undefined || isTold(reason) ? saidMs : quotaMs
    switch (reason._tag) {
      case "RateLimitError":
        return isOwnRefusal(reason) ? undefined : (retryAfterMs ?? slowDownMs)
      case "CircuitOpenError":
        return retryAfterMs ?? slowDownMs
      case "QuotaExceededError":
        // One end user's budget does not count against the account.
        return reason.scope === "user" ? undefined : (retryAfterMs ?? quotaMs)
      case "AuthenticationError":
        return reason.isKeyRenewed === true ? undefined : quotaMs
      case "ModelNotFoundError":
      case "PermissionDeniedError":
        return isOwnModel ? quotaMs : undefined
      case "BudgetExceededError":
        // The caller's own, perhaps of one tag: the deployment was not asked.
        return undefined
      default:
        return retryAfterMs
    }
  }
}

/** How long a service asked to wait. */
const toldMs = (reason: LlmErrorReason): number | undefined =>
  reason._tag === "ConfigurationError" ? undefined : reason.retryAfterMs

/** True where a service asked to wait, and no longer than it is believed. */
const isTold = (reason: LlmErrorReason): boolean => (toldMs(reason) ?? Number.POSITIVE_INFINITY) <= longestToldMs
