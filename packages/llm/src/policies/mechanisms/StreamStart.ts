/**
 * The beginning of a stream as an effect. A stream may be repeated or asked elsewhere only until its first output (law 14),
 * so policies that do that work on this effect, as they work on the whole of `generate`.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Events, openWithin } from "../../call/CallContext.ts"
import type { LlmError } from "../../model/LlmError.ts"
import { isOutput, type LlmEvent } from "../../model/LlmEvent.ts"

export type { Events } from "../../call/CallContext.ts"

/** A stream from the effect that opens it; the scope is the stream's own and closes with it. */
export const streamFrom = (
  open: (scope: Scope.Scope) => Effect.Effect<Events, LlmError>,
): Stream.Stream<LlmEvent, LlmError> => Stream.fromChannel(Channel.fromTransform((_, scope) => open(scope)))

/** Opens a stream within a scope. It never fails: where the stream cannot be opened, its first pull does. */
export const openStream = (stream: Stream.Stream<LlmEvent, LlmError>, scope: Scope.Scope): Effect.Effect<Events> =>
  Channel.toPullScoped(stream.channel, scope)

/**
 * Opens a stream and waits for its first output: succeeds with everything from the beginning, or fails with nothing
 * emitted and everything closed.
 */
export const startStream = (
  stream: Stream.Stream<LlmEvent, LlmError>,
  parent: Scope.Scope,
): Effect.Effect<Events, LlmError> =>
  Effect.withFiber((fiber) => {
    const scope = Scope.forkUnsafe(parent)
    return Effect.onExitPrimitive(
      Effect.flatMap(openWithin(stream, scope, fiber), (pull) => untilOutput(pull, [])),
      (exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : undefined),
    )
  })

const untilOutput = (pull: Events, before: ReadonlyArray<LlmEvent>): Effect.Effect<Events, LlmError> =>
  Pull.matchEffect(pull, {
    onSuccess: (events) => {
      const begun = before.length === 0 ? events : Arr.appendAll(before, events)
      return events.some((event) => isOutput(event) || event.type === "response-finish") &&
        Arr.isReadonlyArrayNonEmpty(begun)
        ? Effect.succeed(resume(begun, pull))
        : untilOutput(pull, begun)
    },
    onFailure: (cause) => Effect.failCause(cause),
    onDone: () => Effect.succeed(Arr.isReadonlyArrayNonEmpty(before) ? resume(before, Cause.done()) : Cause.done()),
  })

const resume = (begun: Arr.NonEmptyReadonlyArray<LlmEvent>, rest: Events): Events => {
  let first: Arr.NonEmptyReadonlyArray<LlmEvent> | undefined = begun
  return Effect.suspend(() => {
    if (first === undefined) return rest
    const events = first
    first = undefined
    return Effect.succeed(events)
  })
}
