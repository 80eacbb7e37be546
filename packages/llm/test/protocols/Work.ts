/**
 * How much work a piece of code does, counted and not timed: how often the blocks of the library's source ran, by V8's own
 * coverage. Loops inside built-in functions do not show.
 */
import { Session } from "node:inspector"

/** Counts for as long as it is open: opening it costs more than most of what it counts. */
export class WorkMeter implements Disposable {
  readonly #session = new Session()

  constructor() {
    this.#session.connect()
    this.#session.post("Profiler.enable")
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true })
  }

  /** The blocks of `src` that ran during `run`, each as often as it ran. */
  of(run: () => void): number {
    this.#take()
    run()
    return this.#take()
  }

  [Symbol.dispose](): void {
    this.#session.post("Profiler.stopPreciseCoverage")
    this.#session.disconnect()
  }

  /** What has been counted since the last time. */
  #take(): number {
    let work = 0
    this.#session.post("Profiler.takePreciseCoverage", (error, coverage) => {
      if (error !== null) throw error
      for (const { functions, url } of coverage.result) {
        if (!url.includes("/packages/llm/src/")) continue
        for (const { ranges } of functions) for (const { count } of ranges) work += count
      }
    })
    return work
  }
}

/** How much more work twice the size is: 2 in proportion, 4 with the square. V8 counts too little while it compiles anew. */
export const growthOf = (meter: WorkMeter, read: (size: number) => void, size: number): number => {
  let once = 0
  let twice = Infinity
  for (let turn = 0; turn < 4 && !(twice < 2.7 * once + 500); turn++) {
    once = Math.max(
      once,
      meter.of(() => read(size)),
    )
    twice = Math.min(
      twice,
      meter.of(() => read(2 * size)),
    )
  }
  return twice / (once + 250)
}
