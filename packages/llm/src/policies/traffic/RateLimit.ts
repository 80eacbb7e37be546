/**
 * Pace: never more requests and tokens a minute than told, first come first served, and what the service's own headers say
 * is left. Tokens are reserved before a request is sent, corrected by what it used, and given back where it failed. A call
 * waits as long as its clocks allow; where they do not, it fails at once with a `RateLimitError` and no request, so that a
 * fallback takes over.
 *
 * Put it next to the provider, inside `withConcurrency` and `withRetry`: what it lets go is then sent at that moment, and
 * every attempt is counted.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { refuseAttempt } from "../../call/Attempt.ts"
import { type CallContext, within } from "../../call/CallContext.ts"
import { monotonicMs } from "../../call/Time.ts"
import { type LlmError, type LlmErrorReason, RateLimitError } from "../../model/LlmError.ts"
import { strangerIn } from "../../model/NearestName.ts"
import type { AttemptRecord, RateLimits, Usage } from "../../model/LlmResponse.ts"
import { type Around, type Asked, type Identity, traitsOf } from "../mechanisms/Around.ts"
import { aroundAnswer, type Outcome } from "../mechanisms/HeldAnswer.ts"
import { Pace, type Place } from "./Pace.ts"
import { estimateTokens, outputLimit } from "./TokenEstimate.ts"
import * as Policy from "../Policy.ts"
import { charged, queueOf } from "../QueueWait.ts"

/**
 * Without `rpm` and `tpm` only what the service itself tells counts: its headers, and the waits that it asks for. Waits of up to
 * 24 hours are kept to; where it tells a longer one, one request a minute asks again.
 */
export interface RateLimitOptions {
  /** The most requests within any 60 seconds, attempts that fail included. Default: no limit. */
  readonly rpm?: number | undefined
  /**
   * The most tokens within any 60 seconds, input and output together. A request reserves about a token for each four
   * characters, and its `maxTokens`. Default: no limit.
   */
  readonly tpm?: number | undefined
  /** What is reserved for the output of a request that sets no `maxTokens`. Default 1000 tokens. */
  readonly outputTokens?: number | undefined
  /** The longest wait; a call that would wait longer fails at once. Default: as long as the call's clocks allow. */
  readonly maxWait?: Duration.Input | undefined
}

/** Keeps to a rate of requests and tokens. The limits are those of one Layer: one key, or one deployment. */
export const withRateLimit = (options: RateLimitOptions = {}): Policy.ServicePolicy<LlmError> => {
  const { maxWait, outputTokens = 1000, rpm, tpm } = options
  const stranger = strangerIn(options, names)
  if (stranger !== undefined) return Policy.refused("withRateLimit", stranger)
  const wrong = Policy.refusedDuration("withRateLimit", { maxWait }) ?? refusedNumber({ rpm, tpm, outputTokens })
  if (wrong !== undefined) return wrong
  const longestMs =
    maxWait === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(Duration.fromInputUnsafe(maxWait))
  return Policy.mechanism((inner) => Effect.sync(() => paced(new Pace(rpm, tpm), { outputTokens, longestMs }, inner)))
}

const names: ReadonlyArray<string> = ["rpm", "tpm", "outputTokens", "maxWait"] satisfies ReadonlyArray<
  keyof RateLimitOptions
>

/** The part of a rate limit that is not its pace. */
interface Reserving {
  /** What is reserved for the output of a request that sets no `maxTokens`. */
  readonly outputTokens: number
  /** The longest wait, in milliseconds. */
  readonly longestMs: number
}

/** Keeps to a pace that others may look at too. Calls wait as long as their clocks allow. */
export const withPace = (pace: Pace): Policy.ServicePolicy =>
  Policy.mechanism((inner) =>
    Effect.succeed(paced(pace, { outputTokens: 1000, longestMs: Number.POSITIVE_INFINITY }, inner)),
  )

/** The tokens that a request reserves. */
export const reservedTokens = (request: Asked, pace: Pace, outputTokens = 1000): number => {
  const { hasOutput, usesTokens } = traitsOf(request)
  if (!usesTokens) return 0
  const output = hasOutput ? outputLimit(request, outputTokens) : 0
  return Math.min(estimateTokens(request) + output, pace.tokensPerMinute)
}

const paced = (pace: Pace, { longestMs, outputTokens }: Reserving, inner: Identity): Around =>
  aroundAnswer<Held>({
    begin: (context, request, fiber) => {
      const nowMs = monotonicMs(fiber)
      const tokens = reservedTokens(request, pace, outputTokens)
      const endsMs = nowMs + Math.min(longestMs, remainingMs(context, nowMs))
      const { count } = context.ledger
      return Result.succeed({ place: { tokens, endsMs }, request, sinceMs: nowMs, attemptsBefore: count })
    },
    inside: (effect, held, context) =>
      held.place.taken === undefined
        ? Effect.flatMap(pace.enter(held.place), (waitMs) => go(effect, held, context, inner, pace, waitMs))
        : effect,
    end: (held, outcome, context, fiber) => {
      settle(pace, held, outcome, context, fiber)
      return undefined
    },
  })

const refusals = new WeakSet<LlmErrorReason>()

/** True for the reason of a request that a rate limit of this library refused, as against one that its service refused. */
export const isOwnRefusal = (reason: LlmErrorReason): boolean => refusals.has(reason)

const refusedNumber = (numbers: Readonly<Record<string, number | undefined>>) => {
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined || (value >= 1 && Number.isFinite(value))) continue
    return Policy.refused("withRateLimit", `${name} must be a number, 1 or more, not ${value}`)
  }
  return undefined
}

/** What a call holds while it runs. */
interface Held {
  readonly place: Place
  readonly request: Asked
  readonly sinceMs: number
  readonly attemptsBefore: number
}

/** How long a call can wait: the clocks around it, and the queue's while no permit has come. */
const remainingMs = (context: CallContext, nowMs: number): number =>
  Math.min(
    context.clock?.remainingMs(nowMs) ?? Number.POSITIVE_INFINITY,
    (queueOf(context)?.endsMs ?? Number.POSITIVE_INFINITY) - nowMs,
  )

/** Sends, charging the wait to the attempt that follows; or refuses. */
const go = <A, E>(
  effect: Effect.Effect<A, E>,
  { place, request, sinceMs }: Held,
  context: CallContext,
  { model, name }: Identity,
  pace: Pace,
  waitMs: number | undefined,
): Effect.Effect<A, E | LlmError> =>
  Effect.withFiber((fiber): Effect.Effect<A, E | LlmError> => {
    const after = charged(context, monotonicMs(fiber) - sinceMs)
    if (waitMs === undefined) {
      const onLimits = (limits: RateLimits) => {
        pace.told(limits, place, monotonicMs(fiber))
        context.onLimits?.(limits)
      }
      return within(effect, { ...after, onLimits })
    }
    const retryAfterMs = Math.ceil(waitMs)
    const reason = new RateLimitError({
      message: `no request made: the rate limit of ${name} lets it go in ${retryAfterMs} ms, later than the call can wait`,
      retryAfterMs,
    })
    refusals.add(reason)
    const target = { provider: name, model: request.model ?? model }
    return Effect.fail(refuseAttempt(after, fiber, target, reason))
  })

/** Takes down what the request used, and how long the service asked to wait. */
const settle = (
  pace: Pace,
  { attemptsBefore, place }: Held,
  outcome: Outcome,
  context: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
): void => {
  // A breaker or a budget within may have refused it.
  const { count, last, lastWasSent } = context.ledger
  const sent = count > attemptsBefore && lastWasSent ? last : undefined
  const reason = outcome._tag === "Failed" ? outcome.error.reason : undefined
  const retryAfterMs = reason?._tag === "RateLimitError" ? (reason.retryAfterMs ?? 0) : 0
  pace.leave(place, { ...usedBy(outcome, sent), retryAfterMs, isAnswered: outcome._tag === "Answered" }, fiber)
}

/** What was used: nothing where nothing was sent, and after an abort perhaps all that was reserved. */
const usedBy = (outcome: Outcome, sent: AttemptRecord | undefined) => {
  if (sent === undefined) return { requests: 0, tokens: 0 }
  const known = tokensOf(sent.usage)
  return { requests: 1, tokens: known ?? (outcome._tag === "Failed" ? 0 : undefined) }
}

const tokensOf = ({ inputTokens, outputTokens, totalTokens }: Usage = {}): number | undefined =>
  totalTokens ?? (inputTokens === undefined ? undefined : inputTokens + (outputTokens ?? 0))
