/**
 * Another target when one cannot answer. Law 13: targets in order, each with its own model. Law 14: in a stream only
 * before the first output; afterwards the stream fails with the partial text, and no text is ever emitted twice. Law 15:
 * if all fail the error is the last target's, and its `attempts` tell the whole story. Law 10: while targets are left, each
 * may take at most an equal share of the deadline around them, so that a target that hangs leaves the others time to answer.
 *
 * Put it outside `withRetry`, and each target is retried before the next is tried: with `times: 3` and three targets at
 * most 12 requests. Inside, one retry runs through all targets again.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { CallClock } from "../call/CallClock.ts"
import { type CallContext, forAttempt, joinCall, joinStream, tell } from "../call/CallContext.ts"
import { monotonicMs } from "../call/Time.ts"
import type { LlmError } from "../model/LlmError.ts"
import { askWithOwn, streamWithOwn } from "./mechanisms/OwnRequest.ts"
import type { Identity } from "./mechanisms/Around.ts"
import { mayFallBack } from "./mechanisms/Judgement.ts"
import { type AnyService, overServices, type ServiceRow } from "./mechanisms/ServiceTable.ts"
import { answerWithin, shareOf, streamWithin, targetsOf, withTargetsAfter } from "./mechanisms/Shares.ts"
import { entered } from "./mechanisms/Surround.ts"

/**
 * `model` is the one to ask the second target for; without it that layer's default is used, never the request's, which
 * was meant for the first. `onContentFilter: false` keeps a refused prompt from being sent elsewhere. `onDeadline: true`
 * asks the second target even when the call's `total` deadline has passed: only for one that answers at once.
 */
export interface FallbackOptions {
  /** The model to ask the second target for. Default: that layer's own, never the request's. */
  readonly model?: string | undefined
  /** False to keep a refused prompt from being sent elsewhere. Default true. */
  readonly onContentFilter?: boolean | undefined
  /** True to ask the second target even after the call's deadline: only for one that answers at once. */
  readonly onDeadline?: boolean | undefined
}

/**
 * Asks `that` where this provider cannot answer; see the error table for which reasons fall back. Both sides must provide
 * the same service. Vectors of different models do not mix: let embeddings fall back only to the same model elsewhere
 * (OpenAI's at Azure), with `dimensions` that both keep. A Layer that stands on both sides is built once.
 */
export const withFallback =
  <I2 extends AnyService, E2, R2>(that: Layer.Layer<I2, E2, R2>, options: FallbackOptions = {}) =>
  <I extends I2, E, R>(self: Layer.Layer<I, E, R>): Layer.Layer<I, E | E2, R | R2> =>
    Layer.fromBuildMemo((memoMap, scope) =>
      Effect.zipWith(
        Layer.buildWithMemoMap(self, memoMap, scope),
        Layer.buildWithMemoMap(that, memoMap, scope),
        (first, second) => either(first, second, options),
      ),
    )

const either = <I>(first: Context.Context<I>, second: Context.Context<never>, options: FallbackOptions) =>
  overServices(first, (into, row) => {
    const found = both(first, second, row.tag)
    if (found === undefined) return into
    const [one, other] = [entered(row, found[0]), entered(row, found[1])]
    return Context.merge(into, Context.make(row.tag, eitherOf(row, one, other, options)))
  })

const both = <I, S>(
  first: Context.Context<never>,
  second: Context.Context<never>,
  tag: Context.Key<I, S>,
): readonly [S, S] | undefined => {
  const one = Context.getOrUndefined(first, tag)
  const two = Context.getOrUndefined(second, tag)
  return one === undefined || two === undefined ? undefined : [one, two]
}

const identity = (first: Identity, second: Identity): Identity => ({
  name: first.name,
  model: first.model,
  targets: targetsOf(first) + targetsOf(second),
})

/** Of two services the first, and the second where that one cannot answer: with its own models, and counts for them. */
const eitherOf = <I, S extends Identity>(row: ServiceRow<I, S>, first: S, second: S, options: FallbackOptions): S =>
  row.make(identity(first, second), {
    effect: (_, run) => (given) =>
      askWithOwn(given, first.name, (request) =>
        inTurn(first, second, options, {
          first: (context, share) => answerWithin(run(first, request), context, share, first.name),
          second: (context, share) =>
            answerWithin(run(second, { ...request, model: options.model }), context, share, second.name),
        }),
      ),
    stream: (run) => (given) =>
      streamWithOwn(given, first.name, (request) =>
        joinStream((scope) =>
          inTurn(first, second, options, {
            first: (context, share) => streamWithin(run(first, request), scope, context, share, first.name),
            second: (context, share) =>
              streamWithin(run(second, { ...request, model: options.model }), scope, context, share, second.name),
          }),
        ),
      ),
    question: (_, run) =>
      inTurn(first, second, options, {
        first: (context, share) => answerWithin(run(first), context, share, first.name),
        second: (context, share) => answerWithin(run(second), context, share, second.name),
      }),
    known: (of, least) => (model) => least(of(first, model), of(second, options.model ?? second.model)),
  })

/** The beginning of an answer at one side, within its share of the deadline. */
type Side<A> = (context: CallContext, share: CallClock | undefined) => Effect.Effect<A, LlmError>

/** The beginnings of an answer at both sides. */
interface Sides<A> {
  readonly first: Side<A>
  readonly second: Side<A>
}

const inTurn = <A>(
  first: Identity,
  second: Identity,
  options: FallbackOptions,
  sides: Sides<A>,
): Effect.Effect<A, LlmError> =>
  joinCall((outer, fiber) => {
    const context = forAttempt(outer)
    const after = targetsOf(second)
    const afterFirst = withTargetsAfter(context, after)
    const share = shareOf(afterFirst, targetsOf(first), monotonicMs(fiber))
    const atFirst = share === undefined ? afterFirst : { ...afterFirst, clock: share }
    return Effect.matchEffect(sides.first(atFirst, share), {
      onSuccess: (value) => Effect.succeed(value),
      onFailure: (error) => {
        const isOver = context.clock?.isOver(monotonicMs(fiber)) ?? false
        if (!fallsBack(error, options, isOver)) return Effect.fail(error)
        if (error.reason._tag === "InvalidRequestError") {
          context.ledger.warn(`${error.provider} was passed over: ${error.reason.message}`)
        }
        tell(context, { type: "fallback", error, provider: second.name }, fiber)
        return Effect.andThen(
          log(error, second.name),
          Effect.suspend(() => {
            const secondShare = shareOf(context, targetsOf(second), monotonicMs(fiber))
            const clock = secondShare ?? context.clock
            const targetIndex = context.targetIndex + targetsOf(first)
            return sides.second({ ...context, clock, targetIndex, queuedUs: 0, waitedMs: 0 }, secondShare)
          }),
        )
      },
    })
  })

/** Whether the second side is asked. A deadline around this fallback ends it, whatever the error table says. */
const fallsBack = (error: LlmError, options: FallbackOptions, isOver: boolean): boolean => {
  if (options.onContentFilter === false && error.reason._tag === "ContentFilterError") return false
  if (options.onDeadline === true && error.reason._tag === "TimeoutError") return true
  return !isOver && mayFallBack(error.reason)
}

/** A wrong key is a mistake that should be seen, even where another target answers the call. */
const log = (error: LlmError, next: string): Effect.Effect<void> => {
  const text = `falling back from ${error.provider} to ${next}`
  const details = { errorType: error.reason._tag, message: error.message }
  return error.reason._tag === "AuthenticationError" || error.reason._tag === "PermissionDeniedError"
    ? Effect.logWarning(text, details)
    : Effect.logDebug(text, details)
}
