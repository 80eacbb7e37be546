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
import type { LlmError } from "../model/LlmError.ts"
import type { Around, Identity } from "./mechanisms/Around.ts"
import * as Permits from "./mechanisms/Permits.ts"
import * as Policy from "./Policy.ts"
import { charged, inQueue, queueOf } from "./QueueWait.ts"

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
export const limited = (permits: Permits.Permits, { name }: Identity): Around => {
  const permit = (scope: Scope.Scope, context: CallContext, fiber: Fiber.Fiber<unknown, unknown>) =>
    inQueue(permits.holdIn(scope), context, fiber, name, "no permit among the requests in flight")
  return {
    effect: (request, run) =>
      joinCall((context, fiber) => {
        const sinceMs = queued(context, fiber)
        const admitted = Effect.suspend(() => arrived(context, fiber, sinceMs, () => run(request)))
        if (queueOf(context) === undefined) return permits.hold(admitted)
        return Effect.scopedWith((scope) => Effect.andThen(permit(scope, context, fiber), admitted))
      }),
    stream: (request, run) =>
      joinStream((scope, context, fiber) => {
        const sinceMs = queued(context, fiber)
        return Effect.flatMap(permit(scope, context, fiber), () =>
          arrived(context, fiber, sinceMs, () => openWithin(run(request), scope, fiber)),
        )
      }),
  }
}

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
  const after = charged(context, waitedMs)
  return after === context ? next() : within(Effect.suspend(next), after)
}
