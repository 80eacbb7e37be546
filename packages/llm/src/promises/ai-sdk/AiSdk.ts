/**
 * `@wiseflow/llm/ai-sdk`: a model for programs on the AI SDK (`generateText`, `streamText`, agents) that this library
 * answers, with its retries, limits, fallbacks and records. It translates, and adds no behaviour of its own. It needs no
 * package, and works over `LLMInterface` of either entry and over the fakes.
 */
import type { Llm, LlmStream } from "../Llm.ts"
import { AiStreamParts, resultOf } from "./AiAnswer.ts"
import { AiCallError } from "./AiCallError.ts"
import type { AiLanguageModel, AiStreamPart } from "./AiModel.ts"
import { type AiRequest, requestOf } from "./AiRequest.ts"
import { nextTurn } from "./Turn.ts"

export { AiCallError } from "./AiCallError.ts"
export type * from "./AiModel.ts"

/** How many events that have come already are written in one turn of the event loop. */
const eventsInTurn = 512

/** The parts of one answer, at the pace at which they are read. Cancelling it ends the call. */
const partsOf = (
  stream: LlmStream,
  events: AsyncIterator<Parameters<AiStreamParts["read"]>[0]>,
  asked: AiRequest,
  first: Array<AiStreamPart>,
  reader: AiStreamParts,
): ReadableStream<AiStreamPart> => {
  let count = 0
  return new ReadableStream<AiStreamPart>({
    pull: async (controller) => {
      for (const part of first.splice(0)) controller.enqueue(part)
      try {
        for (;;) {
          const next = await events.next()
          if (next.done === true) return controller.close()
          // With the end come the sources of the whole answer.
          if (++count % eventsInTurn === 0 || next.value.type === "response-finish") await nextTurn()
          const parts = reader.read(next.value)
          for (const part of parts) controller.enqueue(part)
          if (parts.length > 0) return
        }
      } catch (error) {
        const failure = await failureOf(stream, error)
        if (asked.options.signal?.aborted === true) return controller.error(failure)
        controller.enqueue({ type: "error", error: failure })
        controller.close()
      }
    },
    cancel: async () => {
      await events.return?.()
    },
  })
}

/** A stream's failure as data; what a program's own abort gave stays what it is. */
const failureOf = async (stream: LlmStream, error: unknown): Promise<unknown> => {
  try {
    const response = await stream.response
    return "error" in response ? new AiCallError(response) : error
  } catch {
    return error
  }
}

/**
 * A model of the AI SDK, answered by `llm`: `generateText({ model: languageModel(llm), prompt })`.
 *
 * - `model` is the model to ask; without one it is the stack's own. Behind it may be any fallback.
 * - `providerOptions.wiseflow` takes what the AI SDK has no option for: `model`, `user`, `parallelToolCalls`,
 *   `reasoningEffort`, `previousResponseId`, `providerOptions`, `timeout` and `maxRetries`.
 * - `providerMetadata.wiseflow` of an answer is this library's `ResponseMetadata`.
 * - A failure is an `AiCallError`, which `APICallError.isInstance` knows and `ai` does not retry.
 */
export const languageModel = (llm: Pick<Llm, "generate" | "stream">, model?: string): AiLanguageModel => ({
  specificationVersion: "v4",
  provider: "wiseflow",
  modelId: model ?? "default",
  supportedUrls: { "image/*": [/^https?:\/\//] },
  doGenerate: async (options) => {
    const asked = requestOf(options, model)
    const response = await llm.generate(asked.options)
    if ("error" in response) throw new AiCallError(response)
    // What reading the answer has taken of this turn is not added to.
    await nextTurn()
    return resultOf(response, asked)
  },
  doStream: async (options) => {
    const asked = requestOf(options, model)
    const stream = llm.stream(asked.options)
    const events = stream[Symbol.asyncIterator]()
    const reader = new AiStreamParts(asked)
    const first: Array<AiStreamPart> = [{ type: "stream-start", warnings: asked.warnings }]
    try {
      // A call that fails before its answer begins rejects here, as the AI SDK expects of one that was refused.
      const begun = await events.next()
      if (begun.done !== true) first.push(...reader.read(begun.value))
    } catch (error) {
      throw await failureOf(stream, error)
    }
    return { stream: partsOf(stream, events, asked, first, reader) }
  },
})
