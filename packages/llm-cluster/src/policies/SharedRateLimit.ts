/**
 * One limit for many processes, of requests and of tokens in a time. Calls wait their turn in the order in which
 * they came, each for as long as the store told it at once: one access a limit and call, however long the wait. A call that
 * comes too late at its turn takes another.
 *
 * Put it inside `withRetry`: each attempt is then counted, as the provider counts it.
 */
import { LlmError, OverloadedError, Policy, RateLimitError } from "@wiseflow/llm"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redis from "effect/persistence/Redis"
import { SharedStore } from "../store/SharedStore.ts"
import { aroundShared } from "./SharedAnswer.ts"

/** A limit of requests, of tokens, or of both. */
export interface SharedRateLimitOptions {
  /** What shares the limit: the same name in every process, one for each account and model. */
  readonly key: string
  /** Requests in `per`. */
  readonly requests?: number | undefined
  /** Tokens in `per`: estimated before the call, corrected by its usage. Lists of models and counts of tokens take none. */
  readonly tokens?: number | undefined
  /** The time for which the limits hold. Default 1 minute. */
  readonly per?: Duration.Input | undefined
  /** A call that would have to wait longer fails with `RateLimitError` at once. Default 5 minutes. */
  readonly maxWait?: Duration.Input | undefined
  /** The tokens that a request may cost; asked for answers and embeddings. Default: a quarter of its characters, and `maxTokens` (1000 where absent). */
  readonly estimate?: ((request: Policy.Asked) => number) | undefined
  /** How many processes share the limit: each takes its part of it while the store is away. Default 1. */
  readonly processes?: number | undefined
}

/** One limit as a bucket: what may come at once, and how long one takes to come back. */
interface Bucket {
  readonly key: string
  readonly capacity: number
  readonly refill: Duration.Duration
}

/** How late a call may set out, as a part of the window: so much of the limit the bucket keeps back. */
const lateness = 0.03

/**
 * A bucket that keeps a limit in every window, not only on average: 1 % at once and 96 % over the window, since one that is
 * full at its start gives both. The other 3 % are for calls that set out late, in a process that was busy at its turn: a
 * window holds the turns of its own time, and of the 3 % of `per` before it.
 */
export const bucketOf = (key: string, limit: number, per: Duration.Duration): Bucket => ({
  key,
  capacity: 1 + Math.floor(limit * 0.01),
  refill: Duration.millis(Duration.toMillis(per) / (limit * 0.96)),
})

/** The milliseconds to wait for what was taken, from the moment of the asking. */
const delayMs = (bucket: Bucket, [remaining, elapsedMs]: readonly [number, number]): number =>
  Math.max(0, Math.ceil(-remaining) * Duration.toMillis(bucket.refill) - elapsedMs)

type Store = RateLimiter.RateLimiterStore["Service"]

const take = (store: Store, bucket: Bucket, tokens: number) =>
  Effect.map(
    store.tokenBucket({
      key: bucket.key,
      tokens,
      limit: bucket.capacity,
      refillRate: bucket.refill,
      allowOverflow: true,
    }),
    (taken) => delayMs(bucket, taken),
  )

/** It has not been checked yet, so that a limit may be anything: one bad request must not break what all processes share. */
const outputLimit = ({ maxTokens }: Policy.Asked): number =>
  typeof maxTokens === "number" && maxTokens > 0 && Number.isFinite(maxTokens) ? maxTokens : 1000

const estimated = (request: Policy.Asked): number => {
  const { hasOutput } = Policy.traitsOf(request)
  const characters = JSON.stringify([request.messages, request.inputs, request.tools])?.length ?? 0
  return Math.ceil(characters / 4) + (hasOutput ? outputLimit(request) : 0)
}

/** One limit for all processes that name the same key. */
export const withSharedRateLimit = (options: SharedRateLimitOptions): Policy.ServicePolicy<LlmError, SharedStore> => {
  const { processes = 1 } = options
  for (const [name, value] of Object.entries({ requests: options.requests, tokens: options.tokens, processes })) {
    if (value !== undefined && !(value > 0)) {
      return Policy.refused("withSharedRateLimit", `${name} must be above 0, not ${value}`)
    }
  }
  const wrong =
    Policy.refusedDuration("withSharedRateLimit", { per: options.per }, "above 0 and finite") ??
    Policy.refusedDuration("withSharedRateLimit", { maxWait: options.maxWait })
  return wrong ?? Policy.mechanism((inner) => Effect.map(limiter(options, inner), aroundShared))
}

const limiter = (options: SharedRateLimitOptions, inner: Policy.Identity) =>
  Effect.gen(function* () {
    const { access, redis, whenAway } = yield* SharedStore
    const { estimate = estimated, key, processes = 1 } = options
    const per = Duration.fromInputUnsafe(options.per ?? "1 minute")
    const maxWaitMs = Duration.toMillis(Duration.fromInputUnsafe(options.maxWait ?? "5 minutes"))
    const shared = yield* RateLimiter.makeStoreRedis({ prefix: "wiseflow:limit:" }).pipe(
      Effect.provideService(Redis.Redis, redis),
    )
    const memory = yield* Layer.build(Layer.fresh(RateLimiter.layerStoreMemory))
    const local = Context.get(memory, RateLimiter.RateLimiterStore)
    const limits = (share: number) => ({
      requests: options.requests === undefined ? undefined : bucketOf(`${key}:requests`, options.requests / share, per),
      tokens: options.tokens === undefined ? undefined : bucketOf(`${key}:tokens`, options.tokens / share, per),
    })
    const all = limits(1)
    const own = limits(processes)

    const failed = (request: Policy.Asked, reason: RateLimitError | OverloadedError) =>
      new LlmError({ reason, provider: inner.name, model: request.model ?? inner.model, attempts: [] })

    /** The wait for one limit. */
    const wait = (name: "requests" | "tokens", count: number, request: Policy.Asked) => {
      const bucket = all[name]
      const mine = own[name]
      if (bucket === undefined || mine === undefined || count === 0) return Effect.succeed(0)
      return Effect.catchTag(access(take(shared, bucket, count)), "StoreAway", () =>
        whenAway === "local"
          ? Effect.orDie(take(local, mine, count))
          : Effect.fail(
              failed(
                request,
                new OverloadedError({ message: "no request made: the shared rate limit does not answer" }),
              ),
            ),
      )
    }

    const give = (name: "requests" | "tokens", count: number): Effect.Effect<void> => {
      const bucket = all[name]
      return bucket === undefined || count === 0 ? Effect.void : Effect.ignore(access(take(shared, bucket, -count)))
    }

    const lateMs = Duration.toMillis(per) * lateness

    /** Waits for a turn. */
    const turn = (request: Policy.Asked, tokens: number, isSecond: boolean): Effect.Effect<void, LlmError> =>
      Effect.all([wait("requests", 1, request), wait("tokens", tokens, request)], { concurrency: "unbounded" }).pipe(
        Effect.timed,
        Effect.flatMap(([took, waits]) => {
          const ms = Math.max(...waits) - Duration.toMillis(took)
          if (ms > maxWaitMs) {
            const givenBack = Effect.all([give("requests", 1), give("tokens", tokens)], { concurrency: "unbounded" })
            // It has had a turn, so it goes late: a process that is always late would make no call at all.
            if (isSecond) return Effect.asVoid(givenBack)
            const message = `no request made: the shared rate limit is used up for ${Math.ceil(ms)} ms`
            const reason = new RateLimitError({ message, retryAfterMs: Math.ceil(ms) })
            return Effect.andThen(givenBack, Effect.fail(failed(request, reason)))
          }
          return Effect.flatMap(Effect.timed(ms > 0 ? Effect.sleep(ms) : Effect.void), ([slept]) =>
            // All that became due while the process was held up would set out at once, on top of those whose turn is now.
            isSecond || Duration.toMillis(slept) - ms <= lateMs ? Effect.void : turn(request, tokens, true),
          )
        }),
      )

    return {
      begin: (request: Policy.Asked) => {
        const takes = options.tokens !== undefined && Policy.traitsOf(request).usesTokens
        const tokens = takes ? Math.max(1, Math.ceil(estimate(request))) : 0
        return Effect.as(turn(request, tokens, false), tokens)
      },
      end: (tokens: number, outcome: Policy.Outcome): Effect.Effect<void> => {
        // What took none, such as a count of tokens, gives none back, whatever its answer says.
        if (tokens === 0 || outcome._tag !== "Answered") return Effect.void
        const { inputTokens = 0, outputTokens = 0, totalTokens = inputTokens + outputTokens } = outcome.metadata.usage
        return totalTokens === 0 ? Effect.void : give("tokens", tokens - totalTokens)
      },
    }
  })
