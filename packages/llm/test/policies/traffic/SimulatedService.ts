/** A service of so many servers and a crowd of callers under a limit, simulated event by event: hours of it in a moment. */
import { AdaptiveLimit, type AdaptiveLimits } from "../../../src/policies/traffic/AdaptiveLimit.ts"

export interface Simulation {
  /** Requests that are served at once, at each time. */
  readonly servers: (nowMs: number) => number
  /** What becomes of more. */
  readonly above: "refuses" | "queues"
  /** The mean time that a request is served. */
  readonly latencyMs: (nowMs: number) => number
  /** Half as long to half as long again, or with a long tail (the logarithm has a standard deviation of 0.7). */
  readonly latencies: "even" | "long-tailed"
  readonly seconds: number
  readonly seed: number
  readonly limits?: Partial<AdaptiveLimits>
}

const callers = 300
const refusedAfterMs = 20
const againAfterMs = 300

/** The limit at each second, and when requests were answered and refused. */
export const simulate = ({ above, latencies, latencyMs, limits, seconds, seed, servers }: Simulation) => {
  const limit = new AdaptiveLimit({ min: 1, max: 200, initial: 5, tolerance: 1.75, ...limits })
  let state = seed * 7919
  const random = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  let nowMs = 0
  const draw = () => {
    const mean = latencyMs(nowMs)
    if (latencies === "even") return mean * (0.5 + random())
    const normal = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
    return mean * Math.exp(0.7 * normal - 0.245)
  }
  // Sorted; the next is the last.
  const events: Array<{ readonly atMs: number; readonly happen: () => void }> = []
  const after = (ms: number, happen: () => void) => {
    const atMs = nowMs + ms
    let place = events.length
    while (place > 0 && (events[place - 1]?.atMs ?? 0) <= atMs) place -= 1
    events.splice(place, 0, { atMs, happen })
  }
  const answered: Array<number> = []
  const refused: Array<number> = []
  const limitEachSecond: Array<number> = []
  let idle = callers
  let inFlight = 0
  let busy = 0
  const waiting: Array<() => void> = []
  const serve = (finish: () => void) => {
    busy += 1
    after(draw(), () => {
      busy -= 1
      waiting.shift()?.()
      finish()
    })
  }
  const send = () => {
    while (idle > 0 && inFlight < limit.count) {
      idle -= 1
      inFlight += 1
      const generation = limit.sent(inFlight)
      const sentMs = nowMs
      const free = busy < servers(nowMs)
      if (!free && above === "refuses") {
        refused.push(nowMs)
        after(refusedAfterMs, () => {
          inFlight -= 1
          limit.refused(generation)
          after(againAfterMs, () => {
            idle += 1
            send()
          })
          send()
        })
        continue
      }
      const finish = () => {
        answered.push(nowMs)
        limit.answered(generation, "m", nowMs - sentMs)
        inFlight -= 1
        idle += 1
        send()
      }
      if (free) serve(finish)
      else waiting.push(() => serve(finish))
    }
  }
  for (let second = 0; second < seconds; second++) {
    after(second * 1000, () => {
      limitEachSecond.push(limit.count)
      // Time passes for a service that has nothing to do, too.
      send()
    })
  }
  send()
  for (let event = events.pop(); event !== undefined && event.atMs < seconds * 1000; event = events.pop()) {
    nowMs = event.atMs
    event.happen()
  }
  const between = (times: ReadonlyArray<number>, fromS: number, toS: number) =>
    times.filter((atMs) => atMs >= fromS * 1000 && atMs < toS * 1000).length
  return {
    /** Answers a second, within seconds. */
    throughput: (fromS: number, toS: number) => between(answered, fromS, toS) / (toS - fromS),
    /** Requests refused, as a share of those answered. */
    refusedShare: (fromS: number, toS: number) => between(refused, fromS, toS) / between(answered, fromS, toS),
    /** The limit that was not exceeded in such a share of the seconds. */
    limit: (fromS: number, toS: number, share: number) => {
      const sorted = limitEachSecond.slice(fromS, toS).toSorted((one, other) => one - other)
      return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
    },
  }
}
