/** Permits themselves: a limit is a limit, whatever number it is written as. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Permits from "../../src/policies/Permits.ts"

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
