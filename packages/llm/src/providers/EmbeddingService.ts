/**
 * Any service that serves embeddings as OpenAI does, at an address that is known: what differs between them is how much one
 * request may hold, and how vectors are asked for.
 */
import * as Effect from "effect/Effect"
import type { BatchLimits } from "../model/EmbeddingProvider.ts"
import type { LlmError } from "../model/LlmError.ts"
import { protocol } from "../protocols/embeddings/Embeddings.ts"
import type { EmbeddingEncodeOptions } from "../protocols/embeddings/Request.ts"
import type { EmbeddingEndpoint, ServiceAddress } from "../transport/Endpoint.ts"
import * as ChatService from "./ChatService.ts"
import { modelRow } from "./ModelService.ts"
import type { EmbeddingOptions, TargetOptions } from "./ProviderOptions.ts"
import type { EmbeddingRow, ProviderRow } from "./ProviderRow.ts"

/** What differs between services. Each limit is the one of the service's documentation, or has its source beside it. */
export interface EmbeddingFacts extends Pick<EmbeddingEncodeOptions, "dimensionsField" | "encodingFormat" | "fields"> {
  /** How much one request may hold; by the model where that tells. */
  readonly limits?: BatchLimits | ((model: string) => BatchLimits) | undefined
  /** How the names of its embedding models begin; lower case. */
  readonly families?: ReadonlyArray<string> | undefined
  /** A model as errors show it. */
  readonly exampleModel: string
}

/** OpenAI's reference: at most 2,048 inputs a request, and 300,000 tokens of all inputs together. */
export const openAiLimits: BatchLimits = { inputs: 2048, tokens: 300_000 }

/** Where no limit is documented: what every service that documents one accepts, but the smallest. More is sent if asked. */
export const unknownLimits: BatchLimits = { inputs: 96, isAdvice: true }

/** What reaches the embeddings of a service. */
export const embeddingEndpoint = (
  address: ServiceAddress,
  facts: EmbeddingFacts,
  options: Partial<EmbeddingOptions>,
): EmbeddingEndpoint => {
  // A service of another name has its own limits and forms.
  const {
    dimensionsField,
    encodingFormat,
    fields,
    limits = unknownLimits,
  }: Partial<EmbeddingFacts> = options.name === undefined ? facts : { encodingFormat: "none" }
  const known = typeof limits === "function" ? limits : () => limits
  return {
    ...address,
    exampleModel: facts.exampleModel,
    protocol,
    dimensionsField,
    fields,
    encodingFormat: options.encodingFormat ?? encodingFormat ?? "none",
    batchLimits: (model) => options.batchLimits ?? known(model ?? ""),
  }
}

/** The embeddings of a service, at its own address with the same key. */
export const embeddingsAt = (
  own: ChatService.ServiceFacts,
  facts: EmbeddingFacts,
  options: TargetOptions & Partial<EmbeddingOptions>,
  headers?: Readonly<Record<string, string>>,
): Effect.Effect<EmbeddingEndpoint, LlmError> =>
  Effect.map(ChatService.address(own, options, headers, "/embeddings"), (reached) =>
    embeddingEndpoint(reached, facts, options),
  )

/** The same as a part of the service's row. */
export const embeddingRow = (
  own: ChatService.ServiceFacts,
  facts: EmbeddingFacts,
  headers?: Readonly<Record<string, string>>,
): EmbeddingRow => ({
  families: facts.families ?? [],
  exampleModel: facts.exampleModel,
  endpoint: (options) => embeddingsAt(own, facts, options, headers),
})

/** The row of a service that needs no code of its own, with the embeddings that it serves, if it does. */
export const row = ({
  embeddings,
  ...chat
}: ChatService.Service & { readonly embeddings?: EmbeddingFacts }): ProviderRow => {
  const facts = ChatService.row(chat)
  const own: ProviderRow = { ...facts, models: modelRow(facts, chat.headers) }
  return embeddings === undefined ? own : { ...own, embeddings: embeddingRow(own, embeddings, chat.headers) }
}
