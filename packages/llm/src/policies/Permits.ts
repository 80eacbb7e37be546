/**
 * Permits, first come first served. Effect's `Semaphore` looks at every waiter on each release, which at 5,000 waiting
 * costs more than the call itself; here a release hands its permit to the first in line, whatever the line's length.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"

/** A number of places; whoever holds one gives it back, however it ends. */
export interface Permits {
  /** Runs an effect while holding a permit. */
  readonly hold: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Takes a permit for as long as the scope lasts. */
  readonly holdIn: (scope: Scope.Scope) => Effect.Effect<void>
}

/** `count` permits. */
export const make = (count: number): Permits => {
  let free = count
  const line = new Set<() => void>()

  const release: Effect.Effect<void> = Effect.withFiber((fiber) => {
    const [first] = line
    if (first === undefined) free += 1
    else {
      line.delete(first)
      // The permit is the waiter's from here; it wakes in its own turn, so that a long line is no deep stack.
      fiber.currentDispatcher.scheduleTask(first, 0)
    }
    return Effect.void
  })

  const wait: Effect.Effect<void> = Effect.callback((resume) => {
    const wake = () => resume(Effect.void)
    line.add(wake)
    return Effect.suspend(() => (line.delete(wake) ? Effect.void : release))
  })

  /** Only the wait may be interrupted: between taking a free permit and holding it nothing may come. */
  const take = (waiting: Effect.Effect<void>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (free < 1) return waiting
      free -= 1
      return Effect.void
    })

  return {
    hold: (effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(take(restore(wait)), () => Effect.onExit(restore(effect), () => release)),
      ),
    holdIn: (scope) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(take(restore(wait)), () => Scope.addFinalizer(scope, release)),
      ),
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
