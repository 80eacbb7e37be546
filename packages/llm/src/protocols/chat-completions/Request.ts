/**
 * Writes a request for Chat Completions. Wire names are those of openai 7.57's types; what the protocol has no field for
 * is moved or dropped with a warning, or refused by name.
 */
import type * as Result from "effect/Result"
import type { InvalidRequestError } from "../../model/LlmError.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import { answerName, withAnswerForm } from "../encoding/AnswerForm.ts"
import { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import { acceptedEffort, dropReasoningOptions, withOneEffort } from "../encoding/ReasoningChoice.ts"
import { acceptedSampling, drop, dropToolOptions, refuseContinuation } from "../encoding/RequestEncoding.ts"
import type { EncodedRequest, EncodeOptions } from "../Protocol.ts"
import { encodeConversation } from "./Conversation.ts"
import type { Body } from "./UserContent.ts"

const encodeTools = (request: LlmRequest, body: Body, encoding: ConversationEncoding): void => {
  const { parallelToolCalls, toolChoice, tools } = request
  if (tools === undefined || tools.length === 0) {
    return dropToolOptions(encoding, request)
  }
  body.tools = tools.map(({ description, name, parameters, strict }) => ({
    type: "function",
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      parameters,
      ...(strict === undefined ? {} : { strict }),
    },
  }))
  if (toolChoice !== undefined) {
    body.tool_choice =
      typeof toolChoice === "string" ? toolChoice : { type: "function", function: { name: toolChoice.name } }
  }
  if (parallelToolCalls !== undefined) {
    if (encoding.capabilities.parallelToolCalls) body.parallel_tool_calls = parallelToolCalls
    else drop(encoding, "parallelToolCalls", encoding.model)
  }
}

/** OpenRouter takes a budget or an effort, not both (openrouter.ai, "Reasoning Tokens"). */
const encodeReasoningObject = (request: LlmRequest, body: Body, encoding: ConversationEncoding): void => {
  const { reasoning, reasoningEffort } = request
  const effort = acceptedEffort(reasoningEffort, encoding)
  const amount =
    reasoning?.budgetTokens !== undefined && effort !== "none" ? { max_tokens: reasoning.budgetTokens } : { effort }
  const hidden = reasoning?.summary === "none" ? { exclude: true } : {}
  if (amount.effort !== undefined || amount.max_tokens !== undefined || reasoning?.summary === "none") {
    body.reasoning = { ...amount, ...hidden }
  }
}

const encodeReasoning = (request: LlmRequest, body: Body, encoding: ConversationEncoding): void => {
  const { capabilities, model } = encoding
  const { budgetField, withoutReasoning } = capabilities
  if (capabilities.reasoningOption === "reasoning") return encodeReasoningObject(request, body, encoding)
  dropReasoningOptions(request, budgetField === undefined ? ["budgetTokens", "summary"] : ["summary"], encoding)
  if (budgetField !== undefined && request.reasoning?.budgetTokens !== undefined) {
    body[budgetField] = request.reasoning.budgetTokens
  }
  if (request.reasoningEffort === "none" && withoutReasoning !== undefined) {
    Object.assign(body, withoutReasoning)
    return
  }
  const effort = acceptedEffort(request.reasoningEffort, encoding)
  if (effort === undefined) return
  if (effort !== "none" && body.tools !== undefined && !capabilities.reasoningWithTools) {
    encoding.warn(`reasoningEffort was lowered to none: ${model} does not reason with tools in Chat Completions`)
    body.reasoning_effort = "none"
  } else body.reasoning_effort = effort
}

const encodeResponseFormat = (request: LlmRequest, body: Body): void => {
  const format = request.responseFormat
  if (format === undefined || format.type === "text") return
  body.response_format =
    format.type === "json"
      ? { type: "json_object" }
      : {
          type: "json_schema",
          json_schema: { name: format.name ?? answerName, schema: format.schema, strict: format.strict },
        }
}

/** The body of a Chat Completions request. */
export const encode = (
  given: LlmRequest,
  options: EncodeOptions,
): Result.Result<EncodedRequest, InvalidRequestError> => {
  const encoding = new ConversationEncoding(options)
  const { capabilities, model } = encoding
  refuseContinuation(encoding, given)
  const request = withAnswerForm(
    withOneEffort(given),
    { dialect: "openai", model, capabilities, hints: true },
    encoding,
  )
  const body: Body = { model, messages: encodeConversation(request, encoding) }
  const sampling = acceptedSampling(request, model, capabilities, encoding)
  if (request.maxTokens !== undefined) body[capabilities.maxTokensField] = request.maxTokens
  if (sampling.temperature !== undefined) body.temperature = sampling.temperature
  if (sampling.topP !== undefined) body.top_p = sampling.topP
  if (sampling.frequencyPenalty !== undefined) body.frequency_penalty = sampling.frequencyPenalty
  if (sampling.presencePenalty !== undefined) body.presence_penalty = sampling.presencePenalty
  if (sampling.stop !== undefined) body.stop = sampling.stop
  if (request.seed !== undefined) body.seed = request.seed
  if (request.user !== undefined) body.user = request.user
  encodeTools(request, body, encoding)
  encodeReasoning(request, body, encoding)
  encodeResponseFormat(request, body)
  if (options.stream) {
    body.stream = true
    if (capabilities.streamUsage) body.stream_options = { include_usage: true }
  }
  return encoding.finish(body, request, options)
}
