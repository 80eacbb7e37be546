/**
 * The other way: a `LanguageModel` from another package as an `LlmProvider`, so that this library's policies, records and
 * fallbacks work around it. Attempts, metadata and errors are made as for every provider.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Provider from "../../call/Provider.ts"
import { type LlmErrorReason, ModelNotFoundError } from "../../model/LlmError.ts"
import type { LlmProvider } from "../../model/LlmProvider.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import { toReason } from "./AiReason.ts"
import { replyOf, ReplyPieces } from "./PartsToReply.ts"
import { ask } from "./RequestToPrompt.ts"

/** What a `LanguageModel` does not say of itself. */
export interface LanguageModelProviderOptions {
  /** What it is called in errors, attempts and metadata. */
  readonly name: string
  /** The model that it is. A request for another one fails with `ModelNotFoundError`, so that a fallback can answer it. */
  readonly model?: string | undefined
}

const another = (request: LlmRequest, { model, name }: LanguageModelProviderOptions): ModelNotFoundError | undefined =>
  request.model === undefined || request.model === model
    ? undefined
    : new ModelNotFoundError({
        message: `the LanguageModel ${name} is ${model ?? "one model"}, and cannot answer as ${request.model}`,
      })

/**
 * An `LlmProvider` that the `LanguageModel` in the context answers. It takes messages, tools and a format of the answer
 * (asked for with a forced call); temperature, token limits and other settings are its layer's own, and dropped from requests
 * with a warning. Tools are never run here.
 */
export const layerProvider = (
  options: LanguageModelProviderOptions,
): Layer.Layer<LlmProvider, never, LanguageModel.LanguageModel> =>
  Layer.unwrap(
    Effect.map(LanguageModel.LanguageModel, (model) =>
      Provider.layer({
        name: options.name,
        model: options.model,
        generate: (request) => whole(model, request, options),
        stream: (request) => pieces(model, request, options),
      }),
    ),
  )

/** No tool is run, and calls come as they are, for the caller to answer. */
const asTheyCome = { disableToolCallResolution: true, toolCallValidation: "deferred" } as const

const whole = Effect.fnUntraced(function* (
  model: LanguageModel.LanguageModel,
  request: LlmRequest,
  options: LanguageModelProviderOptions,
): Effect.fn.Return<Provider.Reply, LlmErrorReason> {
  const other = another(request, options)
  if (other !== undefined) return yield* other
  const asked = ask(request)
  const { prompt, toolChoice, toolkit } = asked
  const answer =
    toolkit === undefined
      ? model.generateText({ prompt, ...asTheyCome })
      : model.generateText({ prompt, toolkit, toolChoice, ...asTheyCome })
  const { content } = yield* Effect.mapError(answer, toReason)
  return yield* Effect.fromResult(replyOf(content, asked))
})

const pieces = (
  model: LanguageModel.LanguageModel,
  request: LlmRequest,
  options: LanguageModelProviderOptions,
): Stream.Stream<Provider.ReplyPiece, LlmErrorReason> => {
  const other = another(request, options)
  if (other !== undefined) return Stream.fail(other)
  const asked = ask(request)
  const { prompt, toolChoice, toolkit } = asked
  const reader = new ReplyPieces(asked)
  const answer =
    toolkit === undefined
      ? model.streamText({ prompt, ...asTheyCome })
      : model.streamText({ prompt, toolkit, toolChoice, ...asTheyCome })
  return answer.pipe(
    Stream.mapError(toReason),
    Stream.mapEffect((part) => Effect.fromResult(reader.read(part))),
    Stream.flattenIterable,
  )
}
