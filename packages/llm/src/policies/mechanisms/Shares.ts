/**
 * Law 10: several targets share a deadline. While others may still be asked, each may take at most an equal share of what
 * is left, so that one that hangs leaves the others time to answer.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { CallClock } from "../../call/CallClock.ts"
import { type CallContext, within } from "../../call/CallContext.ts"
import type { BatchLimits } from "../../model/EmbeddingProvider.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { Identity } from "./Around.ts"
import { bounded } from "./Bounded.ts"
import { type Events, startStream } from "./StreamStart.ts"
import { timedStream } from "./TimedStream.ts"

/** How many targets may be asked one after another. */
export const targetsOf = ({ targets = 1 }: Identity): number => targets

/** The context of a target after which so many more may be asked. */
export const withTargetsAfter = (context: CallContext, after: number): CallContext => {
  const { shared } = context
  return {
    ...context,
    targetsAfter: context.targetsAfter + after,
    shared: shared === undefined ? undefined : { ...shared, targetsAfter: shared.targetsAfter + after },
  }
}

/**
 * A target's share of the time that targets share: what is left, divided by all that may still be asked. None where there is
 * no deadline, where nobody follows, or where the target needs no time.
 */
export const shareOf = (
  { clock, permit, shared }: CallContext,
  targets: number,
  nowMs: number,
): CallClock | undefined => {
  if (shared === undefined || shared.targetsAfter === 0 || targets === 0) return undefined
  const leftMs = shared.clock.remainingMs(nowMs)
  return new CallClock({
    name: "attempt",
    limitMs: Math.max(0, leftMs) * (targets / (targets + shared.targetsAfter)),
    outer: clock,
    permit,
    from: shared.clock.awaitsPermit ? "first-permit" : nowMs,
  })
}

/** A whole answer within a target's share. */
export const answerWithin = <A>(
  answer: Effect.Effect<A, LlmError>,
  context: CallContext,
  share: CallClock | undefined,
  name: string,
): Effect.Effect<A, LlmError> =>
  share === undefined ? within(answer, context) : bounded(answer, context, [share], name)

/** The beginning of a stream within a target's share. */
export const streamWithin = (
  stream: Stream.Stream<LlmEvent, LlmError>,
  scope: Scope.Scope,
  context: CallContext,
  share: CallClock | undefined,
  name: string,
): Effect.Effect<Events, LlmError> =>
  share === undefined
    ? within(startStream(stream, scope), context)
    : timedStream((source) => startStream(stream, source), scope, context, { whole: [], firstOutput: share }, name)

/** How much one request may hold that either of two targets may get. */
export const smallerLimits = (
  one: BatchLimits | undefined,
  other: BatchLimits | undefined,
): BatchLimits | undefined => {
  if (one === undefined || other === undefined) return one ?? other
  const tokens = Math.min(one.tokens ?? Number.POSITIVE_INFINITY, other.tokens ?? Number.POSITIVE_INFINITY)
  return {
    inputs: Math.min(one.inputs, other.inputs),
    tokens: Number.isFinite(tokens) ? tokens : undefined,
    isAdvice: one.isAdvice === true && other.isAdvice === true,
  }
}
