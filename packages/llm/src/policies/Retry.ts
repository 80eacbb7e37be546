/**
 * Trying again. Law 6, one owner: at most `1 + times` requests reach the socket per target, whatever happens. Law 7: what
 * the provider says (`retry-after-ms`, `retry-after`) is waited for at any length, never less, a little more so that
 * callers told the same second do not come back together; a wait past the call's deadline is not begun.
 *
 * Put it outside `withConcurrency`, and no permit is held while backing off (law 8): with 10 permits and 10 calls waiting
 * 30 seconds for a rate limit, an 11th call goes at once; the other way round it waits 30 seconds for nothing.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { type CallContext, forAttempt, tell, within } from "../call/CallContext.ts"
import { CallOptions } from "../call/CallOptions.ts"
import { epochMs, monotonicMs } from "../call/Time.ts"
import type { LlmError } from "../model/LlmError.ts"
import { aroundStart } from "./mechanisms/Around.ts"
import { retriesOf } from "./mechanisms/Judgement.ts"
import * as RetryBudget from "./mechanisms/RetryBudget.ts"
import * as Policy from "./Policy.ts"

/** A schedule that sees each error and says how long to wait, or ends. */
export type RetrySchedule = Schedule.Schedule<unknown, LlmError>

/** `times` counts retries after the first attempt (default 3; with a `schedule` of your own, as often as it says). */
export interface RetryOptions {
  /** Retries after the first attempt. Default 3; with a `schedule`, as often as it says. */
  readonly times?: number | undefined
  /** How long to wait before each retry, and when to stop. */
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

/** Retries what may succeed when sent again; see the error table for which reasons do. Takes options or a schedule of your own. */
export const withRetry = (how: RetryOptions | RetrySchedule = {}): Policy.ServicePolicy<LlmError> => {
  const options: RetryOptions = Schedule.isSchedule(how) ? { schedule: how } : how
  const times = options.times ?? (options.schedule === undefined ? 3 : Number.POSITIVE_INFINITY)
  if (!(times >= 0) || (Number.isFinite(times) && !Number.isInteger(times))) {
    return Policy.refused("withRetry", `times must be a whole number, 0 or more, not ${times}`)
  }
  return Policy.mechanism((inner) =>
    Effect.sync(() => {
      const budgets = RetryBudget.byModel()
      return aroundStart((begin, context, request, fiber) => {
        const budget = budgets(request.model ?? inner.model ?? "")
        const { maxRetries } = fiber.getRef(CallOptions)
        const rules = { schedule: options.schedule, times: maxRetries ?? times, budget }
        const attempt = forAttempt(context)
        return retrying(attempt === context ? begin : within(begin, attempt), attempt, fiber, rules)
      })
    }),
  )
}

interface Rules {
  /** The caller's own schedule. */
  readonly schedule: RetrySchedule | undefined
  readonly times: number
  readonly budget: RetryBudget.RetryBudget
}

const retrying = <A>(
  begin: Effect.Effect<A, LlmError>,
  context: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
  rules: Rules,
): Effect.Effect<A, LlmError> =>
  // By the cause: `matchEffect` would hold one closure more, in every call that waits.
  Effect.matchCauseEffect(begin, {
    onSuccess: (value) => {
      rules.budget.succeeded(0)
      return Effect.succeed(value)
    },
    onFailure: (cause) => {
      const error = Cause.findError(cause)
      if (Result.isFailure(error)) return Effect.failCause(error.failure)
      return rules.times === 0 || !mayRetry(error.success, false, context, fiber)
        ? Effect.fail(error.success)
        : backOff(begin, context, fiber, rules, error.success)
    },
  })

/** Whether one more attempt may help: the error table, of which some reasons are worth a single retry in a call. */
const mayRetry = (
  error: LlmError,
  hadItsRetry: boolean,
  { clock, permit, queue }: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
): boolean => {
  const retries = retriesOf(error)
  if (retries === "never" || (retries === "once" && hadItsRetry)) return false
  const nowMs = monotonicMs(fiber)
  // A retry does not help a call that got no permit in time.
  if (queue !== undefined && permit.atMs === undefined && nowMs >= queue.endsMs) return false
  return !(clock?.isOver(nowMs) ?? false)
}

/** The slow path: something failed, and another attempt may help. */
const backOff = Effect.fnUntraced(function* <A>(
  begin: Effect.Effect<A, LlmError>,
  context: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
  { budget, schedule, times }: Rules,
  first: LlmError,
): Effect.fn.Return<A, LlmError> {
  const step = yield* Schedule.toStep(schedule ?? defaultSchedule)
  let error = first
  let hadItsRetry = false
  budget.failed(first, 0)
  for (let retried = 0; retried < times && mayRetry(error, hadItsRetry, context, fiber); retried++) {
    hadItsRetry ||= retriesOf(error) === "once"
    const nowMs = monotonicMs(fiber)
    const delayMs = yield* Pull.catchDone(
      Effect.map(step(epochMs(fiber), error), ([, delay]) => Duration.toMillis(delay)),
      () => Effect.succeed(undefined),
    )
    if (delayMs === undefined) break
    const waitMs = yield* waitFor(error, delayMs, schedule !== undefined)
    if (context.clock !== undefined && waitMs >= context.clock.remainingMs(nowMs)) {
      yield* Effect.logDebug(`not retrying: the wait of ${Math.round(waitMs)} ms would pass the call's deadline`)
      break
    }
    if (!budget.isOpen()) {
      yield* Effect.logDebug("not retrying: the retry budget is used up, nothing has succeeded for a while")
      break
    }
    tell(context, { type: "retry", error, waitMs, retry: retried + 1 }, fiber)
    yield* Effect.logDebug(`retrying in ${Math.round(waitMs)} ms`, { errorType: error.reason._tag, retry: retried + 1 })
    yield* Effect.sleep(waitMs)
    if (!budget.take()) break
    const result = yield* Effect.result(within(begin, { ...context, queuedUs: 0, waitedMs: Math.round(waitMs) }))
    if (result._tag === "Success") {
      budget.succeeded(retried + 1)
      return result.success
    }
    error = result.failure
    budget.failed(error, retried + 1)
  }
  return yield* error
})

/**
 * What the provider asks for is never cut short; where it asks for nothing the schedule counts. A schedule of the caller's
 * own is never cut short either: the longer wait counts. Whole milliseconds, rounded up.
 */
const waitFor = (error: LlmError, delayMs: number, isOwn: boolean): Effect.Effect<number> => {
  const askedMs = error.retryAfter === undefined ? 0 : Duration.toMillis(error.retryAfter)
  if (askedMs <= 0) return Effect.succeed(Math.ceil(delayMs))
  return Effect.map(Random.next, (random) =>
    Math.ceil(Math.max(askedMs + random * spreadMs(askedMs), isOwn ? delayMs : 0)),
  )
}
