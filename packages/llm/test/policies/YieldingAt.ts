/** A scheduler that yields once, at a chosen step: what may happen between two steps of a fiber then happens there. */
import * as Scheduler from "effect/Scheduler"

export class YieldingAt implements Scheduler.Scheduler {
  private readonly scheduler = new Scheduler.MixedScheduler()
  readonly executionMode = this.scheduler.executionMode
  private left: number

  /** Yields at `step`, the first of which is 1. */
  constructor(step: number) {
    this.left = step
  }

  /** False where all that ran here came to its end, or waits, in fewer steps. */
  get hasYielded() {
    return this.left <= 0
  }

  makeDispatcher() {
    return this.scheduler.makeDispatcher()
  }

  shouldYield() {
    this.left -= 1
    return this.left === 0
  }
}
