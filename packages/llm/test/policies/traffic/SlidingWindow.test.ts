/** A use counts for exactly a minute, and a wait ends in the millisecond in which enough is free. */
import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { SlidingWindow } from "../../../src/policies/traffic/SlidingWindow.ts"

const Load = Schema.Array(
  Schema.Struct({
    gapMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30_000 })),
    amount: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 25 })),
    corrected: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 25 })),
    isCorrected: Schema.Boolean,
  }),
)

describe("a sliding window", () => {
  it("lets as much go as its limit, and the next when the oldest is a minute old", () => {
    const window = new SlidingWindow(2)
    expect(window.waitMs(0, 2)).toBe(0)
    window.take(0, 1)
    expect(window.waitMs(10, 1)).toBe(0)
    window.take(10, 1)
    expect([window.waitMs(10, 1), window.waitMs(10, 2)]).toEqual([59_990, 60_000])
    expect([window.waitMs(59_999, 1), window.waitMs(60_000, 1)]).toEqual([1, 0])
    expect(window.waitMs(60_000, 2)).toBe(10)
  })

  it("makes more than its limit wait whole minutes more, as those behind it in the line do", () => {
    const window = new SlidingWindow(2)
    expect([2, 3, 4, 5, 6, 7].map((amount) => window.waitMs(0, amount))).toEqual([
      0, 60_000, 60_000, 120_000, 120_000, 180_000,
    ])
    window.take(0, 1)
    window.take(500, 1)
    expect([1, 2, 3, 4, 5].map((amount) => window.waitMs(1000, amount))).toEqual([
      59_000, 59_500, 119_000, 119_500, 179_000,
    ])
  })

  it("makes nothing wait, and lets no amount wait where there is no limit", () => {
    const window = new SlidingWindow(2)
    window.take(0, 1)
    expect(window.waitMs(10, 0)).toBe(0)
    window.take(10, 1)
    expect(window.waitMs(20, 0)).toBe(0)
    const endless = new SlidingWindow(Number.POSITIVE_INFINITY)
    endless.take(0, 1e9)
    expect(endless.waitMs(1, 1e9)).toBe(0)
  })

  it("frees at once what a corrected use did not need, and counts what it needed more", () => {
    const window = new SlidingWindow(10)
    const use = window.take(0, 8)
    window.correct(use, 3, 1000)
    expect([window.waitMs(1000, 7), window.waitMs(1000, 8)]).toEqual([0, 59_000])
    window.correct(use, 10, 2000)
    expect(window.waitMs(2000, 1)).toBe(58_000)
    expect(window.waitMs(60_000, 10)).toBe(0)
  })

  it("leaves a use as it is that counts no longer", () => {
    const window = new SlidingWindow(10)
    const use = window.take(0, 8)
    window.correct(use, 1, 60_000)
    expect([use.amount, window.waitMs(60_000, 10), window.waitMs(60_000, 11)]).toEqual([8, 0, 60_000])
    const young = window.take(60_000, 8)
    window.correct(young, 1, 119_999)
    expect([young.amount, window.waitMs(119_999, 9)]).toEqual([1, 0])
  })

  it("forgets uses by the thousand and goes on", () => {
    const window = new SlidingWindow(3000)
    for (let index = 0; index < 5000; index++) window.take(index * 60, 1)
    // The last 1,000 of them are younger than a minute.
    expect([window.waitMs(299_940, 2000), window.waitMs(299_940, 2001)]).toEqual([0, 60])
    expect([window.waitMs(359_939, 3000), window.waitMs(359_940, 3000)]).toEqual([1, 0])
  })

  it.prop("agrees with one that remembers everything", { load: Load }, ({ load }) => {
    const limit = 40
    const window = new SlidingWindow(limit)
    const all: Array<{ readonly atMs: number; amount: number }> = []
    let nowMs = 0
    const usedAt = (ms: number) =>
      all.reduce((sum, { amount, atMs }) => sum + (atMs <= ms && ms < atMs + 60_000 ? amount : 0), 0)
    for (const { amount, corrected, gapMs, isCorrected } of load) {
      nowMs += gapMs
      const waitMs = window.waitMs(nowMs, amount)
      expect(usedAt(nowMs + waitMs) + amount).toBeLessThanOrEqual(limit)
      if (waitMs > 0) expect(usedAt(nowMs + waitMs - 1) + amount).toBeGreaterThan(limit)
      nowMs += waitMs
      const use = window.take(nowMs, amount)
      const kept = { atMs: nowMs, amount }
      all.push(kept)
      if (!isCorrected || usedAt(nowMs) - amount + corrected > limit) continue
      window.correct(use, corrected, nowMs)
      kept.amount = corrected
    }
  })
})
