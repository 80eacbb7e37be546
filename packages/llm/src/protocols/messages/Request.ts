/**
 * Writes a request for Anthropic's Messages. Wire names are those of @anthropic-ai/sdk 1.12's types; what the protocol
 * has no field for is moved or dropped with a warning, or refused by name.
 */
import type * as Result from "effect/Result"
import type { InvalidRequestError } from "../../model/LlmError.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import { encodeConversation } from "./Conversation.ts"
import { withAnswerForm } from "../encoding/AnswerForm.ts"
import { openForm } from "../encoding/JsonSchemaForm.ts"
import { capabilitiesOf, type ModelCapabilities } from "../encoding/ModelCapabilities.ts"
import type { EncodedRequest, EncodeOptions } from "../Protocol.ts"
import {
  acceptedSampling,
  drop,
  dropToolOptions,
  isBlank,
  refuseContinuation,
  RequestEncoding,
} from "../encoding/RequestEncoding.ts"

type Body = Record<string, unknown>

const encodeTools = (request: LlmRequest, body: Body, encoding: RequestEncoding): void => {
  const { parallelToolCalls, toolChoice, tools } = request
  if (tools === undefined || tools.length === 0) {
    return dropToolOptions(encoding, request)
  }
  body.tools = tools.map(({ description, name, parameters, strict }) => ({
    name,
    ...(description === undefined ? {} : { description }),
    // The schema of a tool must say that it is an object.
    input_schema: openForm(parameters),
    ...(strict === undefined ? {} : { strict }),
  }))
  const choice: Body | undefined =
    toolChoice === undefined
      ? undefined
      : typeof toolChoice === "object"
        ? { type: "tool", name: toolChoice.name }
        : { type: toolChoice === "required" ? "any" : toolChoice }
  if (parallelToolCalls !== undefined && choice?.type !== "none") {
    body.tool_choice = { ...(choice ?? { type: "auto" }), disable_parallel_tool_use: !parallelToolCalls }
  } else if (choice !== undefined) body.tool_choice = choice
}

/** Effort and format share one field; `none` is a matter of `thinking`, and `minimal` is not one of Anthropic's levels. */
const encodeOutput = (
  request: LlmRequest,
  model: string,
  capabilities: ModelCapabilities,
  body: Body,
  encoding: RequestEncoding,
): void => {
  const output: Body = {}
  const { reasoningEffort: effort, responseFormat: format } = request
  if (effort === "none") body.thinking = { type: "disabled" }
  else if (effort !== undefined && !capabilities.reasoningEffort) drop(encoding, "reasoningEffort", model)
  else if (effort === "minimal") {
    encoding.warn(`reasoningEffort was raised to low: ${model} has no minimal effort`)
    output.effort = "low"
  } else if (effort !== undefined) output.effort = effort
  if (format?.type === "json-schema") output.format = { type: "json_schema", schema: format.schema }
  else if (format?.type === "json") {
    encoding.warn(
      `responseFormat was dropped: ${model} writes JSON only to a schema; use json-schema, or ask for JSON in words`,
    )
  }
  if (Object.keys(output).length > 0) body.output_config = output
}

/** Anthropic's temperature ends at 1, where OpenAI's ends at 2. */
const temperatureWithin = (temperature: number, encoding: RequestEncoding): number => {
  if (temperature <= 1) return temperature
  encoding.warn(`temperature was lowered from ${temperature} to 1, the highest that Anthropic accepts`)
  return 1
}

/** The body of a Messages request. `max_tokens` is required there: 4096 where the request does not say. */
export const encode = (
  given: LlmRequest,
  options: EncodeOptions,
): Result.Result<EncodedRequest, InvalidRequestError> => {
  const encoding = new RequestEncoding()
  refuseContinuation(encoding, given)
  const { model } = options
  const capabilities = capabilitiesOf(model, options.capabilities)
  const request = withAnswerForm(given, { dialect: "anthropic", model, capabilities, hints: false }, encoding)
  const { messages, system } = encodeConversation(request, encoding)
  const body: Body = { model, max_tokens: request.maxTokens ?? capabilities.defaultMaxTokens }
  if (system !== undefined) body.system = system
  body.messages = messages
  // The protocol has no field for penalties and seeds.
  const sampling = acceptedSampling(request, model, { ...capabilities, penalties: false }, encoding)
  if (sampling.temperature !== undefined) body.temperature = temperatureWithin(sampling.temperature, encoding)
  if (sampling.topP !== undefined) body.top_p = sampling.topP
  if (request.seed !== undefined) drop(encoding, "seed", model)
  if (sampling.stop !== undefined) {
    const stop = sampling.stop.filter((sequence) => !isBlank(sequence))
    if (stop.length < sampling.stop.length) {
      encoding.warn("stop sequences of white space were dropped: Anthropic does not accept them")
    }
    if (stop.length > 0) body.stop_sequences = stop
  }
  if (request.user !== undefined) body.metadata = { user_id: request.user }
  encodeTools(request, body, encoding)
  encodeOutput(request, model, capabilities, body, encoding)
  if (options.stream) body.stream = true
  return encoding.finish(body, request, options)
}
