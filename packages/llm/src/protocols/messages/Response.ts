/** Reads an answer of Messages that came whole, and the figures that streams share with it. */
import * as Result from "effect/Result"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { Usage } from "../../model/LlmResponse.ts"
import { messagesBilling } from "../BillingReader.ts"
import { answerOf } from "../AnswerReader.ts"
import { finishReasonOf, rawFinishReasonOf, usageFrom } from "../Ending.ts"
import { failureUnderSuccess, reportsFailure } from "../failures/FailureReader.ts"
import { BlockReader } from "./Content.ts"
import type { Answer, Fault } from "../Protocol.ts"
import { count, isWireObject, nameOf, unreadable, type WireObject } from "../WireReader.ts"

/**
 * Tokens as this library counts them. Anthropic's `input_tokens` leaves out what was read from or written to the cache
 * (@anthropic-ai/sdk 1.12 types), so all input is the sum of three. `output_tokens` includes thinking.
 */
export const usageOf = (usage: WireObject | undefined): Usage => {
  if (usage === undefined) return {}
  const fresh = count(usage.input_tokens)
  const read = count(usage.cache_read_input_tokens)
  const write = count(usage.cache_creation_input_tokens)
  const output = count(usage.output_tokens)
  const input = fresh === undefined ? undefined : fresh + (read ?? 0) + (write ?? 0)
  const details = isWireObject(usage.output_tokens_details) ? usage.output_tokens_details : undefined
  const total = input === undefined || output === undefined ? undefined : input + output
  return usageFrom(input, output, total, read, write, count(details?.thinking_tokens))
}

/** Reads a parsed 2xx body. */
export const decode = (body: unknown): Result.Result<Answer, Fault> => {
  if (!isWireObject(body)) {
    return Result.fail(failureUnderSuccess(body) ?? unreadable("it is not a JSON object", "$", body))
  }
  const { content } = body
  // A message beside fields of unknown meaning is a message (law 3).
  if (reportsFailure(body.error) || !Array.isArray(content)) {
    return Result.fail(failureUnderSuccess(body) ?? unreadable("it has no content", "content", body))
  }
  const reader = new BlockReader()
  const events: Array<LlmEvent> = []
  reader.readWhole(content, events)
  reader.refuse(body.stop_details, events)
  const rawFinishReason = rawFinishReasonOf(body.stop_reason)
  const figures = isWireObject(body.usage) ? body.usage : undefined
  const ended = {
    rawFinishReason,
    finishReason: finishReasonOf(rawFinishReason, reader),
    usage: usageOf(figures),
    billing: messagesBilling(figures),
    servedModel: nameOf(body.model),
  }
  return answerOf(reader, events, ended, true)
}
