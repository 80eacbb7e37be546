/**
 * As many requests in flight as the service bears, found by asking it: the limit grows while it is used and answers come as
 * fast as usual, and falls where requests are refused for want of capacity (429, 503, 529, attempts out of time) or take
 * longer to their first output. Aborted calls and callers' mistakes say nothing. It queues as `withConcurrency` does.
 *
 * Put it where `withConcurrency` stands, inside `withRetry` and around the attempt's clocks: it must see each attempt, and
 * time in its own queue is no latency.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { strangerIn } from "../../model/NearestName.ts"
import { isExpiry } from "../../call/CallClock.ts"
import { monotonicMs } from "../../call/Time.ts"
import type { LlmError, TimeoutClock } from "../../model/LlmError.ts"
import { limited } from "../Concurrency.ts"
import { AdaptiveLimit } from "./AdaptiveLimit.ts"
import type { Around, Identity } from "../mechanisms/Around.ts"
import { aroundAnswer } from "../mechanisms/HeldAnswer.ts"
import * as Permits from "../mechanisms/Permits.ts"
import * as Policy from "../Policy.ts"
import { kindAndModel } from "../mechanisms/PerModel.ts"

/** The bounds of a limit that is found. One limit is kept as long as the Layer lives. */
export interface AdaptiveConcurrencyOptions {
  /** The fewest requests in flight. Default 1. */
  readonly min?: number | undefined
  /** The most requests in flight. Default 200. */
  readonly max?: number | undefined
  /** The limit to begin with; below what the service bears, so that the usual latency is learnt. Default 5. */
  readonly initial?: number | undefined
  /**
   * How many times the usual latency to the first output counts as overload, above 1; `Infinity` heeds refusals alone.
   * Default 1.75.
   */
  readonly tolerance?: number | undefined
  /** Is told each change of the limit. It must be quick; what it throws is dropped. */
  readonly onLimit?: ((limit: number) => void) | undefined
}

/** At most as many requests in flight as the service bears. */
export const withAdaptiveConcurrency = (options: AdaptiveConcurrencyOptions = {}): Policy.ServicePolicy<LlmError> => {
  const { max = 200, min = 1, onLimit = () => {}, tolerance = 1.75 } = options
  const stranger = strangerIn(options, names)
  if (stranger !== undefined) return refused(stranger)
  const initial = options.initial ?? Math.min(max, Math.max(min, 5))
  for (const [name, value] of Object.entries({ min, max, initial })) {
    if (!Number.isInteger(value) || value < 1) return refused(`${name} must be a whole number above 0, not ${value}`)
  }
  if (!(min <= initial && initial <= max)) {
    return refused(`initial must be between min (${min}) and max (${max}), not ${initial}`)
  }
  if (!(tolerance > 1)) return refused(`tolerance must be a number above 1, not ${tolerance}`)
  return Policy.mechanism((inner) =>
    Effect.sync(() => {
      const limit = new AdaptiveLimit({ min, max, initial, tolerance })
      const permits = Permits.resizable(initial)
      return nested(limited(permits, inner), measured(limit, permits, inner, onLimit))
    }),
  )
}

const names: ReadonlyArray<string> = ["min", "max", "initial", "tolerance", "onLimit"] satisfies ReadonlyArray<
  keyof AdaptiveConcurrencyOptions
>

const refused = (problem: string) => Policy.refused("withAdaptiveConcurrency", problem)

const nested = (outer: Around, inner: Around): Around => ({
  effect: (request, run) => outer.effect(request, (asked) => inner.effect(asked, run)),
  stream: (request, run) => outer.stream(request, (asked) => inner.stream(asked, run)),
})

/** A request in flight. */
interface Held {
  readonly sinceMs: number
  readonly generation: number
  readonly model: string
  hasOutput: boolean
}

const measured = (
  limit: AdaptiveLimit,
  permits: Permits.ResizablePermits,
  inner: Identity,
  onLimit: (limit: number) => void,
): Around => {
  let { count } = limit
  const adapt = (fiber: Fiber.Fiber<unknown, unknown>) => {
    if (limit.count === count) return
    count = limit.count
    permits.resize(count, fiber)
    Result.try(() => onLimit(count))
  }
  const answered = (held: Held, fiber: Fiber.Fiber<unknown, unknown>) => {
    if (held.hasOutput) return
    held.hasOutput = true
    limit.answered(held.generation, held.model, monotonicMs(fiber) - held.sinceMs)
    adapt(fiber)
  }
  return aroundAnswer<Held>({
    begin: (_, request, fiber, isStream) =>
      Result.succeed({
        sinceMs: monotonicMs(fiber),
        generation: limit.sent(permits.inUse()),
        model: kindAndModel(request, inner, isStream),
        hasOutput: false,
      }),
    output: answered,
    end: (held, outcome, _, fiber) => {
      if (outcome._tag === "Answered") answered(held, fiber)
      if (outcome._tag === "Failed" && isRefusal(outcome.error)) {
        limit.refused(held.generation)
        adapt(fiber)
      }
      return undefined
    },
  })
}

/** Clocks of one request, as against those of a whole call. */
const ofRequests: ReadonlySet<TimeoutClock> = new Set(["attempt", "headers", "first-output"])

/** True where the service had no capacity. A pace of this library that lets nothing go is no word of the service's. */
const isRefusal = ({ attempts, reason }: LlmError): boolean => {
  if (reason._tag === "OverloadedError") return true
  if (reason._tag === "RateLimitError") return reason.status !== undefined || (attempts.at(-1)?.durationMs ?? 0) > 0
  return reason._tag === "TimeoutError" && (!isExpiry(reason) || ofRequests.has(reason.clock))
}
