/** Permits whose number changes, and what becomes of one that is handed over; see also `test/policies/Permits.test.ts`. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Permits from "../../../src/policies/mechanisms/Permits.ts"

/** Holders that wait in line or hold a permit until they are let go, by number. */
const holders = (permits: Permits.Permits) => {
  const holding: Array<number> = []
  const come = (number: number) =>
    Effect.forkChild(
      permits.hold(
        Effect.andThen(
          Effect.sync(() => holding.push(number)),
          Effect.never,
        ),
      ),
      { startImmediately: true },
    )
  return { come, holding }
}

/** Lets every fiber run that is awake. */
const settled = Effect.forEach(Array.from({ length: 10 }), () => Effect.yieldNow, { discard: true })

const resizing = (permits: Permits.ResizablePermits, count: number) =>
  Effect.withFiber((fiber) => Effect.sync(() => permits.resize(count, fiber)))

describe("permits whose number changes", () => {
  it.effect("say how many are held", () =>
    Effect.gen(function* () {
      const permits = Permits.resizable(3)
      const { come } = holders(permits)
      expect(permits.inUse()).toBe(0)
      const fibers = [yield* come(1), yield* come(2)]
      expect(permits.inUse()).toBe(2)
      yield* Fiber.interruptAll(fibers)
      expect(permits.inUse()).toBe(0)
    }),
  )

  it.effect("go to those first in line where there are more, in their order", () =>
    Effect.gen(function* () {
      const permits = Permits.resizable(1)
      const { come, holding } = holders(permits)
      for (const number of [1, 2, 3, 4]) yield* come(number)
      expect(holding).toEqual([1])
      yield* resizing(permits, 3)
      yield* settled
      expect(holding).toEqual([1, 2, 3])
      expect(permits.inUse()).toBe(3)
    }),
  )

  it.effect("leave holders theirs where there are fewer, and let nobody in until enough have come back", () =>
    Effect.gen(function* () {
      const permits = Permits.resizable(3)
      const { come, holding } = holders(permits)
      const fibers = [yield* come(1), yield* come(2), yield* come(3)]
      yield* resizing(permits, 1)
      expect([holding, permits.inUse()]).toEqual([[1, 2, 3], 3])
      yield* come(4)
      yield* Fiber.interruptAll(fibers.slice(0, 2))
      yield* settled
      expect([holding, permits.inUse()]).toEqual([[1, 2, 3], 1])
      yield* Fiber.interruptAll(fibers)
      yield* settled
      expect([holding, permits.inUse()]).toEqual([[1, 2, 3, 4], 1])
    }),
  )
})

describe("a permit that is handed over", () => {
  it.effect("comes back once from a waiter that is interrupted before it wakes", () =>
    Effect.gen(function* () {
      const permits = Permits.resizable(1)
      const held = yield* Scope.make()
      yield* permits.holdIn(held)
      const { come, holding } = holders(permits)
      const waiting = yield* come(1)
      yield* Scope.close(held, Exit.void)
      yield* Fiber.interrupt(waiting)
      expect([holding, permits.inUse()]).toEqual([[], 0])
      for (const number of [2, 3]) yield* come(number)
      yield* settled
      expect([holding, permits.inUse()]).toEqual([[2], 1])
    }),
  )

  it.effect("goes to nobody who has left the line", () =>
    Effect.gen(function* () {
      const permits = Permits.resizable(1)
      const { come, holding } = holders(permits)
      const fibers = [yield* come(1), yield* come(2), yield* come(3)]
      yield* Fiber.interruptAll(fibers.slice(1, 2))
      yield* Fiber.interruptAll(fibers.slice(0, 1))
      yield* settled
      expect([holding, permits.inUse()]).toEqual([[1, 3], 1])
    }),
  )
})

it("permits are told from a semaphore", () => {
  expect(Permits.isPermits(Permits.make(1))).toBe(true)
  expect(Permits.isPermits(Semaphore.makeUnsafe(1))).toBe(false)
})
