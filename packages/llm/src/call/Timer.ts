/**
 * A timer by the fiber's clock: under the platform's clock the platform's own timer, which costs a tenth of a sleeping
 * fiber, under any other (a test's) a fiber that sleeps by it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { isPlatformTime } from "./Time.ts"

/** A timer that runs. It is no closure: thousands of calls in flight have one each. */
export type Timer = ReturnType<typeof setTimeout> | Fiber.Fiber<void>

/** The longest wait that platform timers know. */
const maxPlatformMs = 2 ** 31 - 1

/** Calls `ring` once, after `ms`, unless it is stopped before. */
export const startTimer = (fiber: Fiber.Fiber<unknown, unknown>, ms: number, ring: () => void): Timer => {
  // The platform counts whole milliseconds, and cuts off the rest: it would ring too early.
  if (isPlatformTime(fiber) && ms <= maxPlatformMs) return setTimeout(ring, Math.ceil(ms))
  const sleeper = Effect.runForkWith(fiber.context)(Effect.sleep(ms))
  sleeper.addObserver((exit) => {
    if (Exit.isSuccess(exit)) ring()
  })
  return sleeper
}

/** Stops a timer that may run. */
export const stopTimer = (timer: Timer | undefined): void => {
  if (Fiber.isFiber(timer)) timer.interruptUnsafe()
  else clearTimeout(timer)
}
