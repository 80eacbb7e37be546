/**
 * The Redis that processes share, behind a time-out: no access waits longer, whatever state the server is in. A server that
 * does not answer is left alone for a moment and asked again by one access; that it is away, and that it is back, is said
 * once on the log. What a policy does meanwhile is `whenAway`; nothing is stored here.
 */
import { createClient } from "@redis/client"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import type * as Scope from "effect/Scope"

/** What calls do while the store does not answer: `local` goes on with limits of this process, `refuse` makes none. */
export type WhenAway = "local" | "refuse"

/** Where the store is, and how long it may take. */
export interface SharedStoreOptions {
  /** `redis://` or `rediss://`, with user, password and database where there are some. */
  readonly url: string
  /** The longest that one access may take. Default 250 milliseconds. */
  readonly timeout?: Duration.Input | undefined
  /** How long a store that did not answer is left alone before one access tries it again. Default 1 second. */
  readonly pause?: Duration.Input | undefined
  /** What calls do meanwhile. Default `local`. */
  readonly whenAway?: WhenAway | undefined
}

/** The store did not answer in time, or could not be reached. */
export class StoreAway extends Data.TaggedError("StoreAway")<{}> {
  override readonly message = "the shared store does not answer"
}

/** The store, as the policies of this package use it. */
export class SharedStore extends Context.Service<
  SharedStore,
  {
    /** Redis as effect sees it. Ask it through `access` alone. */
    readonly redis: Redis.Redis["Service"]
    /** One access: an answer within the time-out, or `StoreAway`. */
    readonly access: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, StoreAway, R>
    readonly whenAway: WhenAway
  }
>()("@wiseflow/llm-cluster/SharedStore") {}

/** The access of a store: a time-out, and a pause after one that failed. */
export const guarded = ({
  pause = "1 second",
  timeout = "250 millis",
  whenAway = "local",
}: Omit<SharedStoreOptions, "url">): SharedStore["Service"]["access"] => {
  const pauseMs = Duration.toMillis(Duration.fromInputUnsafe(pause))
  let isAway = false
  let nextTryMs = 0
  const away = Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
    const wasAway = isAway
    isAway = true
    nextTryMs = nowMs + pauseMs
    const what = whenAway === "local" ? "calls go on with the limits of this process" : "calls are refused"
    const said = wasAway ? Effect.void : Effect.logWarning(`the shared store does not answer: ${what}`)
    return Effect.andThen(said, Effect.fail(new StoreAway()))
  })
  const back = Effect.suspend(() => {
    if (!isAway) return Effect.void
    isAway = false
    return Effect.logInfo("the shared store answers again")
  })
  return (effect) =>
    Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
      if (isAway && nowMs < nextTryMs) return Effect.fail(new StoreAway())
      // Only this access tries it again: others would wait as long.
      if (isAway) nextTryMs = nowMs + pauseMs
      return Effect.interruptible(effect).pipe(
        Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(new StoreAway()) }),
        Effect.matchEffect({ onFailure: () => away, onSuccess: (answer) => Effect.as(back, answer) }),
      )
    })
}

/** How long a connection may bring nothing, in milliseconds, before it is given up; it is pinged more often than that. */
const silenceMs = 5000

/** A client that is never waited for: it connects behind the program, again and again, and queues nothing meanwhile. */
const connection = (url: string): Effect.Effect<Redis.Redis["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const client = createClient({
          url,
          disableOfflineQueue: true,
          pingInterval: silenceMs / 2,
          socket: {
            connectTimeout: silenceMs,
            socketTimeout: silenceMs,
            reconnectStrategy: (retries) => Math.min(2 ** retries * 50, 1000),
          },
        })
        // An error without a listener would end the process; the access that fails says what matters.
        client.on("error", () => {})
        return client
      }),
      (client) =>
        Effect.sync(() => {
          if (client.isOpen) client.destroy()
        }),
    )
    const ready = new Promise<void>((resolve) => {
      client.once("ready", resolve)
    })
    client.connect().catch(() => {})
    const send = <A = unknown>(command: string, ...args: ReadonlyArray<string>): Effect.Effect<A, Redis.RedisError> =>
      Effect.tryPromise({
        try: () => ready.then(() => client.sendCommand([command, ...args]) as Promise<A>),
        catch: (cause) => new Redis.RedisError({ cause }),
      })
    const none = Effect.fail(new Redis.RedisError({ cause: new Error("not used by this package") }))
    return yield* Redis.make({ send, subscribe: () => none, connect: none })
  })

/** The store at an address. The Layer is built at once, whether the server is there or not. */
export const layer = (options: SharedStoreOptions): Layer.Layer<SharedStore> =>
  Layer.effect(
    SharedStore,
    Effect.map(connection(options.url), (redis) => ({
      redis,
      access: guarded(options),
      whenAway: options.whenAway ?? "local",
    })),
  )
