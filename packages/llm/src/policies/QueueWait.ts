/**
 * The wait of a call before its request may be sent: bounded by the `queue` clock until the call's first permit, and charged to
 * the attempt that follows. The line in which it waits is the policy's own.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { CallContext } from "../call/CallContext.ts"
import { microseconds, monotonicMs } from "../call/Time.ts"
import { type LlmError, TimeoutError } from "../model/LlmError.ts"
import { timeoutFailure } from "./mechanisms/Bounded.ts"

/** The `queue` clock of a call, while it runs. */
export const queueOf = ({ permit, queue }: CallContext): CallContext["queue"] =>
  permit.atMs === undefined ? queue : undefined

/**
 * Waits within the `queue` clock. Where that runs out, it fails with a `TimeoutError` whose message begins with `missing`, and the
 * next attempt is charged with the wait. `name` is the provider's, for a call that asked nobody yet.
 */
export const inQueue = (
  wait: Effect.Effect<void>,
  context: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
  name: string,
  missing: string,
): Effect.Effect<void, LlmError> => {
  const queue = queueOf(context)
  if (queue === undefined) return wait
  const { endsMs, limitMs } = queue
  const sinceMs = monotonicMs(fiber)
  const late = Effect.suspend(() => {
    const message = `${missing} within ${limitMs} ms (queue timeout)`
    context.ledger.waitedInVain(monotonicMs(fiber) - sinceMs)
    return Effect.fail(timeoutFailure(context, new TimeoutError({ clock: "queue", limitMs, message }), name))
  })
  return Effect.timeoutOrElse(wait, { duration: Math.max(0, endsMs - sinceMs), orElse: () => late })
}

/** The context for an attempt that is charged with a wait. Most calls do not wait, and need none of their own for it. */
export const charged = (context: CallContext, waitedMs: number): CallContext =>
  waitedMs < 1 ? context : { ...context, queuedUs: context.queuedUs + microseconds(waitedMs) }
