/**
 * Another target when one cannot answer. Law 13: targets in order, each with its own model. Law 14: in a stream only
 * before the first output; afterwards the stream fails with the partial text, and no text is ever emitted twice. Law 15:
 * if all fail the error is the last target's, and its `attempts` tell the whole story.
 *
 * Put it outside `withRetry`, and each target is retried before the next is tried: with `times: 3` and three targets at
 * most 12 requests. Inside, one retry runs through all targets again.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { joinCall, type LlmCall } from "../call/LlmCall.ts"
import { type LlmError, verdict } from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import * as Policy from "./Policy.ts"

/**
 * `model` is the one to ask the second target for; without it that layer's default is used, never the request's, which
 * was meant for the first. `onContentFilter: false` keeps a refused prompt from being sent elsewhere.
 */
export interface FallbackOptions {
  readonly model?: string | undefined
  readonly onContentFilter?: boolean | undefined
}

const fallsBack = (error: LlmError, options: FallbackOptions): boolean =>
  verdict(error.reason).fallsBack && (options.onContentFilter !== false || error.reason._tag !== "ContentFilterError")

/**
 * Asks `that` where this provider cannot answer; see the error table for which reasons fall back. A Layer that stands on both
 * sides is built once.
 */
export const withFallback =
  <E2, R2>(that: Layer.Layer<LlmProvider, E2, R2>, options: FallbackOptions = {}) =>
  <E, R>(self: Layer.Layer<LlmProvider, E, R>): Layer.Layer<LlmProvider, E | E2, R | R2> =>
    Layer.fromBuildMemo((memoMap, scope) =>
      Effect.zipWith(
        Layer.buildWithMemoMap(self, memoMap, scope),
        Layer.buildWithMemoMap(that, memoMap, scope),
        (first, second) =>
          Context.make(
            LlmProvider,
            fallback(Context.get(first, LlmProvider), Context.get(second, LlmProvider), options),
          ),
      ),
    )

const fallback = (first: Policy.Service, second: Policy.Service, options: FallbackOptions): Policy.Service => {
  const either = <A>(
    request: LlmRequest,
    call: LlmCall,
    begin: (service: Policy.Service, request: LlmRequest) => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> =>
    Effect.matchEffect(begin(first, request), {
      onSuccess: (value) => Effect.succeed(value),
      onFailure: (error) => {
        if (!fallsBack(error, options)) return Effect.fail(error)
        call.targetIndex += 1
        return Effect.andThen(announce(error, second.name), begin(second, { ...request, model: options.model }))
      },
    })
  return {
    name: first.name,
    generate: (request) =>
      joinCall((call) => either(request, call, (target, targetRequest) => target.generate(targetRequest))),
    stream: (request) =>
      Policy.streamFrom((scope) =>
        joinCall((call) =>
          either(request, call, (target, targetRequest) => Policy.startStream(target.stream(targetRequest), scope)),
        ),
      ),
  }
}

/** A wrong key is somebody's mistake and should be seen, even where another target saves the call. */
const announce = (error: LlmError, next: string): Effect.Effect<void> => {
  const text = `falling back from ${error.provider} to ${next}`
  const details = { errorType: error.reason._tag, message: error.message }
  return error.reason._tag === "AuthenticationError" || error.reason._tag === "PermissionDeniedError"
    ? Effect.logWarning(text, details)
    : Effect.logDebug(text, details)
}
