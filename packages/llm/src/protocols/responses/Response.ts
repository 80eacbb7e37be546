/** Reads an answer of Responses that came whole, and the figures, endings and failures that streams share with it. */
import * as Result from "effect/Result"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { FinishReason, Usage } from "../../model/LlmResponse.ts"
import { openAiBilling } from "../BillingReader.ts"
import { answerOf } from "../AnswerReader.ts"
import { usageFrom } from "../Ending.ts"
import { failureUnderSuccess, readFailure, reportsFailure } from "../failures/FailureReader.ts"
import type { ProviderFailure } from "../failures/ProviderFailure.ts"
import type { Answer, Fault } from "../Protocol.ts"
import { count, isWireObject, nameOf, nonEmpty, unreadable, type WireObject } from "../WireReader.ts"
import { ItemReader } from "./Content.ts"

/** Tokens of one answer. `input_tokens` includes what was cached, `output_tokens` the reasoning (openai 7.57 types). */
export const usageOf = (usage: WireObject | undefined): Usage => {
  if (usage === undefined) return {}
  const input = count(usage.input_tokens)
  const output = count(usage.output_tokens)
  const read = isWireObject(usage.input_tokens_details) ? usage.input_tokens_details : undefined
  const written = isWireObject(usage.output_tokens_details) ? usage.output_tokens_details : undefined
  const sum = input === undefined || output === undefined ? undefined : input + output
  return usageFrom(
    input,
    output,
    count(usage.total_tokens) ?? sum,
    count(read?.cached_tokens),
    count(read?.cache_write_tokens),
    count(written?.reasoning_tokens),
  )
}

/** `completed`, or `incomplete:max_output_tokens`: the status, and why it is no better. */
export const rawFinishReasonOf = (response: WireObject): string | undefined => {
  const status = nonEmpty(response.status)
  const details = isWireObject(response.incomplete_details) ? response.incomplete_details : undefined
  const reason = nonEmpty(details?.reason)
  return status === "incomplete" && reason !== undefined ? `${status}:${reason}` : status
}

/** No status tells of tools: an answer that holds a call to answer ended for it, one that holds an approval paused. */
export const finishReasonOf = (raw: string | undefined, reader: ItemReader): FinishReason => {
  switch (raw) {
    // A recorded gateway writes `complete`.
    case "completed":
    case "complete":
      if (reader.pending.any) return "tool-calls"
      if (reader.refused) return "content-filter"
      return reader.pending.needsApproval ? "pause" : "stop"
    case "incomplete:max_output_tokens":
      return "length"
    case "incomplete:content_filter":
      return "content-filter"
    default:
      return "other"
  }
}

/** Statuses of an answer that is still being made. */
export const isPending = (status: unknown): boolean => status === "queued" || status === "in_progress"

/** The failure that a response is, whatever its status says. */
export const failureOf = (response: WireObject): ProviderFailure | undefined => {
  const { error, status } = response
  if (reportsFailure(error)) return readFailure({ error }, undefined)
  if (status === "cancelled") {
    return { _tag: "ProviderFailure", message: "the response was cancelled", code: "response_cancelled" }
  }
  return status === "failed"
    ? { _tag: "ProviderFailure", message: "the provider failed and did not say why", code: "server_error" }
    : undefined
}

/** Reads a parsed 2xx body of `source`, where it is known who answers. */
export const decode = (body: unknown, source?: string): Result.Result<Answer, Fault> => {
  if (!isWireObject(body)) {
    return Result.fail(failureUnderSuccess(body) ?? unreadable("it is not a JSON object", "$", body))
  }
  const failure = failureOf(body)
  if (failure !== undefined) return Result.fail(failure)
  if (!Array.isArray(body.output)) {
    return Result.fail(failureUnderSuccess(body) ?? unreadable("it has no output", "output", body))
  }
  if (nonEmpty(body.status) === undefined || isPending(body.status)) {
    const problem = isPending(body.status) ? `the answer is still ${String(body.status)}` : "the status is missing"
    return Result.fail(unreadable(problem, "status", body))
  }
  const reader = new ItemReader(source)
  const events: Array<LlmEvent> = []
  for (const [place, item] of body.output.entries()) {
    if (reader.excess !== undefined) break
    if (isWireObject(item)) reader.finish(place, item, events)
  }
  const rawFinishReason = rawFinishReasonOf(body)
  const figures = isWireObject(body.usage) ? body.usage : undefined
  const ended = {
    rawFinishReason,
    finishReason: finishReasonOf(rawFinishReason, reader),
    // One that was not stored cannot be gone on from.
    responseId: body.store === false ? undefined : nonEmpty(body.id),
    usage: usageOf(figures),
    billing: openAiBilling(body.service_tier, figures),
    servedModel: nameOf(body.model),
  }
  return answerOf(reader, events, ended, true)
}
