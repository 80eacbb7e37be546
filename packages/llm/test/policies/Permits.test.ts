/** Permits themselves: a limit is a limit, whatever number it is written as. */
import { expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Permits from "../../src/policies/mechanisms/Permits.ts"
import { YieldingAt } from "./YieldingAt.ts"

it.effect.each([
  { count: 1.5, held: 1 },
  { count: 3, held: 3 },
])("of $count permits $held are held at once", ({ count, held }) =>
  Effect.gen(function* () {
    const permits = Permits.make(count)
    let inFlight = 0
    let peak = 0
    const work = Effect.suspend(() => {
      inFlight += 1
      peak = Math.max(peak, inFlight)
      return Effect.ensuring(
        Effect.sleep(10),
        Effect.sync(() => {
          inFlight -= 1
        }),
      )
    })
    const all = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 12 }), () => permits.hold(work), { concurrency: "unbounded" }),
    )
    yield* TestClock.adjust(1000)
    yield* Fiber.join(all)
    expect(peak).toBe(held)
  }),
)

it.effect("a scope that is closed already takes no permit", () =>
  Effect.gen(function* () {
    const permits = Permits.make(1)
    const scope = yield* Scope.make()
    yield* Scope.close(scope, Exit.void)
    const taken = yield* Effect.exit(permits.holdIn(scope))
    expect(Exit.isFailure(taken) && Cause.hasInterruptsOnly(taken.cause)).toBe(true)
    expect(yield* permits.hold(Effect.succeed("still there"))).toBe("still there")
  }),
)

it.effect("a wait that is given up leaves the line to the next", () =>
  Effect.gen(function* () {
    const permits = Permits.make(1)
    const scope = yield* Scope.make()
    yield* permits.holdIn(scope)
    const waiting = yield* Scope.make()
    const outcome = yield* Effect.forkChild(Effect.timeoutOption(permits.holdIn(waiting), 10), {
      startImmediately: true,
    })
    yield* TestClock.adjust(10)
    expect(Option.isNone(yield* Fiber.join(outcome))).toBe(true)
    yield* Scope.close(scope, Exit.void)
    expect(yield* permits.hold(Effect.succeed("mine"))).toBe("mine")
  }),
)

it.effect.each(Array.from({ length: 20 }, (_, step) => step + 1))(
  "a permit that is given back at step %s of the next caller is the caller's",
  (step) =>
    Effect.gen(function* () {
      const permits = Permits.make(1)
      const held = yield* Scope.make()
      yield* permits.holdIn(held)
      const waiting = Effect.runFork(
        Effect.provideService(permits.hold(Effect.succeed("mine")), Scheduler.Scheduler, new YieldingAt(step)),
      )
      yield* Scope.close(held, Exit.void)
      for (let turn = 0; turn < 50; turn++) yield* Effect.yieldNow
      expect(waiting.pollUnsafe()).toEqual(Exit.succeed("mine"))
    }),
)
