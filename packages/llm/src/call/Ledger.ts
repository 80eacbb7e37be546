/**
 * What one call has been through: its attempts, in the order in which they began. It only grows, and what it hands out are
 * copies, so that nobody can write into the story of a call (law 17).
 */
import type * as Fiber from "effect/Fiber"
import type { AttemptRecord } from "../model/LlmResponse.ts"
import { epochMs, isoTime, microseconds, monotonicMs } from "./Time.ts"

/** An attempt in the ledger: it knows its own record. */
export interface LedgerEntry {
  readonly provider: string
  readonly model: string | undefined
  readonly telemetryName: string
  /** False for a request that was refused before it was sent. */
  readonly wasSent: boolean
  /** A copy of the record; one that still runs is told up to now. */
  readonly record: () => AttemptRecord
}

const none: ReadonlyArray<never> = []

export class Ledger {
  /** When the call began: monotonic milliseconds, and ISO 8601. */
  readonly startedMs: number
  readonly started: string
  /** Most calls have one attempt, and hold no list for it. */
  private first: LedgerEntry | undefined = undefined
  private later: ReadonlyArray<LedgerEntry> = none
  private notes: ReadonlyArray<string> = none
  private unchargedUs = 0

  constructor(fiber: Fiber.Fiber<unknown, unknown>) {
    this.startedMs = monotonicMs(fiber)
    this.started = isoTime(epochMs(fiber))
  }

  /** Notes a wait for a permit that none came of: the next attempt is charged with it, so that no wait is lost. */
  waitedInVain(waitedMs: number): void {
    this.unchargedUs += microseconds(waitedMs)
  }

  /** Adds a warning for the caller, whichever target answers: that a target was passed over, for example. */
  warn(warning: string): void {
    this.notes = [...this.notes, warning]
  }

  /** The notes so far. */
  get warnings(): ReadonlyArray<string> {
    return this.notes
  }

  /** The waits that no attempt has been charged with yet, in microseconds. */
  takeWaits(): number {
    const us = this.unchargedUs
    this.unchargedUs = 0
    return us
  }

  /** Adds an attempt, and gives its number. */
  add(entry: LedgerEntry): number {
    const number = this.count
    if (this.first === undefined) this.first = entry
    // A new list each time: one that grows holds room for sixteen more, for as long as the call.
    else this.later = this.later.concat(entry)
    return number
  }

  /** Copies of all records so far, in order. */
  attempts(): ReadonlyArray<AttemptRecord> {
    const { first, later } = this
    return first === undefined ? none : [first.record(), ...later.map((entry) => entry.record())]
  }

  /** How many attempts there are so far. */
  get count(): number {
    return this.first === undefined ? 0 : 1 + this.later.length
  }

  /** True where the last attempt was a request that was sent. */
  get lastWasSent(): boolean {
    return this.newest?.wasSent ?? false
  }

  /** A copy of the last record. */
  get last(): AttemptRecord | undefined {
    return this.newest?.record()
  }

  /** The provider that was asked last, for an error that belongs to no attempt. */
  lastTarget(name: string): { readonly provider: string; readonly model: string | undefined } {
    const { newest } = this
    return { provider: newest?.provider ?? name, model: newest?.model }
  }

  /** What the provider asked last is called in traces. */
  lastTelemetryName(name: string): string {
    return this.newest?.telemetryName ?? name
  }

  private get newest(): LedgerEntry | undefined {
    return this.later.at(-1) ?? this.first
  }
}
