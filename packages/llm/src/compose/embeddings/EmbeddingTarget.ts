/** The embeddings of one provider, by its name, without any policy. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { EmbeddingProvider } from "../../model/EmbeddingProvider.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { EmbeddingOptions } from "../../providers/ProviderOptions.ts"
import * as Registry from "../../providers/Registry.ts"
import * as Setting from "../../settings/Setting.ts"
import type { EmbeddingEndpoint } from "../../transport/Endpoint.ts"
import * as ProviderLayer from "../../transport/ProviderLayer.ts"

/** How to reach the embeddings of a provider. */
export interface ProviderEmbeddingOptions extends EmbeddingOptions {
  /** The version of the interface, for Azure. */
  readonly apiVersion?: string | undefined
}

/** What reaches them. Fails with `ConfigurationError`, which names `setting`, where the provider serves none. */
export const embeddingEndpoint = (
  provider: string,
  options: ProviderEmbeddingOptions,
  setting: string,
): Effect.Effect<EmbeddingEndpoint, LlmError> => {
  const row = Registry.find(provider)
  if (row?.embeddings !== undefined) return row.embeddings.endpoint(options)
  const names = Registry.embeddingRows.map(({ name }) => name).join(", ")
  const problem =
    row === undefined ? `is not one of ${names}` : `${row.title} serves no embeddings; ask one of ${names}`
  return Effect.fail(Setting.invalid(setting, problem))
}

/**
 * Embeddings of any provider that serves them: `EmbeddingStack.layerProvider("voyage", { apiKey, model })`. One request a
 * call; policies, `withBatches` among them, are the program's to add.
 */
export const layerProvider = (
  provider: Registry.ProviderName | Registry.EmbeddingProviderName,
  options: ProviderEmbeddingOptions,
): Layer.Layer<EmbeddingProvider, LlmError> =>
  ProviderLayer.layerEmbeddings(embeddingEndpoint(provider, options, "provider"))
