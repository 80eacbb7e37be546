/**
 * The health of one model at one target, as a circuit: `Closed` lets calls pass, `Open` refuses them, `Probing` lets one
 * call try whether the target is well again. It counts and decides; it sends nothing and never waits.
 */
import type { CircuitState } from "../../call/CallEvent.ts"
import type { LlmErrorReason } from "../../model/LlmError.ts"

/** When a circuit opens, and for how long. Milliseconds. */
export interface Thresholds {
  readonly failures: number
  readonly rate: number
  readonly calls: number
  readonly windowMs: number
  readonly openMs: number
}

/** A call that a circuit let through. It counts only in the generation in which it was admitted. */
export interface Admission {
  readonly circuit: Circuit
  readonly generation: number
  readonly isProbe: boolean
  readonly atMs: number
}

/** Told of each change of state. */
export type OnChange = (from: CircuitState, to: CircuitState) => void

export class Circuit {
  /** Why it opened last. */
  because: LlmErrorReason | undefined
  /** Counts the changes of state: what was admitted before a change does not count after it. */
  generation = 0
  private state: CircuitState = "Closed"
  /** Until when it is open, or a probe is waited for; monotonic milliseconds. */
  private untilMs = 0
  private consecutive = 0
  /** A window begins with the first outcome after the one before. */
  private windowSinceMs = Number.NEGATIVE_INFINITY
  private succeeded = 0
  private failed = 0
  /** The slowest success of this window and of the one before it. */
  private slowestMs = 0
  private slowestBeforeMs = 0

  get isClosed(): boolean {
    return this.state === "Closed"
  }

  /** Milliseconds until a call is let through; none are left where this is not above 0. */
  remainingMs(nowMs: number): number {
    return this.untilMs - nowMs
  }

  /** How long the slowest success of late took. */
  get patienceMs(): number {
    return Math.max(this.slowestMs, this.slowestBeforeMs)
  }

  /** Lets a call through, or not. A probe that does not end holds its place no longer than the circuit stays open. */
  admit(nowMs: number, { openMs }: Pick<Thresholds, "openMs">, onChange: OnChange): Admission | undefined {
    if (this.state !== "Closed") {
      if (nowMs < this.untilMs) return undefined
      this.change("Probing", nowMs + openMs, onChange)
    }
    return { circuit: this, generation: this.generation, isProbe: this.state === "Probing", atMs: nowMs }
  }

  /** A call answered, or refused for a reason that shows that the target is well. */
  succeed(admission: Admission, nowMs: number, thresholds: Thresholds, onChange: OnChange): void {
    if (admission.generation !== this.generation) return
    this.turnWindow(nowMs, thresholds)
    this.succeeded += 1
    this.consecutive = 0
    this.slowestMs = Math.max(this.slowestMs, nowMs - admission.atMs)
    if (admission.isProbe) this.close(onChange)
  }

  /** A call failed in a way that says that the target is unhealthy. */
  fail(admission: Admission, reason: LlmErrorReason, nowMs: number, thresholds: Thresholds, onChange: OnChange): void {
    if (admission.generation !== this.generation) return
    this.turnWindow(nowMs, thresholds)
    this.failed += 1
    this.consecutive += 1
    const total = this.succeeded + this.failed
    const tooMany = total >= thresholds.calls && this.failed / total >= thresholds.rate
    if (admission.isProbe || this.consecutive >= thresholds.failures || tooMany) {
      this.open(reason, nowMs + thresholds.openMs, onChange)
    }
  }

  /** A call ended without evidence about the target: a probe's place goes to the next call. */
  abandon(admission: Admission, nowMs: number): void {
    if (admission.generation === this.generation) this.untilMs = nowMs
  }

  open(because: LlmErrorReason, untilMs: number, onChange: OnChange): void {
    this.because = because
    this.change("Open", untilMs, onChange)
  }

  close(onChange: OnChange): void {
    this.succeeded = 0
    this.failed = 0
    this.change("Closed", 0, onChange)
  }

  private change(to: CircuitState, untilMs: number, onChange: OnChange): void {
    const from = this.state
    this.state = to
    this.untilMs = untilMs
    this.generation += 1
    if (from !== to) onChange(from, to)
  }

  private turnWindow(nowMs: number, { windowMs }: Thresholds): void {
    if (nowMs - this.windowSinceMs < windowMs) return
    this.windowSinceMs = nowMs
    this.succeeded = 0
    this.failed = 0
    this.slowestBeforeMs = this.slowestMs
    this.slowestMs = 0
  }
}
