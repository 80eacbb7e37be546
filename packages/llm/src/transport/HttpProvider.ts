/**
 * A provider at an endpoint: where a request meets the network. It makes exactly one HTTP request per call and never a
 * second one; trying again, elsewhere or later is for policies.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type CallContext, joinCall, joins, joinStream } from "../call/CallContext.ts"
import { isLarge } from "../model/JsonCopy.ts"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import { validateRequest } from "../model/RequestValidation.ts"
import { inBackground } from "./Background.ts"
import { limitOf } from "../protocols/encoding/RequestEncoding.ts"
import { withReasoningTag } from "../protocols/TaggedReasoning.ts"
import type { Endpoint } from "./Endpoint.ts"
import { readAnswer, readEvents, type Sent } from "./Reception.ts"
import { type Outgoing, Sender } from "./sending/Sender.ts"
import type { Transport } from "./Transport.ts"

/** The service of an endpoint on an open transport. */
export const make = (endpoint: Endpoint, open: Transport["Service"]): LlmProvider["Service"] => {
  const { protocol, provider } = endpoint
  const sender = new Sender(endpoint, open)
  const { limits } = sender

  /** Checks everything that can be wrong before a request is sent, and passes on what is right. */
  const prepare = <A>(
    input: LlmRequest,
    context: CallContext,
    stream: boolean,
    send: (outgoing: Outgoing) => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> => {
    const valid = validateRequest(input)
    if (Result.isFailure(valid)) return sender.refuse(context, endpoint.model, valid.failure)
    const llmRequest = valid.success
    const encode = (): Effect.Effect<A, LlmError> => {
      const model = sender.modelOf(llmRequest.model)
      if (typeof model !== "string") return sender.refuse(context, llmRequest.model, model)
      const capabilities = endpoint.capabilities?.(model)
      const encoded = protocol.encode(llmRequest, { model, provider, stream, capabilities })
      if (Result.isFailure(encoded)) return sender.refuse(context, model, encoded.failure)
      const { background, body, maxTokens, temperature, warnings } = encoded.success
      const url = endpoint.url(model)
      if (typeof url !== "string") return sender.refuse(context, model, url)
      const own = llmRequest.providerOptions?.[provider]
      const outgoing = {
        model,
        request: llmRequest,
        url,
        body,
        temperature,
        maxTokens,
        asksForLimit: llmRequest.maxTokens !== undefined || (own !== undefined && limitOf(own) !== undefined),
        warnings,
        asksForUsage: capabilities?.streamUsage !== false,
        openWith:
          background === undefined
            ? undefined
            : (opening: Transport["Service"], request: Parameters<Transport["Service"]>[0]) =>
                inBackground(opening, request, background, limits, stream),
      }
      return send(outgoing)
    }
    return isLarge(input) ? Effect.andThen(Effect.yieldNow, Effect.suspend(encode)) : encode()
  }

  /** The reader, told of the tag that the request names. */
  const reading = <A>(request: LlmRequest, read: (sent: Sent<Endpoint>) => A): ((sent: Sent<Endpoint>) => A) => {
    const { startsInTag = false, tag } = request.reasoning ?? {}
    if (tag === undefined) return read
    const tagged = { ...endpoint, protocol: withReasoningTag(protocol, { name: tag, startsInside: startsInTag }) }
    return (sent) => read({ ...sent, service: tagged })
  }

  const generate = (request: LlmRequest) =>
    joinCall((context, fiber) =>
      prepare(request, context, false, (outgoing) =>
        sender.answer(outgoing, context, fiber, reading(request, readAnswer)),
      ),
    )

  const stream = (request: LlmRequest) =>
    joinStream((scope, context, fiber) =>
      prepare(request, context, true, (outgoing) =>
        sender.openIn(scope, outgoing, context, fiber, reading(request, readEvents)),
      ),
    )

  return joins({ name: provider, model: endpoint.model, generate, stream })
}
