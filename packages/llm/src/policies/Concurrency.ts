/**
 * Law 12: never more than N requests in flight, first come first served, streaming calls to their end. A waiter that is
 * aborted or out of time leaves the queue.
 *
 * Put it inside `withRetry`: a call that backs off then holds no permit (law 8).
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"
import { attemptsOf, joinCall, type LlmCall, targetOf, timeOf } from "../call/LlmCall.ts"
import { LlmError, TimeoutError } from "../model/LlmError.ts"
import * as Permits from "./Permits.ts"
import * as Policy from "./Policy.ts"

/** At most so many requests in flight; pass `Permits` or a `Semaphore` to share one limit among several targets. */
export const withConcurrency = (limit: number | Semaphore.Semaphore | Permits.Permits): Policy.Policy =>
  typeof limit === "number" && !(limit >= 1)
    ? Policy.misconfigured("withConcurrency", `the limit must be 1 or more, not ${limit}`)
    : limited(limit)

const limited = (limit: number | Semaphore.Semaphore | Permits.Permits): Policy.Policy =>
  Policy.make((inner) =>
    Effect.map(
      Effect.sync(() =>
        typeof limit === "number"
          ? Permits.make(limit)
          : Permits.isPermits(limit)
            ? limit
            : Permits.fromSemaphore(limit),
      ),
      (permits): Policy.Service => ({
        name: inner.name,
        generate: (request) =>
          joinCall((call, fiber) =>
            call.queueLimitMs === undefined
              ? permits.hold(arriving(call, fiber, () => inner.generate(request)))
              : Effect.scopedWith((scope) =>
                  Effect.andThen(permit(permits, call, inner.name, scope), inner.generate(request)),
                ),
          ),
        stream: (request) =>
          Policy.streamFrom((scope) =>
            joinCall((call) =>
              Effect.andThen(permit(permits, call, inner.name, scope), Policy.openStream(inner.stream(request), scope)),
            ),
          ),
      }),
    ),
  )

/** Charges the wait for a permit to the attempt that follows. */
const arriving = <A, E>(
  call: LlmCall,
  fiber: Fiber.Fiber<unknown, unknown>,
  then: () => Effect.Effect<A, E>,
): Effect.Effect<A, E> => {
  const sinceMs = timeOf(fiber)
  return Effect.suspend(() => {
    call.queuedMs += timeOf(fiber) - sinceMs
    return then()
  })
}

/** A permit for as long as the scope lasts; the `queue` clock limits the wait for it. */
const permit = (
  permits: Permits.Permits,
  call: LlmCall,
  name: string,
  scope: Scope.Scope,
): Effect.Effect<void, LlmError> =>
  Effect.withFiber((fiber) => {
    const taken = Effect.andThen(
      permits.holdIn(scope),
      arriving(call, fiber, () => Effect.void),
    )
    const limitMs = call.queueLimitMs
    if (limitMs === undefined) return taken
    return Effect.timeoutOrElse(taken, {
      duration: limitMs,
      orElse: () =>
        Effect.suspend(() => {
          call.queuedMs += limitMs
          const message = `no free place among the requests in flight within ${limitMs} ms`
          const reason = new TimeoutError({ clock: "queue", limitMs, message })
          const attempts = attemptsOf(call, timeOf(fiber))
          return Effect.fail(new LlmError({ reason, ...targetOf(call, name), attempts }))
        }),
    })
  })
