/** A store that fails no call and holds none up: whatever goes wrong in it is a miss, and is logged once until it works again. */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { saidBy } from "../../model/JsonCopy.ts"
import type { CacheStore } from "./CacheStore.ts"

/** A store as calls use it. */
export interface GuardedStore {
  readonly get: (key: string) => Effect.Effect<Option.Option<string>>
  readonly set: (key: string, value: string) => Effect.Effect<void>
}

/** Guards a store: each access has a time-out. */
export const guarded = (store: CacheStore, ttl: Duration.Duration, timeout: Duration.Duration): GuardedStore => {
  let isFailing = false
  const access = <A>(use: () => Effect.Effect<A, unknown>, instead: A): Effect.Effect<A> =>
    Effect.suspend(use).pipe(
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
  return {
    get: (key) =>
      Effect.map(
        access<Option.Option<unknown>>(() => store.get(key), Option.none()),
        Option.filter(Predicate.isString),
      ),
    set: (key, value) => access<void>(() => store.set(key, value, ttl), undefined),
  }
}
