/** A store that fails no call and holds none up: whatever goes wrong in it is a miss, and is logged once until it works again. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { saidBy } from "../../model/JsonCopy.ts"
import type { CacheStore } from "./CacheStore.ts"

/** A store as calls use it. */
export interface GuardedStore {
  readonly get: (key: string) => Effect.Effect<Option.Option<string>>
  readonly set: (key: string, value: string) => Effect.Effect<void>
  /**
   * Asks, unless another process does: then waits, after `onWait`, until that has kept its answer, or until it no longer asks.
   */
  readonly alone: <A, E>(
    key: string,
    ask: Effect.Effect<A, E>,
    found: (value: string) => Option.Option<A>,
    onWait: (fiber: Fiber.Fiber<unknown, unknown>) => void,
  ) => Effect.Effect<A, E>
}

/** How long to wait before a store is asked again what another process has made, in milliseconds: first, and at most. */
const firstLookMs = 50
const longestLookMs = 500

/** A lease that fails no call. */
interface HeldLease {
  readonly renew: Effect.Effect<void>
  readonly renewEvery: Duration.Duration
  readonly release: Effect.Effect<void>
}

/** Runs an effect under a lease, which is renewed meanwhile and given back however it ends. */
const leased = <A, E>(
  effect: Effect.Effect<A, E>,
  { release, renew, renewEvery }: HeldLease,
  restore: <B, F>(effect: Effect.Effect<B, F>) => Effect.Effect<B, F>,
): Effect.Effect<A, E> => {
  const renewing: Effect.Effect<never> = Effect.forever(Effect.delay(renew, renewEvery))
  // In a fiber of its own: the one of a call that was given up can wait for nothing.
  const releasing = Effect.flatMap(Effect.forkDetach(release), Fiber.await)
  return Effect.ensuring(restore(Effect.raceFirst(effect, renewing)), releasing)
}

const noLease: HeldLease = { renew: Effect.void, release: Effect.void, renewEvery: Duration.hours(1) }

/** In a fiber of its own: one that cannot be interrupted is left behind. */
const apart = <A>(use: () => Effect.Effect<A, unknown>): Effect.Effect<A, unknown> =>
  Effect.withFiber((outer) =>
    Effect.callback((resume) => {
      // Begun where the wait for it begins, so that no interruption can come between and leave it to itself.
      const fiber = Effect.runForkWith(outer.context)(Effect.suspend(use))
      fiber.addObserver(resume)
      return Effect.sync(() => fiber.interruptUnsafe())
    }),
  )

/** Guards a store: each access has a time-out. */
export const guarded = (store: CacheStore, ttl: Duration.Duration, timeout: Duration.Duration): GuardedStore => {
  let isFailing = false
  const access = <A>(use: () => Effect.Effect<A, unknown>, instead: A): Effect.Effect<A> =>
    apart(use).pipe(
      Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail("it did not answer in time") }),
      Effect.matchCauseEffect({
        onSuccess: (value) => {
          isFailing = false
          return Effect.succeed(value)
        },
        onFailure: (cause) => {
          const wasFailing = isFailing
          isFailing = true
          const said = `the cache's store fails, calls go on without it: ${saidBy(Cause.squash(cause))}`
          return Effect.as(wasFailing ? Effect.void : Effect.logWarning(said), instead)
        },
      }),
    )
  const get = (key: string) =>
    Effect.map(
      access<unknown>(() => store.get(key), Option.none()),
      (found) => (Option.isOption(found) ? Option.filter(found, Predicate.isString) : Option.none()),
    )
  /** Where the lease cannot be asked for, the call asks the model: with a lease of nothing. */
  const leaseOf = (lease: NonNullable<CacheStore["lease"]>, key: string) =>
    access<Option.Option<HeldLease>>(
      () =>
        Effect.map(lease(key), (given) =>
          Option.map(given, ({ release, renew, renewEvery }) => ({
            renewEvery,
            renew: access<void>(() => renew, undefined),
            release: access<void>(() => release, undefined),
          })),
        ),
      Option.some(noLease),
    )
  const alone = <A, E>(
    key: string,
    ask: Effect.Effect<A, E>,
    found: (value: string) => Option.Option<A>,
    onWait: (fiber: Fiber.Fiber<unknown, unknown>) => void,
    waitMs: number,
  ): Effect.Effect<A, E> => {
    const { lease } = store
    if (lease === undefined) return ask
    const wait = Effect.flatMap(Effect.delay(get(key), waitMs), (value) =>
      Option.match(Option.flatMap(value, found), {
        onSome: (answer): Effect.Effect<A, E> => Effect.succeed(answer),
        onNone: () => alone(key, ask, found, onWait, Math.min(waitMs * 2, longestLookMs)),
      }),
    )
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(leaseOf(lease, key)), (given) =>
        Option.match(given, {
          onNone: () =>
            Effect.withFiber((fiber) => {
              onWait(fiber)
              return restore(wait)
            }),
          onSome: (held) => leased(ask, held, restore),
        }),
      ),
    )
  }
  return {
    get,
    set: (key, value) => access<void>(() => store.set(key, value, ttl), undefined),
    alone: (key, ask, found, onWait) => alone(key, ask, found, onWait, firstLookMs),
  }
}
