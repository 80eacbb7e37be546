/**
 * How much work a piece of code does, counted and not timed: how often the blocks of the library's source ran, by V8's own
 * coverage. Loops inside built-in functions do not show.
 */
import { Session } from "node:inspector"

/** The blocks of `src` that ran during `run`, each as often as it ran. */
export const workOf = (run: () => void): number => {
  const session = new Session()
  session.connect()
  try {
    session.post("Profiler.enable")
    session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true })
    run()
    let work = 0
    session.post("Profiler.takePreciseCoverage", (error, coverage) => {
      if (error !== null) throw error
      for (const { functions, url } of coverage.result) {
        if (!url.includes("/packages/llm/src/")) continue
        for (const { ranges } of functions) for (const { count } of ranges) work += count
      }
    })
    return work
  } finally {
    session.post("Profiler.stopPreciseCoverage")
    session.disconnect()
  }
}
