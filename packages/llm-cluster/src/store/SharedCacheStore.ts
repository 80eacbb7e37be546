/**
 * Answers that processes share over Redis: a store for `withCache`. It refuses no call: while Redis is away there is only what
 * this process keeps, or nothing.
 */
import { CacheStore } from "@wiseflow/llm"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { SharedStore } from "./SharedStore.ts"

/** Where in Redis answers are, and what is kept in this process. */
export interface SharedCacheStoreOptions extends CacheStore.MemoryOptions {
  /** What every key in Redis begins with. Default `wiseflow:cache:`. */
  readonly prefix?: string | undefined
}

/**
 * The store for `withCache({ store })`. Entries end with their time (`PX`); what Redis evicts is asked for again. While Redis is
 * away, `whenAway: "local"` keeps answers in the memory of this process (`maxEntries`, `maxBytes`), and `refuse` keeps none.
 */
export const sharedCacheStore = ({
  prefix = "wiseflow:cache:",
  ...limits
}: SharedCacheStoreOptions = {}): Effect.Effect<CacheStore.CacheStore, never, SharedStore> =>
  Effect.map(SharedStore, ({ access, redis, whenAway }) => {
    const local = CacheStore.memory(whenAway === "local" ? limits : { maxEntries: 0 })
    return {
      get: (key) =>
        access(redis.send<string | null>("GET", `${prefix}${key}`)).pipe(
          Effect.map(Option.fromNullOr),
          Effect.catchTag("StoreAway", () => local.get(key)),
        ),
      set: (key, value, ttl) => {
        const lifetime = Duration.isFinite(ttl) ? ["PX", `${Math.max(1, Math.ceil(Duration.toMillis(ttl)))}`] : []
        return access(redis.send("SET", `${prefix}${key}`, value, ...lifetime)).pipe(
          Effect.catchTag("StoreAway", () => local.set(key, value, ttl)),
          Effect.asVoid,
        )
      },
    }
  })
