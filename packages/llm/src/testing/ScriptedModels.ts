/**
 * A service of models for tests: a list and counts of a script. It opens no socket, refuses bad requests as the real ones do,
 * and remembers what it was asked.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { failBefore, openAttempt } from "../call/Attempt.ts"
import { type CallContext, joinCall } from "../call/CallContext.ts"
import type * as Fiber from "effect/Fiber"
import { InvalidRequestError, type LlmError } from "../model/LlmError.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { ResponseMetadata } from "../model/LlmResponse.ts"
import { type ModelDescription, ModelInfo, type TokenCount } from "../model/ModelInfo.ts"
import { validateRequest } from "../model/RequestValidation.ts"
import { reasonOf, type ScriptedError, type ScriptedOptions } from "./Scripted.ts"

/** One count: a number for an exact one, a whole count, or a failure. */
export type CountAnswer = number | TokenCount | { readonly error: ScriptedError }

/** What is told of models. */
export interface ModelScript {
  /** What `models` gives each time, or its failure. Default: the script's own model. */
  readonly models?: ReadonlyArray<ModelDescription> | { readonly error: ScriptedError } | undefined
  /** What `countTokens` gives, in turn. Default: `unknown` each time. */
  readonly counts?: ReadonlyArray<CountAnswer> | undefined
}

/** A Layer of `ModelInfo`, and the requests whose tokens it was asked for, in order. */
export interface ScriptedModels extends Layer.Layer<ModelInfo> {
  /** The requests in the order in which they were counted. */
  readonly requests: ReadonlyArray<LlmRequest>
}

const isFailure = (answer: object): answer is { readonly error: ScriptedError } => "error" in answer

const uncounted: TokenCount = { type: "unknown", reason: "the script has no counts" }

/** A service of models from a script. A count that finds none left fails with `InvalidRequestError`. */
export const layerModels = (script: ModelScript = {}, options: ScriptedOptions = {}): ScriptedModels => {
  const { model = "scripted", name = "scripted" } = options
  const { counts, models: listed = [{ id: model }] } = script
  const requests: Array<LlmRequest> = []

  const play = <A>(
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
    asked: string | undefined,
    answer: A | { readonly error: ScriptedError },
  ): Effect.Effect<{ readonly answer: A; readonly metadata: ResponseMetadata }, LlmError> => {
    const opening = openAttempt(context, fiber, { provider: name, model: asked, isFree: true }, {})
    if (Result.isFailure(opening)) return Effect.fail(opening.failure)
    const attempt = opening.success
    if (typeof answer === "object" && answer !== null && isFailure(answer)) {
      return Effect.fail(attempt.fail(reasonOf(answer.error)))
    }
    attempt.sawOutput()
    const metadata = attempt.finish({ usage: {}, usageStatus: "unknown" })
    return Effect.succeed({ answer, metadata })
  }

  const models = joinCall((context, fiber) =>
    Effect.map(play(context, fiber, undefined, listed), ({ answer, metadata }) => ({ models: answer, metadata })),
  )

  const countTokens = (input: LlmRequest) =>
    joinCall((context, fiber) => {
      const valid = validateRequest(input)
      if (Result.isFailure(valid)) return Effect.fail(failBefore(context, { provider: name, model }, valid.failure))
      requests.push(valid.success)
      const counted = counts === undefined ? uncounted : counts[requests.length - 1]
      const message = `the script has ${counts?.length} counts and was asked ${requests.length} times`
      const answer: Exclude<CountAnswer, number> =
        typeof counted === "number"
          ? { type: "exact", inputTokens: counted }
          : (counted ?? { error: new InvalidRequestError({ message }) })
      return Effect.map(play(context, fiber, valid.success.model ?? model, answer), ({ answer: count, metadata }) => ({
        count,
        metadata,
      }))
    })

  return Object.assign(Layer.succeed(ModelInfo, { name, model, models, countTokens }), { requests })
}
