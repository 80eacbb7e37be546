/** What two targets accept together, and a target's share of a deadline. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { CallClock } from "../../../src/call/CallClock.ts"
import { type CallContext, joinCall } from "../../../src/call/CallContext.ts"
import { FirstPermit } from "../../../src/call/FirstPermit.ts"
import { shareOf, smallerLimits, targetsOf, withTargetsAfter } from "../../../src/policies/mechanisms/Shares.ts"

describe("the limits of a request that either of two targets may get", () => {
  it("are the limits of the only one that has any, not a copy of them, and none where neither has", () => {
    const limits = { inputs: 3, tokens: 7, isAdvice: true }
    expect(smallerLimits(limits, undefined)).toBe(limits)
    expect(smallerLimits(undefined, limits)).toBe(limits)
    expect(limits).toStrictEqual({ inputs: 3, tokens: 7, isAdvice: true })
    expect(smallerLimits(undefined, undefined)).toBe(undefined)
  })

  it.each([
    ["the smaller of each", { inputs: 3, tokens: 7 }, { inputs: 5, tokens: 6 }, { inputs: 3, tokens: 6 }],
    ["the tokens of the one that counts them", { inputs: 3, tokens: 7 }, { inputs: 4 }, { inputs: 3, tokens: 7 }],
    ["no tokens where none counts them", { inputs: 4 }, { inputs: 3 }, { inputs: 3, tokens: undefined }],
  ])("are %s, whichever comes first", (_, one, other, expected) => {
    expect(smallerLimits(one, other)).toStrictEqual({ ...expected, isAdvice: false })
    expect(smallerLimits(other, one)).toStrictEqual({ ...expected, isAdvice: false })
  })

  it("are advice only where both are", () => {
    const isAdvice = (one?: boolean, other?: boolean) =>
      smallerLimits({ inputs: 1, isAdvice: one }, { inputs: 1, isAdvice: other })?.isAdvice
    expect([isAdvice(true, true), isAdvice(true, false), isAdvice(false, true), isAdvice()]).toEqual([
      true,
      false,
      false,
      false,
    ])
  })
})

describe("a share of a deadline", () => {
  const clockOf = (limitMs: number, from: number | "first-permit", permit = new FirstPermit()) =>
    new CallClock({ name: "total", limitMs, outer: undefined, permit, from })

  /** The context of a call with a deadline that targets share. */
  const sharing = (clock: CallClock, targetsAfter: number): Effect.Effect<CallContext> =>
    joinCall((context) => Effect.succeed({ ...context, clock, shared: { clock, targetsAfter } }))

  it.effect("is an equal part of what is left for each target that may still be asked", () =>
    Effect.gen(function* () {
      const context = yield* sharing(clockOf(1000, 0), 3)
      expect(shareOf(context, 1, 200)).toMatchObject({ limitMs: 200, endsMs: 400 })
      expect(shareOf(context, 2, 0)).toMatchObject({ limitMs: 400, endsMs: 400 })
      expect(shareOf(context, 1, 2000)).toMatchObject({ limitMs: 0, endsMs: 2000 })
    }),
  )

  it.effect("is none where nobody follows, where the target needs no time, and where there is no deadline", () =>
    Effect.gen(function* () {
      const clock = clockOf(1000, 0)
      expect(shareOf(yield* sharing(clock, 0), 1, 0)).toBeUndefined()
      expect(shareOf(yield* sharing(clock, 1), 0, 0)).toBeUndefined()
      expect(shareOf({ ...(yield* sharing(clock, 1)), shared: undefined }, 1, 0)).toBeUndefined()
    }),
  )

  it.effect("begins with the first permit where the deadline does, whenever that comes", () =>
    Effect.gen(function* () {
      const permit = new FirstPermit()
      const context = { ...(yield* sharing(clockOf(1000, "first-permit", permit), 1)), permit }
      const share = shareOf(context, 1, 300)
      expect(share?.endsMs).toBe(Number.POSITIVE_INFINITY)
      permit.came(700)
      expect(share?.endsMs).toBe(1200)
      expect(shareOf(context, 1, 900)).toMatchObject({ limitMs: 400, endsMs: 1300 })
    }),
  )

  it.effect("is counted with all targets that follow, also where no deadline is shared", () =>
    Effect.gen(function* () {
      const context = yield* sharing(clockOf(1000, 0), 1)
      expect(withTargetsAfter(context, 2)).toMatchObject({ targetsAfter: 2, shared: { targetsAfter: 3 } })
      expect(withTargetsAfter(withTargetsAfter({ ...context, shared: undefined }, 2), 1)).toMatchObject({
        targetsAfter: 3,
        shared: undefined,
      })
      expect([
        targetsOf({ name: "p" }),
        targetsOf({ name: "p", targets: 0 }),
        targetsOf({ name: "p", targets: 3 }),
      ]).toEqual([1, 0, 3])
    }),
  )
})
