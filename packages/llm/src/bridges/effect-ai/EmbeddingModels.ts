/** effect/ai's `EmbeddingModel` on any `EmbeddingProvider` of this library. It translates, and adds no behaviour of its own. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EmbeddingModel from "effect/ai/EmbeddingModel"
import { EmbeddingProvider } from "../../model/EmbeddingProvider.ts"
import { toAiError } from "./AiFailure.ts"

/** What a prompt of effect/ai has no place for. */
export interface EmbeddingModelOptions {
  /** The model to ask. Default: the provider's own. */
  readonly model?: string | undefined
  /** The length of the vectors, where the model can shorten them. Default: the model's own. */
  readonly dimensions?: number | undefined
}

/**
 * effect/ai's `EmbeddingModel`, answered by the `EmbeddingProvider` in the context. `embed` calls that run side by side are
 * sent together, as effect/ai does it, and `withBatches` splits what one request cannot hold. An `AiError` gives back its
 * `LlmError` through `llmErrorOf`.
 */
export const layerEmbeddingModel = (
  options: EmbeddingModelOptions = {},
): Layer.Layer<EmbeddingModel.EmbeddingModel, never, EmbeddingProvider> =>
  Layer.effect(
    EmbeddingModel.EmbeddingModel,
    Effect.flatMap(EmbeddingProvider, (provider) =>
      EmbeddingModel.make({
        embedMany: ({ inputs }) =>
          provider.embed({ inputs, model: options.model, dimensions: options.dimensions }).pipe(
            Effect.mapError((error) => toAiError("embedMany", error)),
            Effect.map(({ embeddings, metadata }) => ({
              results: embeddings,
              usage: { inputTokens: metadata.usage.inputTokens },
            })),
          ),
      }),
    ),
  )
