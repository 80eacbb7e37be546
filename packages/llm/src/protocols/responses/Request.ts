/**
 * Writes a request for Responses. Wire names are those of openai 7.57's types; what the protocol has no field for is
 * dropped with a warning, or refused by name.
 */
import * as Result from "effect/Result"
import type { InvalidRequestError } from "../../model/LlmError.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import { answerName, withAnswerForm } from "../encoding/AnswerForm.ts"
import { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import type { ModelCapabilities } from "../encoding/ModelCapabilities.ts"
import { acceptedEffort, dropReasoningOptions, withOneEffort } from "../encoding/ReasoningChoice.ts"
import { acceptedSampling, drop, dropToolOptions, type RequestEncoding } from "../encoding/RequestEncoding.ts"
import type { EncodedRequest, EncodeOptions } from "../Protocol.ts"
import { elements, isWireObject, type WireObject } from "../WireReader.ts"
import { background } from "./Background.ts"
import { encodeConversation } from "./Conversation.ts"

type Body = Record<string, unknown>

/** OpenAI refuses less (recorded 400 `integer_below_min_value`). */
const leastMaxTokens = 16

/** `own` are the caller's own fields: hosted tools stand there. */
const encodeTools = (
  request: LlmRequest,
  own: WireObject,
  model: string,
  capabilities: ModelCapabilities,
  body: Body,
  encoding: RequestEncoding,
): void => {
  const { parallelToolCalls, toolChoice, tools = [] } = request
  if (tools.length === 0 && elements(own.tools).length === 0) return dropToolOptions(encoding, request)
  body.tools = tools.map(({ description, name, parameters, strict }) => ({
    type: "function",
    name,
    ...(description === undefined ? {} : { description }),
    parameters,
    // Absent is not false here: the server would try to make the schema strict (openai 7.57 types).
    strict: strict ?? false,
  }))
  if (toolChoice !== undefined) {
    body.tool_choice = typeof toolChoice === "string" ? toolChoice : { type: "function", name: toolChoice.name }
  }
  if (parallelToolCalls !== undefined) {
    if (capabilities.parallelToolCalls) body.parallel_tool_calls = parallelToolCalls
    else drop(encoding, "parallelToolCalls", model)
  }
}

const encodeResponseFormat = (request: LlmRequest, body: Body): void => {
  const format = request.responseFormat
  if (format === undefined || format.type === "text") return
  body.text = {
    format:
      format.type === "json"
        ? { type: "json_object" }
        : {
            type: "json_schema",
            name: format.name ?? answerName,
            schema: format.schema,
            strict: format.strict,
          },
  }
}

/**
 * Where the conversation is kept. Nothing is stored at the provider unless the request builds on what is: a conversation
 * that is sent whole each time needs no copy there, and OpenAI would keep one for 30 days.
 */
const encodeState = (request: LlmRequest, own: WireObject, body: Body): void => {
  const { previousResponseId } = request
  if (previousResponseId !== undefined) body.previous_response_id = previousResponseId
  const buildsOnStored =
    previousResponseId !== undefined ||
    own.previous_response_id !== undefined ||
    own.conversation !== undefined ||
    own.background === true
  if (!buildsOnStored) body.store = false
}

const encodeReasoning = (request: LlmRequest, body: Body, encoding: ConversationEncoding): void => {
  const effort = acceptedEffort(request.reasoningEffort, encoding)
  const summary = request.reasoning?.summary
  dropReasoningOptions(request, ["budgetTokens"], encoding)
  const told = summary === undefined || summary === "none" ? {} : { summary }
  if (effort !== undefined || "summary" in told)
    body.reasoning = { ...(effort === undefined ? {} : { effort }), ...told }
  // Only models that reason are asked for their reasoning: others may refuse the question.
  const reasons = encoding.capabilities.reasons || (body.reasoning !== undefined && effort !== "none")
  if (reasons) body.include = ["reasoning.encrypted_content"]
}

/**
 * The caller's own fields, which stand last and untouched. What both sides want included is included, as their tools
 * stand beside each other; of objects, each field that the caller names is the caller's.
 */
const withOwn = (body: Body, own: WireObject): WireObject => {
  const merged: Body = { ...own }
  if (Array.isArray(own.include)) merged.include = [...new Set([...elements(body.include), ...own.include])]
  for (const field of ["text", "reasoning"]) {
    const mine = body[field]
    const theirs = own[field]
    if (isWireObject(mine) && isWireObject(theirs)) merged[field] = { ...mine, ...theirs }
  }
  return merged
}

/** The body of a Responses request. */
export const encode = (
  given: LlmRequest,
  options: EncodeOptions,
): Result.Result<EncodedRequest, InvalidRequestError> => {
  const encoding = new ConversationEncoding(options)
  const { capabilities, model } = encoding
  const { provider } = options
  const own = given.providerOptions?.[provider] ?? {}
  const request = withAnswerForm(
    withOneEffort(given),
    { dialect: "openai", model, capabilities, hints: true },
    encoding,
  )
  const body: Body = { model, input: encodeConversation(request, encoding, provider) }
  // The protocol has no field for penalties, seeds and stop sequences.
  const sampling = acceptedSampling(request, model, { ...capabilities, penalties: false, stop: false }, encoding)
  if (request.maxTokens !== undefined) {
    body.max_output_tokens = Math.max(request.maxTokens, leastMaxTokens)
    if (request.maxTokens < leastMaxTokens) {
      encoding.warn(`maxTokens was raised from ${request.maxTokens} to ${leastMaxTokens}, the least that is accepted`)
    }
  }
  if (sampling.temperature !== undefined) body.temperature = sampling.temperature
  if (sampling.topP !== undefined) body.top_p = sampling.topP
  if (request.seed !== undefined) drop(encoding, "seed", model)
  // Newer names exist (`safety_identifier`, `prompt_cache_key`); this one every service knows.
  if (request.user !== undefined) body.user = request.user
  encodeTools(request, own, model, capabilities, body, encoding)
  encodeReasoning(request, body, encoding)
  encodeResponseFormat(request, body)
  encodeState(request, own, body)
  if (options.stream) body.stream = true
  const merged = { ...request, providerOptions: { [provider]: withOwn(body, own) } }
  return Result.map(
    encoding.finish(body, merged, { provider, stream: options.stream, followsBackground: true }),
    (encoded) =>
      encoded.body.background === true ? { ...encoded, background: background(encoded.body.include) } : encoded,
  )
}
