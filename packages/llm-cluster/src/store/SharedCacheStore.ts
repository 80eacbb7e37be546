/**
 * Answers that processes share over Redis: a store for `withCache`. It refuses no call: while Redis is away there is only what
 * this process keeps, or nothing.
 */
import { CacheStore, ConfigurationError, LlmError } from "@wiseflow/llm"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { SharedStore } from "./SharedStore.ts"

/** Where in Redis answers are, and what is kept in this process. */
export interface SharedCacheStoreOptions extends CacheStore.MemoryOptions {
  /** What every key in Redis begins with. Default `wiseflow:cache:`. */
  readonly prefix?: string | undefined
  /**
   * True to let one process at a time ask a question: the others wait for its answer, a stream too, which they then get at
   * once and whole. Default false: equal calls share a request within their process.
   */
  readonly lease?: boolean | undefined
  /** How long the death of a process that asks can hold the others up. Default 5 seconds. */
  readonly leaseFor?: Duration.Input | undefined
}

const wrongLease = new LlmError({
  reason: new ConfigurationError({
    setting: "sharedCacheStore",
    message: 'sharedCacheStore: leaseFor must be a duration of a millisecond or more: write for example "5 seconds"',
  }),
  provider: "configuration",
  attempts: [],
})

/** A change of a lease that is still this process's own. */
const ifOwn = (change: string): string => `if redis.call("GET", KEYS[1]) == ARGV[1] then return ${change} end return 0`
const renewal = ifOwn('redis.call("PEXPIRE", KEYS[1], ARGV[2])')
const removal = ifOwn('redis.call("DEL", KEYS[1])')

/**
 * The store for `withCache({ store })`. Entries end with their time (`PX`); what Redis evicts is asked for again. While Redis is
 * away, `whenAway: "local"` keeps answers in the memory of this process (`maxEntries`, `maxBytes`), and `refuse` keeps none.
 * A `leaseFor` that is not a duration is a `ConfigurationError`.
 */
export const sharedCacheStore = ({
  lease = false,
  leaseFor = "5 seconds",
  prefix = "wiseflow:cache:",
  ...limits
}: SharedCacheStoreOptions = {}): Effect.Effect<CacheStore.CacheStore, LlmError, SharedStore> =>
  Effect.flatMap(SharedStore, ({ access, redis, whenAway }) => {
    const leaseMs = Math.round(
      Option.match(Duration.fromInput(leaseFor), { onNone: () => 0, onSome: Duration.toMillis }),
    )
    if (!(leaseMs >= 1 && Number.isFinite(leaseMs))) return Effect.fail(wrongLease)
    const takeLease = (key: string) =>
      Effect.gen(function* () {
        const name = `${prefix}${key}:lease`
        const token = `${yield* Random.nextInt}-${yield* Random.nextInt}`
        const send = (script: string) => access(redis.send("EVAL", script, "1", name, token, `${leaseMs}`))
        const taken = yield* access(redis.send("SET", name, token, "NX", "PX", `${leaseMs}`))
        return taken === null
          ? Option.none()
          : Option.some({
              renew: Effect.asVoid(send(renewal)),
              renewEvery: Duration.millis(leaseMs / 3),
              release: Effect.asVoid(send(removal)),
            })
      })
    const local = CacheStore.memory(whenAway === "local" ? limits : { maxEntries: 0 })
    return Effect.succeed({
      ...(lease ? { lease: takeLease } : {}),
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
    })
  })
