/**
 * The bridge to effect/ai: programs written for its `LanguageModel` (chats, toolkits, structured output) and its
 * `EmbeddingModel` run on any provider of this library with every policy around it. It translates, and adds no behaviour of
 * its own. `layerProvider` is the way back: a `LanguageModel` from another package as an `LlmProvider`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import { isoTime } from "../../call/Time.ts"
import { LlmProvider } from "../../model/LlmProvider.ts"
import { toAiError } from "./AiFailure.ts"
import { restoredEvent, restoredResponse } from "./CallArguments.ts"
import { toRequest, type Translation } from "./PromptToRequest.ts"
import { StreamParts, toParts } from "./ResponseParts.ts"
import { answerForm } from "./SchemaForms.ts"

export { type EmbeddingModelOptions, layerEmbeddingModel } from "./EmbeddingModels.ts"
export { llmErrorOf } from "./AiFailure.ts"
export { type LanguageModelProviderOptions, layerProvider } from "./LanguageModelProvider.ts"
export { metadataKey } from "./PartDetails.ts"
export { RequestOptions, withRequestOptions } from "./RequestOptions.ts"

const translate = (
  method: string,
  options: LanguageModel.ProviderOptions,
  model: string | undefined,
): Effect.Effect<Translation, AiError.AiError> =>
  Effect.mapBoth(toRequest(options), {
    onSuccess: ({ request, warnings }) => ({
      request: model === undefined ? request : { model, ...request },
      warnings,
    }),
    onFailure: (reason) => AiError.make({ module: "LlmProvider", method, reason }),
  })

const languageModel = (model: string | undefined): Layer.Layer<LanguageModel.LanguageModel, never, LlmProvider> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.flatMap(LlmProvider, (llm) =>
      LanguageModel.make({
        codecTransformer: answerForm,
        generateText: Effect.fnUntraced(function* (options) {
          const { request, warnings } = yield* translate("generateText", options, model)
          const response = yield* Effect.mapError(llm.generate(request), (error) => toAiError("generateText", error))
          return toParts(restoredResponse(request, response), warnings)
        }),
        streamText: (options) =>
          Stream.unwrap(
            Effect.gen(function* () {
              const { request, warnings } = yield* translate("streamText", options, model)
              const parts = new StreamParts(isoTime(yield* Clock.currentTimeMillis), warnings)
              return llm.stream(request).pipe(
                Stream.mapError((error) => toAiError("streamText", error)),
                Stream.map((event) => parts.read(restoredEvent(request, event))),
                Stream.flattenIterable,
                // effect/ai makes this span and does not set it: without it the call would begin a trace of its own.
                Stream.provideService(Tracer.ParentSpan, options.span),
              )
            }),
          ),
      }),
    ),
  )

/**
 * effect/ai's `LanguageModel`, answered by the `LlmProvider` in the context. Model, temperature and token limits are the
 * provider's defaults, or those of `withRequestOptions`, because a prompt has no place for them. The finish part's
 * `metadata.wiseflow` is our `ResponseMetadata`; an `AiError` gives back its `LlmError` through `llmErrorOf`.
 *
 * With a `ResponseIdTracker` around, turns go on from answers that the provider stored (Responses, with
 * `providerOptions: { openai: { store: true } }`), and only what is new is sent.
 */
export const layerLanguageModel: Layer.Layer<LanguageModel.LanguageModel, never, LlmProvider> = languageModel(undefined)

/**
 * The same as an effect/ai `Model`: each request asks for the model `name` (`provider/model` where the stack routes by
 * model), and a program finds both names in its context. Behind it may be any provider, or a fallback over many.
 */
export const model = <const Provider extends string, const Name extends string>(
  provider: Provider,
  name: Name,
): Model.Model<Provider, LanguageModel.LanguageModel, LlmProvider> => Model.make(provider, name, languageModel(name))
