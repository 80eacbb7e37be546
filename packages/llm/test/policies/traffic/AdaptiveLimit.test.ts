/** Where a limit that is found settles, over many sizes, chances and hours. */
import { describe, expect, it, vi } from "vitest"
import { AdaptiveLimit } from "../../../src/policies/traffic/AdaptiveLimit.ts"
import { type Simulation, simulate } from "./SimulatedService.ts"

vi.setConfig({ testTimeout: 30_000 })

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
