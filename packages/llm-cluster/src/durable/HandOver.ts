/**
 * Hands an item to the cluster. The cluster turns every failure into a defect, also one that passes. Failures that pass are
 * tried again; any other is an error with its cause. It knows nothing of items.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { isSqlError } from "effect/sql/SqlError"
import { BatchError } from "./BatchItem.ts"

/** Failures that pass as runners die and join: a connection that broke, a runner that went, or one with a full mailbox. */
const passing: ReadonlySet<string> = new Set([
  "SocketError",
  "RpcClientError",
  "RunnerUnavailable",
  "EntityNotAssignedToRunner",
  "MailboxFull",
])

/** What a defect was, by its tags alone: messages of databases and sockets can hold values and addresses. */
const judge = (defect: unknown): { readonly what: string; readonly isPassing: boolean } => {
  if (!Predicate.hasProperty(defect, "_tag") || !Predicate.isString(defect._tag)) {
    return { what: defect instanceof Error ? defect.name : "an unknown defect", isPassing: false }
  }
  const { _tag: tag } = defect
  if (tag === "PersistenceError" && Predicate.hasProperty(defect, "cause") && isSqlError(defect.cause)) {
    const { isRetryable, reason } = defect.cause
    return { what: `the database failed: ${reason._tag}`, isPassing: isRetryable }
  }
  return { what: tag, isPassing: passing.has(tag) }
}

/**
 * Tries up to five more times when the failure passes, over about 3 seconds; half a minute where each try waits its 5 seconds
 * for a connection to the database. Only for effects that are harmless to run twice.
 */
export const handedOver = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | BatchError, R> =>
  effect.pipe(
    Effect.catchDefect((cause) => {
      const message = `an item could not be handed to a runner: ${judge(cause).what}`
      return new BatchError({ reason: "store", message, cause })
    }),
    Effect.retry({
      while: (error) => error instanceof BatchError && judge(error.cause).isPassing,
      schedule: Schedule.exponential("100 millis"),
      times: 5,
    }),
  )
