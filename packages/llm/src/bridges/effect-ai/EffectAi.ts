/**
 * The bridge to effect/ai: programs written for its `LanguageModel` (chats, toolkits, structured output) run on any
 * provider of this library with every policy around it. It translates, and adds no behaviour of its own.
 *
 * There is no bridge the other way: a `LanguageModel` takes neither a model nor temperature, token limits or a JSON Schema,
 * and tells of no attempts, so that an `LlmProvider` made of one would drop most of what it was asked.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import { isoTime } from "../../call/Time.ts"
import { LlmProvider } from "../../model/LlmProvider.ts"
import { toAiError } from "./AiFailure.ts"
import { restoredEvent, restoredResponse } from "./CallArguments.ts"
import { toRequest, type Translation } from "./PromptToRequest.ts"
import { StreamParts, toParts } from "./ResponseParts.ts"
import { answerForm } from "./SchemaForms.ts"

export { llmErrorOf } from "./AiFailure.ts"
export { metadataKey } from "./PartDetails.ts"

const translate = (
  method: string,
  options: LanguageModel.ProviderOptions,
): Effect.Effect<Translation, AiError.AiError> =>
  Effect.mapError(toRequest(options), (reason) => AiError.make({ module: "LlmProvider", method, reason }))

/**
 * effect/ai's `LanguageModel`, answered by the `LlmProvider` in the context. Model, temperature and token limits are the
 * provider's defaults, because a prompt has no place for them. The finish part's `metadata.wiseflow` is our
 * `ResponseMetadata`; an `AiError` gives back its `LlmError` through `llmErrorOf`.
 */
export const layerLanguageModel: Layer.Layer<LanguageModel.LanguageModel, never, LlmProvider> = Layer.effect(
  LanguageModel.LanguageModel,
  Effect.flatMap(LlmProvider, (llm) =>
    LanguageModel.make({
      codecTransformer: answerForm,
      generateText: Effect.fnUntraced(function* (options) {
        const { request, warnings } = yield* translate("generateText", options)
        const response = yield* Effect.mapError(llm.generate(request), (error) => toAiError("generateText", error))
        return toParts(restoredResponse(request, response), warnings)
      }),
      streamText: (options) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const { request, warnings } = yield* translate("streamText", options)
            const parts = new StreamParts(isoTime(yield* Clock.currentTimeMillis), warnings)
            return llm.stream(request).pipe(
              Stream.mapError((error) => toAiError("streamText", error)),
              Stream.map((event) => parts.read(restoredEvent(request, event))),
              Stream.flattenIterable,
            )
          }),
        ),
    }),
  ),
)
