/** Where a limit that is found settles, over many sizes, chances and hours. */
import { describe, expect, it } from "vitest"
import { AdaptiveLimit, type AdaptiveLimits } from "../../../src/policies/traffic/AdaptiveLimit.ts"
import { type Simulation, simulate } from "./SimulatedService.ts"

const seeds = [1, 2, 3]

const steady = (servers: number, given: Pick<Simulation, "above" | "latencies">, seconds: number) =>
  seeds.map((seed) => simulate({ ...given, seed, seconds, servers: () => servers, latencyMs: () => 1000 }))

const least = (numbers: ReadonlyArray<number>) => Math.min(...numbers)
const greatest = (numbers: ReadonlyArray<number>) => Math.max(...numbers)
const mean = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length

describe.each(["even", "long-tailed"] as const)("with %s latencies the limit", (latencies) => {
  it.each([3, 6, 20, 60, 150])("settles at %i requests where more are refused", (servers) => {
    const runs = steady(servers, { above: "refuses", latencies }, 300)
    expect(mean(runs.map((run) => run.throughput(60, 300) / servers))).toBeGreaterThanOrEqual(0.9)
    expect(greatest(runs.map((run) => run.limit(60, 300, 0.95)))).toBeLessThanOrEqual(servers + 1)
    expect(least(runs.map((run) => run.limit(60, 300, 0.05)))).toBeGreaterThanOrEqual(Math.floor(0.5 * servers))
    expect(greatest(runs.map((run) => run.refusedShare(60, 300)))).toBeLessThanOrEqual(0.05)
  })

  it.each([6, 20])("stays near %i requests where more have to wait, for half an hour", (servers) => {
    const runs = steady(servers, { above: "queues", latencies }, 1800)
    expect(mean(runs.map((run) => run.throughput(60, 1800) / servers))).toBeGreaterThanOrEqual(0.9)
    for (const fromS of [60, 600, 1200]) {
      expect(least(runs.map((run) => run.limit(fromS, fromS + 600, 0.05)))).toBeGreaterThanOrEqual(0.5 * servers)
      expect(greatest(runs.map((run) => run.limit(fromS, fromS + 600, 0.95)))).toBeLessThanOrEqual(3 * servers)
    }
  })

  it("follows a capacity that falls and rises", () => {
    const runs = seeds.map((seed) =>
      simulate({
        above: "refuses",
        latencies,
        seed,
        seconds: 300,
        servers: (nowMs) => (nowMs >= 60_000 && nowMs < 150_000 ? 12 : 40),
        latencyMs: () => 1000,
      }),
    )
    expect(mean(runs.map((run) => run.throughput(90, 150) / 12))).toBeGreaterThanOrEqual(0.9)
    expect(greatest(runs.map((run) => run.limit(90, 150, 0.95)))).toBeLessThanOrEqual(14)
    expect(mean(runs.map((run) => run.throughput(200, 300) / 40))).toBeGreaterThanOrEqual(0.9)
  })

  it("falls to its least in an outage, and is back within half a minute after it", () => {
    const runs = seeds.map((seed) =>
      simulate({
        above: "refuses",
        latencies,
        seed,
        seconds: 240,
        servers: (nowMs) => (nowMs >= 60_000 && nowMs < 120_000 ? 0 : 40),
        latencyMs: () => 1000,
      }),
    )
    expect(greatest(runs.map((run) => run.limit(100, 119, 1)))).toBe(1)
    expect(mean(runs.map((run) => run.throughput(150, 240) / 40))).toBeGreaterThanOrEqual(0.9)
  })

  it("rises again where the service became slower by itself", () => {
    const runs = seeds.map((seed) =>
      simulate({
        above: "refuses",
        latencies,
        seed,
        seconds: 600,
        servers: () => 1000,
        latencyMs: (nowMs) => (nowMs < 60_000 ? 1000 : 3000),
        limits: { max: 30 },
      }),
    )
    expect(least(runs.map((run) => run.limit(60, 600, 0)))).toBeGreaterThan(3)
    expect(mean(runs.map((run) => run.throughput(300, 600) / 10))).toBeGreaterThanOrEqual(0.8)
  })
})

it("slowness is not heeded with a tolerance of Infinity", () => {
  const limit = new AdaptiveLimit({ min: 1, max: 50, initial: 5, tolerance: Number.POSITIVE_INFINITY })
  for (let turn = 1; turn < 2000; turn++) limit.answered(limit.sent(limit.count), "m", turn * 100)
  expect(limit.count).toBe(50)
})

it("a model that is slower than another is no sign of overload", () => {
  const limit = new AdaptiveLimit({ min: 1, max: 50, initial: 5, tolerance: 1.5 })
  for (let turn = 0; turn < 1000; turn++) limit.answered(limit.sent(limit.count), "fast", 100)
  for (let turn = 0; turn < 1000; turn++) limit.answered(limit.sent(limit.count), "slow", 10_000)
  expect(limit.count).toBe(50)
})

/** Requests that fill the limit, each answered in the time that all take: one round, and the limit after it. */
const round = (limit: AdaptiveLimit, answers = limit.count, latencyMs = 100): number => {
  const generation = limit.sent(limit.count)
  for (let index = 0; index < answers; index++) limit.answered(generation, "m", latencyMs)
  return limit.count
}

const rounds = (limit: AdaptiveLimit, count: number) => Array.from({ length: count }, () => round(limit))

const made = (given: Partial<AdaptiveLimits> = {}) =>
  new AdaptiveLimit({ min: 1, max: 200, initial: 40, tolerance: 1.75, ...given })

describe("step by step a limit", () => {
  it("grows by half with each round while none was too high, up to the highest", () => {
    expect(rounds(made(), 5)).toEqual([60, 90, 135, 200, 200])
  })

  it("grows with the last answer of a round, and with the twentieth at the earliest", () => {
    const limit = made({ initial: 10 })
    expect([round(limit, 19), round(limit, 1)]).toEqual([10, 15])
    expect([round(limit, 14), round(limit, 1)]).toEqual([15, 22])
  })

  it("grows where as many requests were in flight as it allows, and not with one less", () => {
    const filled = (inFlight: number) => {
      const limit = made()
      const generation = limit.sent(inFlight)
      for (let index = 0; index < 40; index++) limit.answered(generation, "m", 100)
      return limit.count
    }
    expect([filled(39), filled(40), filled(41)]).toEqual([40, 60, 60])
  })

  it("has to be used in each round in which it grows", () => {
    const limit = made()
    expect(round(limit)).toBe(60)
    const generation = limit.sent(1)
    for (let index = 0; index < 60; index++) limit.answered(generation, "m", 100)
    expect(limit.count).toBe(60)
    expect(round(limit)).toBe(90)
  })

  it("counts no answer to a request that was sent under the one before", () => {
    const limit = made()
    const before = limit.sent(40)
    expect(round(limit)).toBe(60)
    limit.sent(60)
    for (let index = 0; index < 100; index++) limit.answered(before, "m", 100)
    expect(limit.count).toBe(60)
  })

  it("falls by a fifth for a refusal, once for all requests that were sent before it, and to its least", () => {
    const limit = made({ min: 20 })
    const generation = limit.sent(40)
    limit.refused(generation)
    limit.refused(generation)
    expect(limit.count).toBe(32)
    for (const expected of [25, 20, 20]) {
      limit.refused(limit.sent(1))
      expect(limit.count).toBe(expected)
    }
  })

  it("begins a round anew with a fall", () => {
    const limit = made()
    round(limit, 39)
    limit.refused(limit.sent(40))
    expect([round(limit, 31), round(limit, 1)]).toEqual([32, 35])
  })

  it("goes halfway up to one below that which was too high, stays for ten rounds, and tries on in longer steps", () => {
    const limit = made()
    limit.refused(limit.sent(40))
    expect(rounds(limit, 4)).toEqual([35, 37, 38, 39])
    expect(rounds(limit, 9)).toEqual(Array.from({ length: 9 }, () => 39))
    expect(rounds(limit, 6)).toEqual([40, 42, 46, 54, 67, 84])
  })

  it("doubles at most on its way up, and takes steps of one at least", () => {
    const limit = made()
    for (let index = 0; index < 40; index++) limit.refused(limit.sent(1))
    expect(limit.count).toBe(1)
    // Learnt from what was answered before.
    round(limit, 19)
    expect(rounds(limit, 9)).toEqual([2, 4, 8, 16, 28, 34, 37, 38, 39])
  })

  it("takes 0.9 of what it was as the next goal where it is refused below the last one", () => {
    const limit = made()
    limit.refused(limit.sent(40))
    expect(round(limit)).toBe(35)
    limit.refused(limit.sent(35))
    // From 28.4 halfway to 31.95, in steps of one at least.
    expect(limit.count).toBe(28)
    expect(rounds(limit, 4)).toEqual([30, 31, 31, 31])
  })

  it("takes one below what it was as the next goal where it is refused beyond the last one", () => {
    const limit = made()
    limit.refused(limit.sent(40))
    rounds(limit, 4 + 9 + 3)
    expect(limit.count).toBe(46)
    limit.refused(limit.sent(46))
    expect(limit.count).toBe(36)
    expect(rounds(limit, 20).at(10)).toBe(45)
  })

  it("takes refusals round after round for an outage, after which it goes back to where it was", () => {
    const after = (refusals: number) => {
      const limit = made()
      for (let index = 0; index < refusals; index++) limit.refused(limit.sent(1))
      return Math.max(...rounds(limit, 12))
    }
    expect([after(2), after(3), after(10)]).toEqual([28, 40, 40])
  })

  it("does not take refusals for an outage between which rounds were answered", () => {
    const limit = made()
    for (let index = 0; index < 6; index++) {
      limit.refused(limit.sent(limit.count))
      round(limit, 20 + limit.count)
    }
    expect(Math.max(...rounds(limit, 10))).toBeLessThan(25)
  })

  it("begins to wait at its goal anew after each fall", () => {
    const limit = made()
    limit.refused(limit.sent(40))
    rounds(limit, 4 + 8)
    limit.refused(limit.sent(39))
    expect(rounds(limit, 14)).toEqual([33, 34, ...Array.from({ length: 10 }, () => 35), 36, 38])
    limit.refused(limit.sent(38))
    expect(rounds(limit, 15)).toEqual([33, 35, 36, ...Array.from({ length: 10 }, () => 37), 38, 40])
  })
})

describe("for slowness a limit", () => {
  /** One that has learnt a usual latency of 100 ms, and does not grow. */
  const steady = (given: Partial<AdaptiveLimits> = {}) => {
    const limit = made({ max: 40, ...given })
    round(limit, 60)
    return limit
  }

  /** Answers until the limit changes, and what it is then. */
  const untilChanged = (limit: AdaptiveLimit, latencyMs: number, most = 500) => {
    const before = limit.count
    let answers = 0
    while (limit.count === before && answers < most) {
      limit.answered(limit.sent(limit.count), "m", latencyMs)
      answers += 1
    }
    return limit.count
  }

  it("falls to the share that answers are faster, and half the square root, to 70 % of that until it shows what that changes", () => {
    // 40 / 2 + sqrt(40) / 2 = 23.16; 0.7 of it is 16.2.
    const limit = steady()
    expect([untilChanged(limit, 200), untilChanged(limit, 200)]).toEqual([16, 23])
  })

  it("falls by a twentieth at least, and to no less than a half at once", () => {
    // 40 * 0.95 = 38, 0.7 of which is 26.6.
    const little = steady({ tolerance: 1.01 })
    expect([untilChanged(little, 110), untilChanged(little, 100)]).toEqual([26, 38])
    // 40 / 2 + sqrt(40) / 2.
    const much = steady()
    expect([untilChanged(much, 5000), untilChanged(much, 100)]).toEqual([16, 23])
  })

  it("falls above its tolerance, and not at it", () => {
    expect(untilChanged(steady({ tolerance: 2 }), 200)).toBe(40)
    expect(untilChanged(steady({ tolerance: 2 }), 201)).toBe(16)
  })

  it("falls no lower than its least, then and after", () => {
    const limit = steady({ min: 30 })
    expect(untilChanged(limit, 1000)).toBe(30)
    for (let index = 0; index < 300; index++) limit.answered(limit.sent(30), "m", 100)
    expect(limit.count).toBe(30)
  })

  it("does not fall where it is not used", () => {
    const limit = steady()
    for (let index = 0; index < 500; index++) limit.answered(limit.sent(1), "m", 1000)
    expect(limit.count).toBe(40)
  })

  it("heeds no answer to a request that was sent before the last fall", () => {
    const limit = steady()
    const before = limit.sent(40)
    limit.refused(before)
    for (let index = 0; index < 500; index++) {
      limit.sent(limit.count)
      limit.answered(before, "m", 10_000)
    }
    expect(limit.count).toBe(32)
  })

  it("stays where it goes after that, as at one that was not too high", () => {
    const limit = steady()
    untilChanged(limit, 200)
    untilChanged(limit, 100)
    expect(rounds(limit, 9)).toEqual(Array.from({ length: 9 }, () => 23))
    expect([round(limit, 22), round(limit, 1), round(limit)]).toEqual([23, 24, 26])
  })

  it("falls again for the same latency where its fall had made answers faster", () => {
    const limit = steady()
    untilChanged(limit, 200)
    untilChanged(limit, 140)
    expect([limit.count, untilChanged(limit, 200, 300) < 23]).toEqual([23, true])
  })

  it("does not fall again for a latency that its fall had not changed", () => {
    const limit = steady()
    untilChanged(limit, 200)
    untilChanged(limit, 200)
    expect([limit.count, untilChanged(limit, 300, 100)]).toEqual([23, 23])
  })

  it("heeds no latency from before a refusal", () => {
    const limit = steady()
    for (let index = 0; index < 39; index++) limit.answered(limit.sent(40), "m", 1000)
    limit.refused(limit.sent(40))
    limit.answered(limit.sent(32), "m", 1000)
    expect(limit.count).toBe(32)
  })

  it("does not grow while it is lower for a while", () => {
    const limit = steady()
    untilChanged(limit, 200)
    const generation = limit.sent(16)
    // Twenty are passed over, and forty judged together.
    for (let index = 0; index < 59; index++) limit.answered(generation, "m", 100)
    expect(limit.count).toBe(16)
    limit.answered(generation, "m", 100)
    expect(limit.count).toBe(23)
  })

  it("falls from where it is where it is refused meanwhile, and stays there", () => {
    const limit = steady()
    untilChanged(limit, 200)
    limit.refused(limit.sent(16))
    // 0.8 of 16.2.
    expect(limit.count).toBe(12)
    const seen = []
    for (let index = 0; index < 100; index++) {
      limit.answered(limit.sent(12), "m", 100)
      seen.push(limit.count)
    }
    expect(Math.max(...seen)).toBeLessThan(17)
  })
})
