/**
 * Embeddings at an endpoint: one HTTP request per call. It splits nothing and refuses what one request cannot hold;
 * splitting is for `withBatches`, so that each part has its own permit and its own retries.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { joinCall } from "../../call/CallContext.ts"
import type { EmbeddingProvider, EmbeddingRequest } from "../../model/EmbeddingProvider.ts"
import { InvalidRequestError } from "../../model/LlmError.ts"
import { validateEmbeddingRequest } from "../../model/RequestValidation.ts"
import { parseJson } from "../../protocols/WireReader.ts"
import type { EmbeddingEndpoint } from "../Endpoint.ts"
import { readBody } from "../Reception.ts"
import type { Transport } from "../Transport.ts"
import { notJson } from "../WholeAnswer.ts"
import { Sender } from "./Sender.ts"

/** The service of an endpoint on an open transport. */
export const make = (endpoint: EmbeddingEndpoint, open: Transport["Service"]): EmbeddingProvider["Service"] => {
  const { batchLimits, dimensionsField, encodingFormat, fields, protocol, provider } = endpoint
  const sender = new Sender(endpoint, open, "EMBEDDING_MODEL")

  const embed = (input: EmbeddingRequest) =>
    joinCall((context, fiber) => {
      const valid = validateEmbeddingRequest(input)
      if (Result.isFailure(valid)) return sender.refuse(context, endpoint.model, valid.failure)
      const request = valid.success
      const model = sender.modelOf(request.model)
      if (typeof model !== "string") return sender.refuse(context, request.model, model)
      const { length } = request.inputs
      const { inputs: most, isAdvice } = batchLimits(model)
      if (length > most && isAdvice !== true) return sender.refuse(context, model, tooMany(length, most, provider))
      const encoded = protocol.encode(request, { model, provider, dimensionsField, encodingFormat, fields })
      if (Result.isFailure(encoded)) return sender.refuse(context, model, encoded.failure)
      const { body, warnings } = encoded.success
      const url = endpoint.url(model)
      if (typeof url !== "string") return sender.refuse(context, model, url)
      return sender.answer({ model, request, url, body, warnings }, context, fiber, (sent) =>
        readBody(
          sent,
          (text) => {
            const parsed = parseJson(text)
            return Effect.fromResult(
              parsed === undefined ? Result.fail(notJson(text)) : protocol.decode(parsed, length),
            )
          },
          (read) => ({ embeddings: read.embeddings, metadata: sent.attempt.finish(read) }),
        ),
      )
    })

  return { name: provider, model: endpoint.model, batchLimits, embed }
}

const tooMany = (given: number, most: number, provider: string): InvalidRequestError =>
  new InvalidRequestError({
    message: `invalid request: ${provider} takes at most ${most} inputs a request and inputs has ${given}: put withBatches() around the layer`,
    parameter: "inputs",
  })
