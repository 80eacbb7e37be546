/**
 * A timer by the fiber's clock: under the platform's clock the platform's own timer, which costs a tenth of a sleeping
 * fiber, under any other (a test's) a fiber that sleeps by it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { isPlatformTime } from "./Time.ts"

/** The longest wait that platform timers know. */
const maxPlatformMs = 2 ** 31 - 1

/** Calls `ring` once, after `ms`, unless the function that it returns is called before. */
export const startTimer = (fiber: Fiber.Fiber<unknown, unknown>, ms: number, ring: () => void): (() => void) => {
  if (isPlatformTime(fiber) && ms <= maxPlatformMs) {
    const timer = setTimeout(ring, ms)
    return () => clearTimeout(timer)
  }
  const sleeper = Effect.runForkWith(fiber.context)(Effect.sleep(ms))
  sleeper.addObserver((exit) => {
    if (Exit.isSuccess(exit)) ring()
  })
  return () => sleeper.interruptUnsafe()
}
