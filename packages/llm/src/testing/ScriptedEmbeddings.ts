/**
 * Embeddings for tests: vectors made of the texts themselves, or those and the failures of a script. It opens no socket,
 * refuses bad requests as the real ones do, and remembers what it was asked.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { type Attempt, failBefore, openAttempt } from "../call/Attempt.ts"
import { joinCall } from "../call/CallContext.ts"
import { EmbeddingProvider, type EmbeddingRequest, type EmbeddingResponse } from "../model/EmbeddingProvider.ts"
import { InvalidRequestError, type LlmError } from "../model/LlmError.ts"
import type { Usage } from "../model/LlmResponse.ts"
import { validateEmbeddingRequest } from "../model/RequestValidation.ts"
import { reasonOf, type ScriptedError, type ScriptedOptions } from "./Scripted.ts"

/** One answer: vectors in the order of the inputs, or a failure. Without `embeddings` they are made of the texts. */
export type EmbeddingAnswer =
  | ReadonlyArray<ReadonlyArray<number>>
  | {
      /** The vectors, as many as there are inputs. */
      readonly embeddings?: ReadonlyArray<ReadonlyArray<number>> | undefined
      /** The tokens of the request. Default: none are reported. */
      readonly usage?: Usage | undefined
      /** The failure in place of vectors. */
      readonly error?: ScriptedError | undefined
      /** How long the answer takes. */
      readonly delay?: Duration.Input | undefined
    }

/** A Layer of `EmbeddingProvider`, and the requests it has been asked, in order. */
export interface ScriptedEmbeddings extends Layer.Layer<EmbeddingProvider> {
  /** The requests in the order in which they were asked. */
  readonly requests: ReadonlyArray<EmbeddingRequest>
}

const defaultDimensions = 8

/**
 * A vector of length 1 that depends on the text alone: the same text has the same vector, and two texts hardly ever have
 * similar ones. It knows nothing of meaning.
 */
export const vectorOf = (text: string, dimensions: number = defaultDimensions): Array<number> => {
  let state = 2166136261
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 16777619)
  const numbers = Array.from({ length: dimensions }, () => {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9
    return ((state >>> 8) & 0xffff) / 0x8000 - 1
  })
  const length = Math.hypot(...numbers) || 1
  return numbers.map((number) => number / length)
}

/**
 * Without a script every request is answered with vectors of its texts (see `vectorOf`). With one, each request gets the
 * next answer, and one that finds none left fails with `InvalidRequestError`.
 */
export const layerEmbeddings = (
  answers?: ReadonlyArray<EmbeddingAnswer>,
  options: ScriptedOptions = {},
): ScriptedEmbeddings => {
  const { model = "scripted", name = "scripted" } = options
  const requests: Array<EmbeddingRequest> = []
  const play = (
    input: EmbeddingRequest,
    begun: { attempt: Attempt | undefined },
  ): Effect.Effect<EmbeddingResponse, LlmError> =>
    joinCall((context, fiber) => {
      const valid = validateEmbeddingRequest(input)
      if (Result.isFailure(valid)) return Effect.fail(failBefore(context, { provider: name, model }, valid.failure))
      const request = valid.success
      const opened = openAttempt(context, fiber, { provider: name, model: request.model ?? model }, request)
      if (Result.isFailure(opened)) return Effect.fail(opened.failure)
      const attempt = (begun.attempt = opened.success)
      requests.push(request)
      const answer = answers === undefined ? {} : answers[requests.length - 1]
      if (answer === undefined) {
        const message = `the script has ${answers?.length} answers and was asked ${requests.length} times`
        return Effect.fail(attempt.fail(new InvalidRequestError({ message })))
      }
      const { delay, embeddings, error, usage } = "length" in answer ? { embeddings: answer } : answer
      const played = Effect.suspend(() => {
        if (error !== undefined) return Effect.fail(attempt.fail(reasonOf(error)))
        const given = embeddings ?? request.inputs.map((text) => vectorOf(text, request.dimensions))
        if (given.length !== request.inputs.length) {
          const message = `the script has ${given.length} vectors for ${request.inputs.length} inputs`
          return Effect.fail(attempt.fail(new InvalidRequestError({ message })))
        }
        attempt.sawOutput()
        const metadata = attempt.finish({
          usage: usage ?? {},
          usageStatus: usage === undefined ? "unknown" : "reported",
          servedModel: attempt.model,
        })
        return Effect.succeed({ embeddings: given.map((vector) => [...vector]), metadata })
      })
      return delay === undefined ? played : Effect.andThen(Effect.sleep(delay), played)
    })
  const embed = (input: EmbeddingRequest): Effect.Effect<EmbeddingResponse, LlmError> =>
    Effect.suspend(() => {
      const begun: { attempt: Attempt | undefined } = { attempt: undefined }
      // Laid down before the attempt begins, so that no interruption can come between and leave it open.
      return Effect.onExitPrimitive(play(input, begun), (exit) => {
        begun.attempt?.close(exit)
        return undefined
      })
    })
  return Object.assign(Layer.succeed(EmbeddingProvider, { name, model, embed }), { requests })
}
