/**
 * Permits, first come first served. Effect's `Semaphore` looks at every waiter on each release, which at 5,000 waiting
 * costs more than the call itself; here a release hands its permit to the first in line, whatever the line's length.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { endingWith } from "../../call/CallContext.ts"

/** A number of permits. A holder always gives its permit back, also when it fails or is interrupted. */
export interface Permits {
  /** Runs an effect while holding a permit. */
  readonly hold: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Takes a permit for as long as the scope lasts. */
  readonly holdIn: (scope: Scope.Scope) => Effect.Effect<void>
}

/** What one caller has of a permit: nothing yet, a place in the line, or the permit. */
interface Place {
  held: boolean
  left: boolean
  wake: (() => void) | undefined
}

/** `count` permits. */
export const make = (count: number): Permits => {
  let free = count
  const line = new Set<Place>()

  /** Gives back whatever the place came to, so that no interruption between two steps can lose a permit. */
  const leave = (place: Place, fiber: Fiber.Fiber<unknown, unknown>): void => {
    place.left = true
    if (!place.held) {
      line.delete(place)
      return
    }
    place.held = false
    const [first] = line
    if (first === undefined) {
      free += 1
      return
    }
    line.delete(first)
    // The permit is the waiter's from here; it wakes in its own turn, so that a long line does not become a deep stack.
    first.held = true
    if (first.wake !== undefined) fiber.currentDispatcher.scheduleTask(first.wake, 0)
  }

  /** Made apart from what it ends, which it must not keep. */
  const leavingIn = (place: Place, fiber: Fiber.Fiber<unknown, unknown>) => () => {
    leave(place, fiber)
    return undefined
  }

  const leaving = (place: Place): Effect.Effect<void> =>
    Effect.withFiber((fiber) => {
      leave(place, fiber)
      return Effect.void
    })

  const take = (place: Place): boolean => {
    if (free < 1) return false
    free -= 1
    place.held = true
    return true
  }

  /** Stands in line until a permit is handed over. */
  const wait = (place: Place): Effect.Effect<void> =>
    Effect.callback((resume) => {
      place.wake = () => resume(Effect.void)
      line.add(place)
      return leaving(place)
    })

  return {
    hold: (effect) =>
      Effect.withFiber((fiber) => {
        const place: Place = { held: false, left: false, wake: undefined }
        const admitted = () => (take(place) ? effect : Effect.andThen(wait(place), effect))
        return endingWith(admitted, leavingIn(place, fiber))
      }),
    holdIn: (scope) =>
      Effect.suspend(() => {
        const place: Place = { held: false, left: false, wake: undefined }
        return Effect.andThen(
          Scope.addFinalizer(scope, leaving(place)),
          Effect.suspend(() => {
            // The scope was closed already: nothing would give the permit back.
            if (place.left) return Effect.interrupt
            return take(place) ? Effect.void : wait(place)
          }),
        )
      }),
  }
}

/** A caller's own `Semaphore`, one permit at a time. */
export const fromSemaphore = (semaphore: Semaphore.Semaphore): Permits => ({
  hold: (effect) => Semaphore.withPermit(semaphore, effect),
  holdIn: (scope) => Effect.provideService(Semaphore.takeScoped(semaphore, 1), Scope.Scope, scope),
})

/** True for permits, as against a number of them or a `Semaphore`. */
export const isPermits = (value: number | Semaphore.Semaphore | Permits): value is Permits =>
  typeof value === "object" && "holdIn" in value
