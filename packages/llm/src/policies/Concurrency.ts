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
import { type CallContext, joinCall, joinStream, openWithin, tell, within } from "../call/CallContext.ts"
import { monotonicMs } from "../call/Time.ts"
import { type LlmError, TimeoutError } from "../model/LlmError.ts"
import type { Around, Identity } from "./mechanisms/Around.ts"
import { timeoutFailure } from "./mechanisms/Bounded.ts"
import * as Permits from "./mechanisms/Permits.ts"
import * as Policy from "./Policy.ts"

/**
 * At most so many requests in flight. A number makes permits that live as long as the Layer; pass `Permits` or a
 * `Semaphore` of your own to share one limit among several Layers.
 */
export const withConcurrency = (
  limit: number | Semaphore.Semaphore | Permits.Permits,
): Policy.ServicePolicy<LlmError> =>
  typeof limit === "number" && !(limit >= 1)
    ? Policy.refused("withConcurrency", `the limit must be 1 or more, not ${limit}`)
    : Policy.mechanism((inner) => Effect.sync(() => limited(permitsOf(limit), inner)))

const permitsOf = (limit: number | Semaphore.Semaphore | Permits.Permits): Permits.Permits => {
  if (typeof limit === "number") return Permits.make(limit)
  return Permits.isPermits(limit) ? limit : Permits.fromSemaphore(limit)
}

/** At most as many requests in flight as there are permits. */
export const limited = (permits: Permits.Permits, inner: Identity): Around => ({
  effect: (request, run) =>
    joinCall((context, fiber) => {
      const sinceMs = queued(context, fiber)
      const admitted = Effect.suspend(() => arrived(context, fiber, sinceMs, () => run(request)))
      if (!isQueueing(context)) return permits.hold(admitted)
      return Effect.scopedWith((scope) => Effect.andThen(inTime(permits, context, inner, scope), admitted))
    }),
  stream: (request, run) =>
    joinStream((scope, context, fiber) => {
      const sinceMs = queued(context, fiber)
      const permit = isQueueing(context) ? inTime(permits, context, inner, scope) : permits.holdIn(scope)
      return Effect.flatMap(permit, () =>
        arrived(context, fiber, sinceMs, () => openWithin(run(request), scope, fiber)),
      )
    }),
})

/** True while the `queue` clock runs: it ends with the call's first permit. */
const isQueueing = ({ permit, queue }: CallContext): boolean => queue !== undefined && permit.atMs === undefined

/** The call asks for a permit, at this time. */
const queued = (context: CallContext, fiber: Fiber.Fiber<unknown, unknown>): number => {
  if (context.observers.length > 0) tell(context, { type: "queued" }, fiber)
  return monotonicMs(fiber)
}

/** The call has a permit: the wait for it is charged to the attempt that follows. */
const arrived = <A, E>(
  context: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
  sinceMs: number,
  next: () => Effect.Effect<A, E>,
): Effect.Effect<A, E> => {
  const nowMs = monotonicMs(fiber)
  const waitedMs = nowMs - sinceMs
  context.permit.came(nowMs)
  if (context.observers.length > 0) tell(context, { type: "permit", waitedMs: Math.round(waitedMs) }, fiber)
  // Most calls do not wait, and need no context of their own for it.
  return waitedMs < 1 ? next() : within(Effect.suspend(next), { ...context, queuedMs: context.queuedMs + waitedMs })
}

/** A permit for as long as the scope lasts, if it comes within the `queue` clock. */
const inTime = (
  permits: Permits.Permits,
  context: CallContext,
  inner: Identity,
  scope: Scope.Scope,
): Effect.Effect<void, LlmError> =>
  Effect.withFiber((fiber) => {
    const sinceMs = monotonicMs(fiber)
    const { endsMs, limitMs } = context.queue ?? { endsMs: Number.POSITIVE_INFINITY, limitMs: 0 }
    const late = Effect.suspend(() => {
      const message = `no permit among the requests in flight within ${limitMs} ms (queue timeout)`
      const reason = new TimeoutError({ clock: "queue", limitMs, message })
      context.ledger.waitedInVain(monotonicMs(fiber) - sinceMs)
      return Effect.fail(timeoutFailure(context, reason, inner.name))
    })
    return Effect.timeoutOrElse(permits.holdIn(scope), { duration: Math.max(0, endsMs - sinceMs), orElse: () => late })
  })
