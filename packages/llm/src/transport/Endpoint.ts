/** A service as data: a protocol, an address, and what every request to it carries. It sends nothing. */
import type * as Effect from "effect/Effect"
import type { BatchLimits } from "../model/EmbeddingProvider.ts"
import type { LlmErrorReason } from "../model/LlmError.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { TokenCount } from "../model/ModelInfo.ts"
import type { Pricing } from "../prices/AnswerCost.ts"
import type { EmbeddingProtocol } from "../protocols/embeddings/Embeddings.ts"
import type { ModelListProtocol } from "../protocols/models/ModelPage.ts"
import type { CountForm } from "../protocols/models/TokenCounting.ts"
import type { EmbeddingEncodeOptions } from "../protocols/embeddings/Request.ts"
import type { ModelCapabilities } from "../protocols/encoding/ModelCapabilities.ts"
import type { Limits } from "../protocols/Limits.ts"
import type { Protocol } from "../protocols/Protocol.ts"
import type { TransportOptions, WireHeaders } from "./Transport.ts"

/** Where a service answers, whatever it is asked, and what every request to it carries. */
export interface ServiceAddress extends Pricing {
  /** The name in errors and metadata, and the key of `providerOptions`. */
  readonly provider: string
  /** The model for requests that name none. */
  readonly model: string | undefined
  /** What an error says to write where neither the layer nor the request names a model. */
  readonly exampleModel?: string | undefined
  /** Where a model answers, or why its name cannot be part of an address. */
  readonly url: (model: string) => string | LlmErrorReason
  /**
   * Authentication, version and the caller's own; an effect, so that a token can be renewed. What they and the query of
   * the URL hold is blanked in everything that the provider tells (`Secrets` says which headers are public).
   */
  readonly headers: Effect.Effect<Readonly<Record<string, string>>, LlmErrorReason>
  /**
   * After `sent` was refused: whether `headers` give others now. A call whose key was renewed is worth one more request.
   * Absent where the headers are always the same.
   */
  readonly isRenewed?: ((sent: WireHeaders) => Effect.Effect<boolean>) | undefined
  /** The name of the provider in traces; `provider` unless said. */
  readonly telemetryName?: string | undefined
  /** A proxy, or a `fetch` to send through. */
  readonly transport?: TransportOptions | undefined
  /** The largest body in bytes (default 64 MiB), and the longest event in characters (default 10 Mi). */
  readonly limits?: Partial<Limits> | undefined
}

/** What a provider of answers adds to a protocol. */
export interface Endpoint extends ServiceAddress {
  /** The wire format. */
  readonly protocol: Protocol
  /** What this deployment's model refuses, where its name does not tell. */
  readonly capabilities?: ((model: string) => Partial<ModelCapabilities> | undefined) | undefined
}

/** What a provider of embeddings adds to a protocol. */
export interface EmbeddingEndpoint
  extends ServiceAddress, Pick<EmbeddingEncodeOptions, "dimensionsField" | "encodingFormat" | "fields"> {
  /** The wire format. */
  readonly protocol: EmbeddingProtocol
  /** How much one request to a model may hold. */
  readonly batchLimits: (model: string | undefined) => BatchLimits
}

/** How a service counts the tokens of a request: that of an answer, at an address of its own. */
export interface TokenCounter {
  /** The wire format of the request that is counted. */
  readonly protocol: Protocol
  /** What of it the count takes, and how its answer is read. */
  readonly form: CountForm
  /** Where the service counts. */
  readonly url: string
  /** What this deployment's model refuses, where its name does not tell. */
  readonly capabilities?: Endpoint["capabilities"]
}

/** A service that tells of its models. `url` is where it lists them. */
export interface ModelEndpoint extends ServiceAddress {
  /** The wire format of the list. */
  readonly protocol: ModelListProtocol
  /** What the query of each page says, where the service pages its list. */
  readonly pageQuery?: ((next: string | undefined) => string) | undefined
  /** How it counts tokens; absent where it does not. */
  readonly counter?: TokenCounter | undefined
  /** What is known of a request's tokens without asking. */
  readonly estimate: (request: LlmRequest, model: string) => Effect.Effect<TokenCount>
}
