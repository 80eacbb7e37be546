/**
 * Writes a request for Anthropic's Messages. Wire names are those of @anthropic-ai/sdk 1.12's types; what the protocol
 * has no field for is moved or dropped with a warning, or refused by name.
 */
import type * as Result from "effect/Result"
import type { InvalidRequestError } from "../../model/LlmError.ts"
import type { LlmRequest, ReasoningEffort } from "../../model/LlmRequest.ts"
import { encodeConversation } from "./Conversation.ts"
import { withAnswerForm } from "../encoding/AnswerForm.ts"
import { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import { openForm } from "../encoding/JsonSchemaForm.ts"
import type { EncodedRequest, EncodeOptions } from "../Protocol.ts"
import { withOneEffort } from "../encoding/ReasoningChoice.ts"
import {
  acceptedSampling,
  drop,
  dropToolOptions,
  isBlank,
  refuseContinuation,
  type RequestEncoding,
} from "../encoding/RequestEncoding.ts"
import { type Thinking, thinkingOf } from "./Thinking.ts"

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

/** Effort and format share one field. */
const encodeOutput = (
  { responseFormat: format }: LlmRequest,
  effort: ReasoningEffort | undefined,
  body: Body,
  encoding: ConversationEncoding,
): void => {
  const output: Body = {}
  if (effort !== undefined) output.effort = effort
  if (format?.type === "json-schema") output.format = { type: "json_schema", schema: format.schema }
  else if (format?.type === "json") {
    encoding.warn(
      `responseFormat was dropped: ${encoding.model} writes JSON only to a schema; use json-schema, or ask for JSON in words`,
    )
  }
  if (Object.keys(output).length > 0) body.output_config = output
}

/** While it thinks by a budget, the model chooses its words and its tools freely (platform.claude.com, "Extended thinking"). */
const freed = (request: LlmRequest, { thinking }: Thinking, encoding: ConversationEncoding): LlmRequest => {
  if (thinking?.type !== "enabled") return request
  const { temperature, toolChoice, topP, ...rest } = request
  const isForced = toolChoice !== undefined && toolChoice !== "auto" && toolChoice !== "none"
  if (temperature !== undefined) encoding.warn("temperature was dropped: Anthropic sets it while the model thinks")
  if (topP !== undefined) encoding.warn("topP was dropped: Anthropic sets it while the model thinks")
  if (isForced) encoding.warn("toolChoice was set to auto: no tool can be forced while the model thinks")
  return { ...rest, toolChoice: isForced ? "auto" : toolChoice }
}

/** Anthropic's temperature ends at 1, where OpenAI's ends at 2. */
const temperatureWithin = (temperature: number, encoding: RequestEncoding): number => {
  if (temperature <= 1) return temperature
  encoding.warn(`temperature was lowered from ${temperature} to 1, the highest that Anthropic accepts`)
  return 1
}

/**
 * The body of a Messages request. `max_tokens` is required there: as much as the model can write where the
 * request does not say.
 */
export const encode = (
  given: LlmRequest,
  options: EncodeOptions,
): Result.Result<EncodedRequest, InvalidRequestError> => {
  const encoding = new ConversationEncoding(options)
  const { capabilities, model } = encoding
  refuseContinuation(encoding, given)
  const formed = withAnswerForm(
    withOneEffort(given),
    { dialect: "anthropic", model, capabilities, hints: false },
    encoding,
  )
  const { messages, system } = encodeConversation(formed, encoding)
  const thinking = thinkingOf(formed, messages, encoding)
  const request = freed(formed, thinking, encoding)
  const body: Body = { model, max_tokens: thinking.maxTokens }
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
  if (thinking.thinking !== undefined) body.thinking = thinking.thinking
  encodeOutput(request, thinking.effort, body, encoding)
  if (options.stream) body.stream = true
  return encoding.finish(body, request, options)
}
