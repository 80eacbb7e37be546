/** Embeddings as OpenAI, Azure, LiteLLM, Voyage and compatible services serve them: the wire format, not the service. */
import type * as Result from "effect/Result"
import type { EmbeddingRequest } from "../../model/EmbeddingProvider.ts"
import type { InvalidRequestError } from "../../model/LlmError.ts"
import { readFailure } from "../failures/FailureReader.ts"
import type { ProviderFailure } from "../failures/ProviderFailure.ts"
import type { EncodedRequest, Fault } from "../Protocol.ts"
import { type EmbeddingEncodeOptions, encode } from "./Request.ts"
import { decode, type Embedded } from "./Response.ts"

/** A wire format of embeddings. */
export interface EmbeddingProtocol {
  readonly name: string
  readonly encode: (
    request: EmbeddingRequest,
    options: EmbeddingEncodeOptions,
  ) => Result.Result<EncodedRequest, InvalidRequestError>
  /** Reads a parsed 2xx body, the answer to so many inputs. An error body under 200 is that error (law 2). */
  readonly decode: (body: unknown, inputs: number) => Result.Result<Embedded, Fault>
  /** Reads a body under a failing status: parsed JSON, or the text itself where it is not JSON. */
  readonly decodeFailure: (body: unknown, status: number) => ProviderFailure
}

export const protocol: EmbeddingProtocol = { name: "embeddings", encode, decode, decodeFailure: readFailure }
