/**
 * Writes a request for embeddings. Wire names are those of openai 7.57's types, which Azure, LiteLLM and compatible services
 * share; Voyage names one field otherwise. It splits nothing: how many texts go into one request is for who sends it.
 */
import type * as Result from "effect/Result"
import type { EmbeddingRequest } from "../../model/EmbeddingProvider.ts"
import type { InvalidRequestError } from "../../model/LlmError.ts"
import { RequestEncoding } from "../encoding/RequestEncoding.ts"
import type { EncodedRequest } from "../Protocol.ts"

/** What encoding needs to know beside the request. */
export interface EmbeddingEncodeOptions {
  /** The model or deployment to ask, already chosen. */
  readonly model: string
  /** Whose `providerOptions` apply. */
  readonly provider: string
  /** What the service calls the length of a vector; Voyage says `output_dimension`. */
  readonly dimensionsField?: "dimensions" | "output_dimension" | undefined
  /** How vectors are asked for; `none` leaves it to a service that refuses the field. Default `base64`. */
  readonly encodingFormat?: "base64" | "float" | "none" | undefined
  /** What every request to this service says besides. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined
}

/** Models that have one length only: OpenAI refuses to shorten their vectors (openai 7.57 types). */
const unshortened = /^text-embedding-ada-/

/**
 * The body of an embeddings request. Vectors are asked for as base64, which is a third to a quarter of their text; services
 * that do not know it send numbers.
 */
export const encode = (
  request: EmbeddingRequest,
  options: EmbeddingEncodeOptions,
): Result.Result<EncodedRequest, InvalidRequestError> => {
  const encoding = new RequestEncoding()
  const { dimensionsField = "dimensions", encodingFormat = "base64", model, provider } = options
  request.inputs.forEach((input, place) => {
    if (input === "") encoding.refuse(`inputs[${place}]`, "an empty text has no embedding")
  })
  const body: Record<string, unknown> = { ...options.fields, model, input: request.inputs }
  if (encodingFormat !== "none") body.encoding_format = encodingFormat
  if (request.dimensions !== undefined) {
    if (unshortened.test(model)) encoding.warn(`dimensions was dropped: ${model} does not accept it`)
    else body[dimensionsField] = request.dimensions
  }
  if (request.user !== undefined) body.user = request.user
  return encoding.finish(body, request, { provider })
}
