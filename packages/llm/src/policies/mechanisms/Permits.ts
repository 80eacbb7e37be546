/**
 * Permits, first come first served. Effect's `Semaphore` looks at every waiter on each release, which at 5,000 waiting
 * costs more than the call itself; here a release hands its permit to the first in line, whatever the line's length.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { endingWith } from "../../call/CallContext.ts"
import { Line, type Standing } from "../../model/Line.ts"

/** A number of permits. A holder always gives its permit back, also when it fails or is interrupted. */
export interface Permits {
  /** Runs an effect while holding a permit. */
  readonly hold: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Takes a permit for as long as the scope lasts. */
  readonly holdIn: (scope: Scope.Scope) => Effect.Effect<void>
}

/** Permits whose number may change. */
export interface ResizablePermits extends Permits {
  /** How many are held now. */
  readonly inUse: () => number
  /**
   * Changes their number. Where there are more, those first in line get them; where there are fewer, holders keep theirs, and
   * the next to come wait until enough have been given back.
   */
  readonly resize: (count: number, fiber: Fiber.Fiber<unknown, unknown>) => void
}

/** What one caller has of a permit: nothing yet, a place in the line, or the permit. */
class Place {
  held = false
  inLine: Standing<Admit> | undefined
  left = false
}

/** Gives a permit to one who waits. */
type Admit = (fiber: Fiber.Fiber<unknown, unknown>) => void

/** `count` permits. */
export const make = (count: number): Permits => resizable(count)

/** `count` permits at first. */
export const resizable = (count: number): ResizablePermits => {
  let size = count
  let free = count
  const line = new Line<Admit>()

  /** Hands free permits to those first in line. They wake in their own turn, so that a long line does not become a deep stack. */
  const handOver = (fiber: Fiber.Fiber<unknown, unknown>): void => {
    while (free >= 1) {
      const admit = line.shift()
      if (admit === undefined) return
      free -= 1
      admit(fiber)
    }
  }

  /** Gives back whatever the place came to, so that no interruption between two steps can lose a permit. */
  const leave = (place: Place, fiber: Fiber.Fiber<unknown, unknown>): void => {
    place.left = true
    if (!place.held) {
      if (place.inLine !== undefined) line.remove(place.inLine)
      return
    }
    place.held = false
    free += 1
    handOver(fiber)
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
      // One may have been given back since the place found none.
      if (take(place)) return resume(Effect.void)
      const wake = () => resume(Effect.void)
      place.inLine = line.add((fiber) => {
        // The permit is the waiter's from here.
        place.held = true
        fiber.currentDispatcher.scheduleTask(wake, 0)
      })
      return leaving(place)
    })

  return {
    inUse: () => size - free,
    resize: (next, fiber) => {
      free += next - size
      size = next
      handOver(fiber)
    },
    hold: (effect) =>
      Effect.withFiber((fiber) => {
        const place = new Place()
        const admitted = () => (take(place) ? effect : Effect.andThen(wait(place), effect))
        return endingWith(admitted, leavingIn(place, fiber))
      }),
    holdIn: (scope) =>
      Effect.suspend(() => {
        const place = new Place()
        return Effect.flatMap(Scope.addFinalizer(scope, leaving(place)), () => {
          // The scope was closed already: nothing would give the permit back.
          if (place.left) return Effect.interrupt
          return take(place) ? Effect.void : wait(place)
        })
      }),
  }
}

/** A caller's own `Semaphore`, one permit at a time. */
export const fromSemaphore = (semaphore: Semaphore.Semaphore): Permits => ({
  hold: (effect) => Semaphore.withPermit(semaphore, effect),
  holdIn: (scope) => Effect.provideService(Semaphore.takeScoped(semaphore, 1), Scope.Scope, scope),
})

/** True for permits, as against a `Semaphore`. */
export const isPermits = (value: Semaphore.Semaphore | Permits): value is Permits => "holdIn" in value
