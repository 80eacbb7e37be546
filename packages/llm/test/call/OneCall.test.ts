/** One call: everything that happens within it shares its limits and its story, and a changed copy reaches only what is within. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import {
  type CallContext,
  contextWithin,
  forAttempt,
  isJoining,
  joinCall,
  joins,
  tell,
  within,
} from "../../src/call/CallContext.ts"
import type { CallEvent } from "../../src/call/CallEvent.ts"
import { begun } from "./Opened.ts"

const current: Effect.Effect<CallContext> = joinCall((context) => Effect.succeed(context))

describe("a call", () => {
  it.effect("begins without any limit, at the first target", () =>
    Effect.gen(function* () {
      const { gates, ledger, observers, permit, ...limits } = yield* current
      expect(limits).toStrictEqual({
        clock: undefined,
        targetIndex: 0,
        deployment: undefined,
        targetsAfter: 0,
        shared: undefined,
        deadline: "unset",
        headersMs: undefined,
        queue: undefined,
        queuedUs: 0,
        waitedMs: 0,
        onLimits: undefined,
      })
      expect([gates, observers, ledger.count, permit.atMs]).toEqual([[], [], 0, undefined])
    }),
  )

  it.effect("is joined by everything within it, and ends with it", () =>
    Effect.gen(function* () {
      const inner = yield* joinCall((outer) => Effect.map(current, (context) => context === outer))
      expect(inner).toBe(true)
      expect((yield* current).ledger).not.toBe((yield* current).ledger)
    }),
  )

  it.effect("hands a changed copy to what is within, and to nothing else", () =>
    Effect.gen(function* () {
      const seen = yield* joinCall((context) =>
        Effect.gen(function* () {
          const changed = { ...context, targetIndex: 2 }
          return [(yield* within(current, changed)).targetIndex, (yield* current).targetIndex]
        }),
      )
      expect(seen).toEqual([2, 0])
    }),
  )

  it.effect("goes on in a fiber that is given a context of its own", () =>
    Effect.gen(function* () {
      const { context, fiber } = yield* begun
      const changed = { ...context, targetIndex: 3 }
      const given = contextWithin(fiber, changed)
      expect(yield* Fiber.join(Effect.runForkWith(given)(current))).toBe(changed)
      expect(Context.isContext(given)).toBe(true)
    }),
  )

  it.effect("has, for one attempt of something that asks again, a deadline of its own around that", () =>
    Effect.gen(function* () {
      const { context } = yield* begun
      expect(forAttempt({ ...context, deadline: "own", targetIndex: 1 })).toEqual({
        ...context,
        deadline: "around",
        targetIndex: 1,
      })
      for (const deadline of ["unset", "around"] as const) {
        const other = { ...context, deadline }
        expect(forAttempt(other)).toBe(other)
      }
    }),
  )

  it.effect("tells each of its observers what happens, with the fiber in which it does", () =>
    Effect.gen(function* () {
      const { context, fiber } = yield* begun
      const told: Array<unknown> = []
      const observer = (name: string) => (event: CallEvent, of: unknown) =>
        void told.push([name, event.type, of === fiber])
      tell({ ...context, observers: [observer("one"), observer("other")] }, { type: "queued" }, fiber)
      expect(told).toEqual([
        ["one", "queued", true],
        ["other", "queued", true],
      ])
    }),
  )
})

it("a service joins the call around it where it says so", () => {
  const service = { name: "own" }
  expect(isJoining(service)).toBe(false)
  expect(joins(service)).toBe(service)
  expect(isJoining(service)).toBe(true)
  expect(isJoining({ name: "own" })).toBe(false)
})
