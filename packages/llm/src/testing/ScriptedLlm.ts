/** Fakes for tests of programs that use promises: a whole `Llm` from a script, one answer, one failure. No network. */
import { metadataOf } from "../call/Metadata.ts"
import * as Layer from "effect/Layer"
import type { EmbeddingRequest } from "../model/EmbeddingProvider.ts"
import { LlmError } from "../model/LlmError.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import { fromParts, type LlmResponse, type ResponsePart } from "../model/LlmResponse.ts"
import { LLMInterface } from "../promises/LLMInterface.ts"
import { failure as failureOf, type GenerateFailure } from "../promises/PromiseResponse.ts"
import { type EmbeddingAnswer, layerEmbeddings } from "./ScriptedEmbeddings.ts"
import { layerModels, type ModelScript } from "./ScriptedModels.ts"
import { type Answer, layer, reasonOf, type ScriptedError, type ScriptedOptions } from "./Scripted.ts"

/** An `Llm` that answers from a script. */
export interface ScriptedLlm extends LLMInterface {
  /** The requests it has been asked, in order. */
  readonly requests: ReadonlyArray<LlmRequest>
  /** The requests for embeddings, in order. */
  readonly embeddingRequests: ReadonlyArray<EmbeddingRequest>
  /** The requests whose tokens were counted, in order. */
  readonly countRequests: ReadonlyArray<LlmRequest>
}

/** What the fake is called, what it embeds, and what it tells of models. */
export interface ScriptedLlmOptions extends ScriptedOptions, ModelScript {
  /** What `embed` gives, in turn. Default: vectors made of the texts. */
  readonly embeddings?: ReadonlyArray<EmbeddingAnswer> | undefined
}

/**
 * Promises on a script: each call for an answer gets the next one, `embed` vectors of its texts, and a call that finds none left fails with `InvalidRequestError`.
 * It checks requests as the real one does, logs nothing, and needs neither settings nor `dispose`.
 */
export const llm = (answers: ReadonlyArray<Answer>, options: ScriptedLlmOptions = {}): ScriptedLlm => {
  const script = layer(answers, options)
  const embeddings = layerEmbeddings(options.embeddings, options)
  const models = layerModels(options, options)
  return Object.assign(LLMInterface.fromLayer(Layer.mergeAll(script, embeddings, models), { logger: false }), {
    requests: script.requests,
    embeddingRequests: embeddings.requests,
    countRequests: models.requests,
  })
}

const partsOf = (answer: Exclude<Answer, string>): ReadonlyArray<ResponsePart> => {
  const { reasoning, text, toolCalls = [] } = answer
  return [
    ...(reasoning === undefined ? [] : [{ type: "reasoning" as const, text: reasoning }]),
    ...(text === undefined ? [] : [{ type: "text" as const, text: typeof text === "string" ? text : text.join("") }]),
    ...toolCalls.map(({ arguments: args, id, name }, position) => ({
      type: "tool-call" as const,
      id: id ?? `call_${position}`,
      name,
      arguments: args,
    })),
  ]
}

/** The whole response of one answer, with metadata, for a fake that is written by hand. Its time is 1 January 2026. */
export const response = (answer: Answer, options: ScriptedOptions = {}): LlmResponse => {
  const said = typeof answer === "string" ? { text: answer } : answer
  const model = options.model ?? "scripted"
  return fromParts(
    partsOf(said),
    said.finishReason ?? (said.toolCalls === undefined ? "stop" : "tool-calls"),
    metadataOf({
      provider: options.name ?? "scripted",
      model,
      servedModel: model,
      usage: said.usage,
      usageStatus: said.usage === undefined ? "unknown" : "reported",
      latencyMs: 0,
      timestamp: "2026-01-01T00:00:00.000Z",
      attempts: [],
    }),
  )
}

/** A failure as `generate` resolves with it: `Scripted.failure("RateLimitError")`. Its time is 1 January 2026. */
export const failure = (error: ScriptedError, options: ScriptedOptions = {}): GenerateFailure => {
  const whole = new LlmError({
    reason: reasonOf(error),
    provider: options.name ?? "scripted",
    model: options.model ?? "scripted",
    attempts: [],
  })
  const atMs = Date.UTC(2026, 0, 1)
  return failureOf(whole, {}, atMs, atMs)
}
