/** Reads an answer of Chat Completions that came whole, and the figures and failures that streams share with it. */
import * as Result from "effect/Result"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { Usage } from "../../model/LlmResponse.ts"
import { MessageReader } from "./Content.ts"
import { openAiBilling } from "../BillingReader.ts"
import { answerOf } from "../AnswerReader.ts"
import { finishReasonOf, rawFinishReasonOf, usageFrom } from "../Ending.ts"
import { failureUnderSuccess, readFailure, reportsFailure } from "../failures/FailureReader.ts"
import type { Answer, Fault } from "../Protocol.ts"
import type { ProviderFailure } from "../failures/ProviderFailure.ts"
import { count, elements, isWireObject, nameOf, unreadable, type WireObject } from "../WireReader.ts"

/**
 * Tokens as the service counts them. `prompt_tokens` is all input, cached included, and `completion_tokens` all output,
 * reasoning included (openai 7.57 types); xAI, and Gemini behind Vercel's gateway, count reasoning beside the completion,
 * which shows in `totalTokens` only. Cached tokens have five names.
 */
export const usageOf = (usage: WireObject | undefined): Usage => {
  if (usage === undefined) return {}
  const input = count(usage.prompt_tokens) ?? count(usage.input_tokens)
  const output = count(usage.completion_tokens) ?? count(usage.output_tokens)
  const read = isWireObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : undefined
  const written = isWireObject(usage.completion_tokens_details) ? usage.completion_tokens_details : undefined
  const reasoning = count(written?.reasoning_tokens) ?? count(usage.reasoning_tokens)
  const reported = count(usage.total_tokens)
  const sum = input === undefined || output === undefined ? undefined : input + output
  const total = reported === undefined || sum === undefined ? (reported ?? sum) : Math.max(reported, sum)
  return usageFrom(
    input,
    output,
    total,
    count(read?.cached_tokens) ??
      count(usage.cached_tokens) ??
      count(usage.prompt_cache_hit_tokens) ??
      count(usage.num_cached_tokens) ??
      count(usage.cache_read_input_tokens),
    count(read?.cache_write_tokens) ?? count(usage.cache_creation_input_tokens),
    reasoning,
  )
}

/** Where an answer's figures stand: at its top, or in Groq's own corner, or (Moonshot) in the choice. */
export const rawUsageOf = (body: WireObject, choice: WireObject | undefined): WireObject | undefined => {
  if (isWireObject(body.usage)) return body.usage
  if (isWireObject(body.x_groq) && isWireObject(body.x_groq.usage)) return body.x_groq.usage
  return choice !== undefined && isWireObject(choice.usage) ? choice.usage : undefined
}

const isFirst = (choice: unknown): choice is WireObject => isWireObject(choice) && (choice.index ?? 0) === 0

/** The first choice, by its index where it has one. Further choices are not read: nobody asks for them here. */
export const firstChoice = (choices: unknown): WireObject | undefined => elements(choices).find(isFirst)

/** The failure inside a choice (OpenRouter), if there is one. */
export const failureInChoice = (choice: WireObject): ProviderFailure | undefined =>
  reportsFailure(choice.error) ? readFailure(choice, undefined) : undefined

/** The message of a choice: `message`, or `delta` as some services write it in whole answers too. */
const messageOf = (choice: WireObject): WireObject | undefined => {
  if (isWireObject(choice.message)) return choice.message
  if (isWireObject(choice.delta)) return choice.delta
  return typeof choice.text === "string" ? { content: choice.text } : undefined
}

/** Reads a parsed 2xx body. */
export const decode = (body: unknown): Result.Result<Answer, Fault> => {
  if (!isWireObject(body)) {
    return Result.fail(failureUnderSuccess(body) ?? unreadable("it is not a JSON object", "$", body))
  }
  const { choices } = body
  const choice = firstChoice(choices) ?? elements(choices).find(isWireObject)
  if (reportsFailure(body.error) || choice === undefined) {
    return Result.fail(failureUnderSuccess(body) ?? unreadable("it has no choices", "choices", body))
  }
  const failure = failureInChoice(choice)
  if (failure !== undefined) return Result.fail(failure)
  const message = messageOf(choice)
  if (message === undefined) return Result.fail(unreadable("the message is missing", "choices[0].message", choice))
  const reader = new MessageReader()
  const events: Array<LlmEvent> = []
  reader.readWhole(message, events)
  reader.readBeside(body, choice)
  reader.end(events)
  const rawFinishReason = rawFinishReasonOf(choice.finish_reason)
  const figures = rawUsageOf(body, choice)
  const usage = usageOf(figures)
  // Snowflake never says why it finished; that it counted what the model wrote shows that the model had finished.
  const isDue = usage.outputTokens === undefined
  const finishReason = finishReasonOf(rawFinishReason, reader)
  const billing = openAiBilling(body.service_tier, figures)
  const ended = { rawFinishReason, finishReason, usage, billing, servedModel: nameOf(body.model) }
  return answerOf(reader, events, ended, isDue)
}
