/**
 * Whether the collector of spans is away: Effect's exporter then drops what it is given for a minute, so that no span needs to be
 * made meanwhile. It sends nothing and waits for nothing.
 */
import * as Tracer from "effect/Tracer"

/** How often the exporter sends a batch before it gives up: once, and three times more. */
const mostTries = 4

/** How long it then drops all spans. */
const droppedMs = 60_000

export class Absence {
  private failures = 0
  private untilMs = 0

  /** A batch could not be sent, at this time in milliseconds since the epoch. */
  failed(nowMs: number): void {
    this.failures += 1
    if (this.failures >= mostTries) this.untilMs = nowMs + droppedMs
  }

  /** A batch has arrived. */
  arrived(): void {
    this.failures = 0
    this.untilMs = 0
  }

  isAway(nowMs: number): boolean {
    return nowMs < this.untilMs
  }
}

/** A tracer whose spans are not sampled while their collector is away: who makes them writes nothing into them. */
export const sparing = (tracer: Tracer.Tracer, absence: Absence): Tracer.Tracer =>
  Tracer.make({
    ...tracer,
    span: (options) =>
      tracer.span(absence.isAway(Number(options.startTime / 1_000_000n)) ? { ...options, sampled: false } : options),
  })
