/**
 * A clock that runs around a part of a call: a deadline, a share of one, or a limit on silence. The policy that started it
 * ends it; everything within only reads it. An interruption says nothing of its cause, so an attempt asks its clocks
 * whether one of them ended it.
 */
import { type LlmErrorReason, TimeoutError, type TimeoutClock } from "../model/LlmError.ts"
import type { FirstPermit } from "./FirstPermit.ts"

const waitedFor: Record<TimeoutClock, string> = {
  queue: "no permit",
  headers: "no response headers",
  attempt: "no answer to this request",
  "first-output": "no output",
  idle: "no further output",
  reader: "the stream was not read on",
  total: "not finished",
}

/** How a clock is called, how long it runs, and from when on. */
export interface CallClockOptions {
  readonly name: TimeoutClock
  readonly limitMs: number
  /** The clock around this one. */
  readonly outer: CallClock | undefined
  /** Where it begins with a permit. */
  readonly permit: FirstPermit
  /** Monotonic milliseconds; `first-permit` where it begins then; `silence` where only its policy knows what it counts. */
  readonly from: number | "first-permit" | "silence"
}

const expired = new WeakSet<LlmErrorReason>()

/** True for the reason of a clock of this library, as against one that a provider told. */
export const isExpiry = (reason: LlmErrorReason): boolean => expired.has(reason)

export class CallClock {
  readonly limitMs: number
  private readonly name: TimeoutClock
  private readonly outer: CallClock | undefined
  private readonly permit: FirstPermit
  private readonly from: CallClockOptions["from"]
  private reason: TimeoutError | undefined

  constructor({ from, limitMs, name, outer, permit }: CallClockOptions) {
    this.limitMs = limitMs
    this.name = name
    this.outer = outer
    this.permit = permit
    this.from = from
  }

  /** When it runs out, in monotonic milliseconds; `Infinity` while it has not begun. */
  get endsMs(): number {
    const { from, permit } = this
    if (from === "silence") return Number.POSITIVE_INFINITY
    const startedMs = from === "first-permit" ? permit.atMs : from
    return startedMs === undefined ? Number.POSITIVE_INFINITY : startedMs + this.limitMs
  }

  /** True for a deadline that begins with the call's first permit, which has not come yet; here or around. */
  get awaitsPermit(): boolean {
    const { from, outer, permit } = this
    return (from === "first-permit" && permit.atMs === undefined) || (outer?.awaitsPermit ?? false)
  }

  /** The milliseconds left of this clock and of all around it: the whole of one that has not begun. */
  remainingMs(nowMs: number): number {
    const { from, outer, permit } = this
    const awaited = from === "first-permit" && permit.atMs === undefined
    const own = awaited ? this.limitMs : this.endsMs - nowMs
    return outer === undefined ? own : Math.min(own, outer.remainingMs(nowMs))
  }

  /** True where this clock, or one around it, has ended what runs within, or is about to. */
  isOver(nowMs: number): boolean {
    return this.reason !== undefined || nowMs >= this.endsMs || (this.outer?.isOver(nowMs) ?? false)
  }

  /** Says that this clock ended what runs within it. Only the policy that started it calls this. */
  expire(): TimeoutError {
    const { limitMs, name } = this
    const message = `${waitedFor[name]} within ${Math.round(limitMs)} ms (${name} timeout)`
    this.reason ??= new TimeoutError({ clock: name, limitMs: Math.round(limitMs), message })
    expired.add(this.reason)
    return this.reason
  }

  /** The reason of the clock that ended what runs within, if one has. */
  get cutShort(): TimeoutError | undefined {
    return this.reason ?? this.outer?.cutShort
  }

  /** Calls `listener` once, when the clock begins: now, or with the call's first permit, unless what it returns is called before. */
  whenRunning(listener: () => void): (() => void) | undefined {
    const { from, permit } = this
    if (from === "first-permit" && permit.atMs === undefined) return permit.whenCome(listener)
    listener()
    return undefined
  }
}
