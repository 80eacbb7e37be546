/** The line before a rate limit: who goes when, what is given back, and what the service's own words change. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { RateLimits } from "../../../src/model/LlmResponse.ts"
import { monotonicMs } from "../../../src/call/Time.ts"
import { type Ended, Pace, type Place } from "../../../src/policies/traffic/Pace.ts"

const placeOf = (tokens = 0, endsMs = Number.POSITIVE_INFINITY): Place => ({ tokens, endsMs })

const nowMs = Effect.withFiber((fiber) => Effect.succeed(monotonicMs(fiber)))

const leave = (pace: Pace, place: Place, ended: Partial<Ended> = {}) =>
  Effect.withFiber((fiber) =>
    Effect.sync(() =>
      pace.leave(place, { requests: 1, tokens: undefined, retryAfterMs: 0, isAnswered: true, ...ended }, fiber),
    ),
  )

const told = (pace: Pace, place: Place, limits: RateLimits) => Effect.map(nowMs, (ms) => pace.told(limits, place, ms))

/** Enters in a fiber of its own, which notes when the place may send, or how long it would have to wait. */
const entering = (pace: Pace, place: Place) => {
  const seen: { atMs?: number; waitMs?: number | undefined } = {}
  const enter = Effect.flatMap(pace.enter(place), (waitMs) =>
    Effect.map(nowMs, (atMs) => Object.assign(seen, waitMs === undefined ? { atMs } : { atMs, waitMs })),
  )
  return Effect.map(Effect.forkChild(enter, { startImmediately: true }), (fiber) => ({ fiber, seen }))
}

/** When each of so many places goes that enter one after the other at once. */
const going = (pace: Pace, places: ReadonlyArray<Place>) =>
  Effect.gen(function* () {
    const entered = yield* Effect.forEach(places, (place) => entering(pace, place))
    yield* TestClock.adjust("10 minutes")
    return entered.map(({ seen }) => seen)
  })

describe("the line before a rate limit", () => {
  it.effect("lets as many go at once as fit, and the others as those before them are a minute old", () =>
    Effect.gen(function* () {
      expect(yield* going(new Pace(2), [placeOf(), placeOf(), placeOf(), placeOf(), placeOf()])).toEqual([
        { atMs: 0 },
        { atMs: 0 },
        { atMs: 60_000 },
        { atMs: 60_000 },
        { atMs: 120_000 },
      ])
    }),
  )

  it.effect("counts tokens as well, and lets no small request overtake a great one", () =>
    Effect.gen(function* () {
      expect(yield* going(new Pace(undefined, 100), [placeOf(60), placeOf(50), placeOf(10)])).toEqual([
        { atMs: 0 },
        { atMs: 60_000 },
        { atMs: 60_000 },
      ])
    }),
  )

  it.effect("tells at once how long it would be, where a place cannot wait as long behind those that are in it", () =>
    Effect.gen(function* () {
      const pace = new Pace(1)
      const places = [placeOf(0, 0), placeOf(), placeOf(0, 119_999), placeOf(0, 120_000), placeOf(0, 120_000)]
      const entered = yield* Effect.forEach(places, (place) => entering(pace, place))
      expect(entered.map(({ seen }) => seen)).toEqual([
        { atMs: 0 },
        {},
        { atMs: 0, waitMs: 120_000 },
        {},
        { atMs: 0, waitMs: 180_000 },
      ])
      yield* TestClock.adjust("2 minutes")
      expect(entered.map(({ seen }) => seen.atMs)).toEqual([0, 60_000, 0, 120_000, 0])
    }),
  )

  it.effect("counts the tokens of those that wait for what a place would have to wait", () =>
    Effect.gen(function* () {
      const pace = new Pace(undefined, 100)
      const entered = yield* Effect.forEach([placeOf(100), placeOf(100), placeOf(10, 119_000)], (place) =>
        entering(pace, place),
      )
      expect(entered.map(({ seen }) => seen.waitMs)).toEqual([undefined, undefined, 120_000])
      expect(pace.expectedWaitMs(0, 10)).toBe(120_000)
      yield* TestClock.adjust("1 minute")
      expect(pace.expectedWaitMs(60_000, 10)).toBe(60_000)
      yield* TestClock.adjust("1 minute")
      expect([pace.expectedWaitMs(120_000, 10), pace.expectedWaitMs(120_000, 101)]).toEqual([0, 60_000])
    }),
  )

  it.effect("counts the places that wait for what another would have to wait", () =>
    Effect.gen(function* () {
      const pace = new Pace(1)
      expect(pace.expectedWaitMs(0, 0)).toBe(0)
      yield* entering(pace, placeOf())
      expect(pace.expectedWaitMs(0, 0)).toBe(60_000)
      yield* entering(pace, placeOf())
      expect(pace.expectedWaitMs(0, 0)).toBe(120_000)
    }),
  )

  it.effect("forgets one that is interrupted, with its tokens, and lets the next one go in its place", () =>
    Effect.gen(function* () {
      const pace = new Pace(undefined, 100)
      yield* entering(pace, placeOf(40))
      const great = yield* entering(pace, placeOf(100))
      const small = yield* entering(pace, placeOf(60))
      yield* TestClock.adjust(1000)
      expect(small.seen).toEqual({})
      yield* Fiber.interrupt(great.fiber)
      yield* TestClock.adjust(0)
      expect([great.seen, small.seen]).toEqual([{}, { atMs: 1000 }])
      expect(pace.expectedWaitMs(1000, 40)).toBe(59_000)
    }),
  )

  it.effect("forgets one once, that is interrupted in the moment in which it may go", () =>
    Effect.gen(function* () {
      const pace = new Pace(undefined, 100)
      const first = placeOf(100)
      yield* entering(pace, first)
      const second = yield* entering(pace, placeOf(100))
      yield* leave(pace, first, { requests: 0, tokens: 0 })
      yield* Fiber.interrupt(second.fiber)
      // Had its tokens been taken off the line twice, this one would fit beside it.
      expect(pace.expectedWaitMs(0, 50)).toBe(60_000)
    }),
  )

  it.effect("lets the next one go as soon as another gives back what it did not need", () =>
    Effect.gen(function* () {
      const pace = new Pace(undefined, 100)
      const first = placeOf(100)
      yield* entering(pace, first)
      const second = yield* entering(pace, placeOf(50))
      yield* TestClock.adjust(1000)
      yield* leave(pace, first, { tokens: 51 })
      yield* TestClock.adjust(1)
      expect(second.seen).toEqual({})
      yield* leave(pace, first, { tokens: 50 })
      yield* TestClock.adjust(0)
      expect(second.seen).toEqual({ atMs: 1001 })
    }),
  )

  it.effect("counts all that was reserved where nobody knows what was used", () =>
    Effect.gen(function* () {
      const pace = new Pace(undefined, 100)
      const first = placeOf(60)
      yield* entering(pace, first)
      yield* leave(pace, first)
      expect(pace.expectedWaitMs(0, 41)).toBe(60_000)
    }),
  )

  it.effect("lets what takes no tokens go, also where more were used than there are or are told to be left", () =>
    Effect.gen(function* () {
      const pace = new Pace(undefined, 100)
      const first = placeOf(100)
      yield* entering(pace, first)
      yield* told(pace, first, { tokens: { remaining: 1, resetMs: 30_000 } })
      yield* leave(pace, first, { tokens: 150 })
      expect([pace.expectedWaitMs(0, 0), pace.expectedWaitMs(0, 1)]).toEqual([0, 60_000])
      expect((yield* entering(pace, placeOf(0))).seen).toEqual({ atMs: 0 })
    }),
  )

  it.effect("counts a request that was never sent as none", () =>
    Effect.gen(function* () {
      const pace = new Pace(1)
      const first = placeOf()
      yield* entering(pace, first)
      yield* leave(pace, first, { requests: 0, tokens: 0 })
      expect(pace.expectedWaitMs(0, 0)).toBe(0)
      const refused = placeOf()
      yield* leave(pace, refused, { requests: 1, tokens: 5, retryAfterMs: 5000 })
      expect(pace.expectedWaitMs(0, 0)).toBe(0)
    }),
  )

  it.effect("refuses the first of it where a wait that the service asks for takes longer than it can wait", () =>
    Effect.gen(function* () {
      const pace = new Pace(1)
      const first = placeOf()
      yield* entering(pace, first)
      const second = yield* entering(pace, placeOf(0, 60_000))
      const third = yield* entering(pace, placeOf(0, 150_000))
      yield* leave(pace, first, { retryAfterMs: 70_000 })
      yield* TestClock.adjust(0)
      expect([second.seen, third.seen]).toEqual([{ atMs: 0, waitMs: 70_000 }, {}])
      yield* TestClock.adjust("2 minutes")
      expect(third.seen).toEqual({ atMs: 70_000 })
    }),
  )
})

it.live("a line in which nobody waits any more leaves no timer behind", () =>
  Effect.gen(function* () {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
    const pace = new Pace(1)
    yield* entering(pace, placeOf())
    const before = timers()
    const waiting = yield* Effect.forEach([1, 2], () => entering(pace, placeOf()))
    expect(timers()).toBe(before + 1)
    yield* Effect.forEach(waiting, ({ fiber }) => Fiber.interrupt(fiber))
    expect(timers()).toBe(before)
  }),
)

describe("what the service says", () => {
  it.effect("holds everybody back as long as it asks to, the longest of several times", () =>
    Effect.gen(function* () {
      const pace = new Pace()
      const places = [placeOf(), placeOf(), placeOf()]
      for (const place of places) yield* entering(pace, place)
      for (const [index, retryAfterMs] of [20_000, 5000, 0].entries())
        yield* leave(pace, places[index] ?? placeOf(), { retryAfterMs })
      expect([pace.expectedWaitMs(0, 1), pace.expectedWaitMs(19_999, 1), pace.expectedWaitMs(20_000, 1)]).toEqual([
        20_000, 1, 0,
      ])
    }),
  )

  it.effect("counts less what was sent since, until its window is over", () =>
    Effect.gen(function* () {
      const pace = new Pace()
      const first = placeOf()
      yield* entering(pace, first)
      yield* told(pace, first, { requests: { remaining: 2, resetMs: 30_000 } })
      const entered = yield* Effect.forEach([1, 2, 3], () => entering(pace, placeOf()))
      expect(entered.map(({ seen }) => seen)).toEqual([{ atMs: 0 }, { atMs: 0 }, {}])
      yield* TestClock.adjust(29_999)
      expect(entered[2]?.seen).toEqual({})
      yield* TestClock.adjust(1)
      expect(entered[2]?.seen).toEqual({ atMs: 30_000 })
    }),
  )

  it.effect("counts for a minute where it does not say for how long", () =>
    Effect.gen(function* () {
      const pace = new Pace()
      const first = placeOf()
      yield* entering(pace, first)
      yield* told(pace, first, { requests: { remaining: 0 } })
      expect([pace.expectedWaitMs(0, 0), pace.expectedWaitMs(59_999, 0), pace.expectedWaitMs(60_000, 0)]).toEqual([
        60_000, 1, 0,
      ])
    }),
  )

  it.effect("counts less what others are asking at that moment, which it may not know of", () =>
    Effect.gen(function* () {
      const pace = new Pace()
      const [first, other] = [placeOf(5), placeOf(70)]
      yield* entering(pace, first)
      yield* entering(pace, other)
      const limits: RateLimits = {
        requests: { remaining: 2, resetMs: 10_000 },
        tokens: { remaining: 100, resetMs: 5000 },
      }
      yield* told(pace, first, limits)
      expect([pace.expectedWaitMs(0, 30), pace.expectedWaitMs(0, 31)]).toEqual([0, 5000])
      yield* entering(pace, placeOf(0))
      expect(pace.expectedWaitMs(0, 0)).toBe(10_000)
      // One that has ended is no other any more, and neither is one that is not under way itself.
      yield* leave(pace, other, { tokens: 70 })
      yield* told(pace, placeOf(), { requests: { remaining: 3, resetMs: 10_000 } })
      expect(pace.expectedWaitMs(0, 0)).toBe(0)
      yield* told(pace, placeOf(), { requests: { remaining: 2, resetMs: 10_000 } })
      expect(pace.expectedWaitMs(0, 0)).toBe(10_000)
    }),
  )

  it.effect("of tokens counts as the least of all kinds, whichever is told first", () =>
    Effect.gen(function* () {
      const least = (limits: RateLimits) =>
        Effect.gen(function* () {
          const pace = new Pace()
          const place = placeOf()
          yield* entering(pace, place)
          yield* told(pace, place, limits)
          return [pace.expectedWaitMs(0, 10), pace.expectedWaitMs(0, 11)]
        })
      const ten = { remaining: 10, resetMs: 7000 }
      const twenty = { remaining: 20, resetMs: 9000 }
      expect([
        yield* least({ tokens: ten, inputTokens: twenty, outputTokens: twenty }),
        yield* least({ tokens: twenty, inputTokens: ten, outputTokens: twenty }),
        yield* least({ tokens: twenty, inputTokens: twenty, outputTokens: ten }),
        yield* least({ outputTokens: ten }),
        // Of two that are equally low, the first one.
        yield* least({ tokens: ten, inputTokens: { ...ten, resetMs: 9000 } }),
        yield* least({ tokens: {}, inputTokens: ten, outputTokens: { limit: 1 } }),
        yield* least({}),
      ]).toEqual([
        [0, 7000],
        [0, 7000],
        [0, 7000],
        [0, 7000],
        [0, 7000],
        [0, 7000],
        [0, 0],
      ])
    }),
  )

  it.effect("stays as it is where the next answer says nothing", () =>
    Effect.gen(function* () {
      const pace = new Pace()
      const place = placeOf()
      yield* entering(pace, place)
      yield* told(pace, place, { requests: { remaining: 0 }, tokens: { remaining: 0 } })
      yield* told(pace, place, {})
      expect([pace.expectedWaitMs(0, 0), pace.expectedWaitMs(0, 1)]).toEqual([60_000, 60_000])
      yield* told(pace, place, { requests: { remaining: 1 } })
      expect([pace.expectedWaitMs(0, 0), pace.expectedWaitMs(0, 1)]).toEqual([0, 60_000])
    }),
  )

  it.effect("is corrected by what a request used of it, and by one that was never sent", () =>
    Effect.gen(function* () {
      const pace = new Pace()
      const first = placeOf()
      yield* entering(pace, first)
      yield* told(pace, first, { requests: { remaining: 1 }, tokens: { remaining: 100 } })
      const second = placeOf(80)
      yield* entering(pace, second)
      expect(pace.expectedWaitMs(0, 0)).toBe(60_000)
      yield* leave(pace, second, { requests: 0, tokens: 0 })
      expect([pace.expectedWaitMs(0, 100), pace.expectedWaitMs(0, 101)]).toEqual([0, 60_000])
      const third = placeOf(80)
      yield* entering(pace, third)
      yield* told(pace, third, { requests: { remaining: 5 } })
      yield* leave(pace, third, { tokens: 30 })
      expect([pace.expectedWaitMs(0, 70), pace.expectedWaitMs(0, 71)]).toEqual([0, 60_000])
      const fourth = placeOf(60)
      yield* entering(pace, fourth)
      yield* leave(pace, fourth, { requests: 1 })
      expect([pace.expectedWaitMs(0, 10), pace.expectedWaitMs(0, 11)]).toEqual([0, 60_000])
      yield* told(pace, fourth, { requests: { remaining: 2 } })
      const fifth = placeOf()
      yield* entering(pace, fifth)
      yield* leave(pace, fifth, { requests: 1 })
      expect(pace.expectedWaitMs(0, 0)).toBe(60_000)
    }),
  )

  it.effect("holds the first in line back for its own tokens, and not for those of the others", () =>
    Effect.gen(function* () {
      const pace = new Pace(1)
      const first = placeOf()
      yield* entering(pace, first)
      yield* told(pace, first, { tokens: { remaining: 50, resetMs: 500_000 } })
      yield* entering(pace, placeOf(40))
      expect([pace.expectedWaitMs(0, 40), pace.expectedWaitMs(0, 51)]).toEqual([120_000, 500_000])
    }),
  )
})
