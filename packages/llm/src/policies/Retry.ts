/**
 * Trying again. Law 6, one owner: at most `1 + times` requests reach the socket per target, whatever happens. Law 7: what
 * the provider says (`retry-after-ms`, `retry-after`) is waited for at any length, never less, a little more so that
 * callers told the same second do not come back together; a wait past the call's deadline is not begun.
 *
 * Put it outside `withConcurrency`, and no permit is held while backing off (law 8): with 10 permits and 10 calls waiting
 * 30 seconds for a rate limit, an 11th call goes at once; the other way round it waits 30 seconds for nothing.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { LlmCall } from "../call/LlmCall.ts"
import { type LlmError, verdict } from "../model/LlmError.ts"
import * as Policy from "./Policy.ts"
import * as RetryBudget from "./RetryBudget.ts"

/** A schedule that sees each error and says how long to wait, or ends. */
export type RetrySchedule = Schedule.Schedule<unknown, LlmError>

/** `times` counts retries after the first attempt (default 3; with a `schedule` of your own, as often as it says). */
export interface RetryOptions {
  readonly times?: number | undefined
  readonly schedule?: RetrySchedule | undefined
}

/** 1 s, 2 s, 4 s … up to 60 s, each up to a quarter longer at random. */
export const defaultSchedule: RetrySchedule = Schedule.exponential("1 second").pipe(
  Schedule.modifyDelay(({ duration }) =>
    Effect.map(Random.next, (random) =>
      Duration.millis(Math.min(Duration.toMillis(duration), 60_000) * (1 + random / 4)),
    ),
  ),
)

/** How much longer than asked a caller waits: up to a tenth, at least a quarter of a second, at most five. */
const spreadMs = (waitMs: number) => Math.min(Math.max(waitMs / 10, 250), 5000)

/** Whether one more attempt may help: the error table, of which some reasons are worth a single retry in a call. */
const mayRetry = (error: LlmError, hadItsRetry: boolean) => {
  const { retries } = verdict(error.reason)
  return retries === "always" || (retries === "once" && !hadItsRetry)
}

/** Retries what may succeed when sent again; see the error table for which reasons do. Takes options or a schedule of your own. */
export const withRetry = (how: RetryOptions | RetrySchedule = {}): Policy.Policy => {
  const options: RetryOptions = Schedule.isSchedule(how) ? { schedule: how } : how
  const schedule = options.schedule ?? defaultSchedule
  const times = options.times ?? (options.schedule === undefined ? 3 : Number.POSITIVE_INFINITY)
  if (!(times >= 0) || (Number.isFinite(times) && !Number.isInteger(times))) {
    return Policy.misconfigured("withRetry", `times must be a whole number, 0 or more, not ${times}`)
  }
  return Policy.make((inner) =>
    Effect.sync(() => {
      const budget = RetryBudget.make()
      return Policy.aroundStart(inner, (begin, call) => retrying(begin, call, { schedule, times, budget }))
    }),
  )
}

interface Rules {
  readonly schedule: RetrySchedule
  readonly times: number
  readonly budget: RetryBudget.RetryBudget
}

const retrying = <A>(begin: Effect.Effect<A, LlmError>, call: LlmCall, rules: Rules): Effect.Effect<A, LlmError> => {
  const { targetIndex } = call
  return Effect.matchEffect(begin, {
    onSuccess: (value) => {
      rules.budget.succeeded(0)
      return Effect.succeed(value)
    },
    onFailure: (error) => {
      if (rules.times === 0 || !mayRetry(error, false)) return Effect.fail(error)
      // A fallback within begins at its first target again.
      const again = Effect.suspend(() => {
        call.targetIndex = targetIndex
        return begin
      })
      return backOff(again, call, rules, error)
    },
  })
}

/** The slow path: something failed, and another attempt may help. */
const backOff = Effect.fnUntraced(function* <A>(
  begin: Effect.Effect<A, LlmError>,
  call: LlmCall,
  { budget, schedule, times }: Rules,
  first: LlmError,
): Effect.fn.Return<A, LlmError> {
  const step = yield* Schedule.toStep(schedule)
  let error = first
  let hadItsRetry = false
  budget.failed(first, 0)
  for (let retried = 0; retried < times && mayRetry(error, hadItsRetry); retried++) {
    hadItsRetry ||= verdict(error.reason).retries === "once"
    const nowMs = yield* Clock.currentTimeMillis
    const delayMs = yield* Pull.catchDone(
      Effect.map(step(nowMs, error), ([, delay]) => Duration.toMillis(delay)),
      () => Effect.succeed(undefined),
    )
    if (delayMs === undefined) break
    const waitMs = yield* waitFor(error, delayMs)
    if (call.deadlineMs !== undefined && nowMs + waitMs >= call.deadlineMs) {
      yield* Effect.logDebug(`not retrying: the wait of ${Math.round(waitMs)} ms would pass the call's deadline`)
      break
    }
    if (!budget.isOpen()) {
      yield* Effect.logDebug("not retrying: the retry budget is used up, nothing has succeeded for a while")
      break
    }
    yield* Effect.logDebug(`retrying in ${Math.round(waitMs)} ms`, { errorType: error.reason._tag, retry: retried + 1 })
    yield* Effect.sleep(waitMs)
    if (!budget.take()) break
    call.waitedMs += waitMs
    const result = yield* Effect.result(begin)
    if (result._tag === "Success") {
      budget.succeeded(retried + 1)
      return result.success
    }
    error = result.failure
    budget.failed(error, retried + 1)
  }
  return yield* Effect.fail(error)
})

/** The provider's wait where it names one, never cut short; else the schedule's. Whole milliseconds, rounded up. */
const waitFor = (error: LlmError, delayMs: number): Effect.Effect<number> => {
  const askedMs = error.retryAfter === undefined ? 0 : Duration.toMillis(error.retryAfter)
  return askedMs <= 0
    ? Effect.succeed(Math.ceil(delayMs))
    : Effect.map(Random.next, (random) => Math.ceil(askedMs + random * spreadMs(askedMs)))
}
