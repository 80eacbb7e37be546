/**
 * One circuit for all processes that name the same key. It opens on failures in a row of any of them and
 * is judged by the beginning of an answer: the whole of one that comes at once, the first output of a stream. While it is
 * open a call fails at once with `CircuitOpenError`; then one call of all processes is let through to try.
 *
 * Put it outside `withRetry`, as `withCircuitBreaker`.
 */
import { CircuitOpenError, LlmError, type LlmErrorReason, OverloadedError, Policy } from "@wiseflow/llm"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Redis from "effect/persistence/Redis"
import * as Result from "effect/Result"
import { SharedStore } from "../store/SharedStore.ts"

/** When the circuit opens, and for how long. */
export interface SharedCircuitBreakerOptions {
  /** What shares the circuit: the same name in every process, one for each target and model. */
  readonly key: string
  /** Failures in a row, of all processes, that open it. Default 10. */
  readonly failures?: number | undefined
  /** How long it stays open. Default 5 seconds. */
  readonly openFor?: Duration.Input | undefined
}

/** Failures that say that the target is unhealthy. */
const unhealthy: ReadonlySet<LlmErrorReason["_tag"]> = new Set<LlmErrorReason["_tag"]>([
  "ConnectionError",
  "TimeoutError",
  "OverloadedError",
  "ServerError",
  "StreamInterruptedError",
  "InvalidResponseError",
])

const judged = (exit: Exit.Exit<unknown, LlmError>): CircuitBreaker.Outcome => {
  if (exit._tag === "Success") return CircuitBreaker.success
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "None") return CircuitBreaker.ignored
  // A caller's mistake is an answer: the target is well.
  return unhealthy.has(error.value.reason._tag) ? CircuitBreaker.failure() : CircuitBreaker.success
}

type Store = CircuitBreaker.CircuitBreakerStore["Service"]

const storeError = new CircuitBreaker.CircuitBreakerError({
  reason: new CircuitBreaker.CircuitBreakerStoreError({ message: "the shared circuit does not answer" }),
})

/**
 * The store behind a time-out. While it is away the process has a circuit of its own: generations below 0 are its, so that
 * an outcome is recorded where the call was admitted.
 */
const withLocal = (shared: Store, local: Store, { access, whenAway }: SharedStore["Service"]): Store => ({
  admit: (key) =>
    Effect.catchTag(access(answered(shared.admit(key))), "StoreAway", () =>
      whenAway === "refuse"
        ? Effect.fail(storeError)
        : answered(
            Effect.map(local.admit(key), (admission) => ({ ...admission, generation: -1 - admission.generation })),
          ),
    ).pipe(Effect.flatMap(Effect.fromResult)),
  record: (options) =>
    options.generation < 0
      ? local.record({ ...options, generation: -1 - options.generation })
      : Effect.catchTag(access(shared.record(options)), "StoreAway", () => Effect.undefined),
  state: (key) => Effect.mapError(access(shared.state(key)), () => storeError),
})

/** That the circuit is open is an answer of the store, and no failure of the access. */
const answered = <A, R>(
  effect: Effect.Effect<A, CircuitBreaker.CircuitBreakerError, R>,
): Effect.Effect<Result.Result<A, CircuitBreaker.CircuitBreakerError>, CircuitBreaker.CircuitBreakerError, R> =>
  Effect.matchEffect(effect, {
    onSuccess: (value) => Effect.succeed(Result.succeed(value)),
    onFailure: (error) =>
      error.reason._tag === "CircuitBreakerStoreError" ? Effect.fail(error) : Effect.succeed(Result.fail(error)),
  })

/** One circuit for all processes that name the same key. */
export const withSharedCircuitBreaker = ({
  failures = 10,
  key,
  openFor = "5 seconds",
}: SharedCircuitBreakerOptions): Policy.ServicePolicy<LlmError, SharedStore> => {
  if (!(Number.isInteger(failures) && failures >= 1)) {
    return Policy.refused("withSharedCircuitBreaker", `failures must be a whole number above 0, not ${failures}`)
  }
  const wrong = Policy.refusedDuration("withSharedCircuitBreaker", { openFor }, "above 0 and finite")
  return wrong ?? Policy.mechanism((inner) => circuit(key, failures, openFor, inner))
}

const circuit = (key: string, failures: number, openFor: Duration.Input, inner: Policy.Identity) =>
  Effect.gen(function* () {
    const shared = yield* SharedStore
    const stored = Layer.provide(
      CircuitBreaker.layerStoreRedis({ prefix: "wiseflow:circuit:" }),
      Layer.succeed(Redis.Redis, shared.redis),
    )
    const redis = Context.get(yield* Layer.build(stored), CircuitBreaker.CircuitBreakerStore)
    const local = Context.get(yield* Layer.build(CircuitBreaker.layerStoreMemory()), CircuitBreaker.CircuitBreakerStore)
    const breaker = yield* CircuitBreaker.make({
      tripPolicy: CircuitBreaker.consecutive(failures),
      openDuration: openFor,
      onStoreError: "fail",
    }).pipe(Effect.provideService(CircuitBreaker.CircuitBreakerStore, withLocal(redis, local, shared)))
    const refuse = (request: Policy.Asked, reason: CircuitBreaker.CircuitBreakerErrorReason) =>
      Effect.fail(
        new LlmError({
          reason: refusal(inner.name, reason),
          provider: inner.name,
          model: request.model ?? inner.model,
          attempts: [],
        }),
      )
    return Policy.aroundStart(
      <A>(begin: Effect.Effect<A, LlmError>, _: unknown, request: Policy.Asked): Effect.Effect<A, LlmError> => {
        const executed = breaker.execute<A, LlmError, never>(begin, { key, classify: judged })
        return Effect.catchTag(executed, "CircuitBreakerError", ({ reason }) => refuse(request, reason))
      },
    )
  })

const refusal = (name: string, reason: CircuitBreaker.CircuitBreakerErrorReason): LlmErrorReason => {
  switch (reason._tag) {
    case "CircuitOpen":
      return new CircuitOpenError({
        message: `no request made: ${name} failed too often, the shared circuit is open`,
        retryAfterMs: Math.ceil(Duration.toMillis(reason.retryAfter)),
      })
    case "CircuitHalfOpen":
      return new CircuitOpenError({
        message: `no request made: another call tries ${name}, the shared circuit is open`,
      })
    case "CircuitBreakerStoreError":
      return new OverloadedError({ message: "no request made: the shared circuit does not answer" })
  }
}
