/**
 * Writes a request for Chat Completions. Wire names are those of openai 7.57's types; what the protocol has no field for
 * is moved or dropped with a warning, or refused by name.
 */
import type * as Result from "effect/Result"
import type { InvalidRequestError } from "../../model/LlmError.ts"
import type {
  AssistantMessage,
  FilePart,
  ImagePart,
  LlmRequest,
  SystemMessage,
  TextPart,
  ToolMessage,
  UserMessage,
} from "../../model/LlmRequest.ts"
import { answerName, withAnswerForm } from "../encoding/AnswerForm.ts"
import { withCallIds } from "../encoding/CallIds.ts"
import { capabilitiesOf, type ModelCapabilities } from "../encoding/ModelCapabilities.ts"
import type { EncodedRequest, EncodeOptions } from "../Protocol.ts"
import {
  acceptedSampling,
  drop,
  dropToolOptions,
  mediumOf,
  refuseContinuation,
  RequestEncoding,
  speakingMessages,
} from "../encoding/RequestEncoding.ts"
import { elements, isWireObject } from "../WireReader.ts"
import { protocolName } from "./Content.ts"

type Body = Record<string, unknown>

const textPart = (text: string): Body => ({ type: "text", text })

/** One text stays a string, which every service takes; several stay several. */
const textContent = (content: string | ReadonlyArray<TextPart>): unknown => {
  if (typeof content === "string") return content
  const [only, ...more] = content
  return only !== undefined && more.length === 0 ? only.text : content.map((part) => textPart(part.text))
}

const encodeImage = (part: ImagePart, path: string, encoding: RequestEncoding): Body => {
  const medium = mediumOf(part, path, encoding)
  if (medium === undefined || medium.at === "store") return {}
  const url = medium.at === "url" ? medium.url : `data:${medium.mediaType};base64,${medium.data}`
  return { type: "image_url", image_url: part.detail === undefined ? { url } : { url, detail: part.detail } }
}

const encodeFile = (part: FilePart, path: string, encoding: RequestEncoding): Body => {
  const medium = mediumOf(part, path, encoding)
  if (medium === undefined) return {}
  if (medium.at === "store") return { type: "file", file: { file_id: medium.fileId } }
  if (medium.at === "url") {
    encoding.refuse(`${path}.url`, "Chat Completions takes a file as data or by its id, not by its address")
    return {}
  }
  const audio = /^audio\/(?:x-)?(wav|mpeg|mp3)$/.exec(medium.mediaType)?.[1]
  if (audio !== undefined) {
    return { type: "input_audio", input_audio: { data: medium.data, format: audio === "wav" ? "wav" : "mp3" } }
  }
  const extension = medium.mediaType.split("/")[1] ?? "bin"
  return {
    type: "file",
    file: {
      filename: part.filename ?? `file.${extension}`,
      file_data: `data:${medium.mediaType};base64,${medium.data}`,
    },
  }
}

const encodePart = (part: TextPart | ImagePart | FilePart, path: string, encoding: RequestEncoding): Body => {
  switch (part.type) {
    case "text":
      return textPart(part.text)
    case "image":
      return encodeImage(part, path, encoding)
    case "file":
      return encodeFile(part, path, encoding)
  }
}

const encodeSystem = (message: SystemMessage, role: ModelCapabilities["systemRole"]): Body => ({
  role,
  content: textContent(message.content),
})

const encodeUser = (message: UserMessage, path: string, encoding: RequestEncoding): Body => ({
  role: "user",
  content:
    typeof message.content === "string"
      ? message.content
      : message.content.map((part, place) => encodePart(part, `${path}.content[${place}]`, encoding)),
})

/** Undefined where nothing of the turn has a field in this protocol. */
const encodeAssistant = (message: AssistantMessage, path: string, encoding: RequestEncoding): Body | undefined => {
  if (typeof message.content === "string") return { role: "assistant", content: message.content }
  const body: Body = { role: "assistant", content: null }
  let text = ""
  let refusal = ""
  const toolCalls: Array<Body> = []
  for (const part of message.content) {
    if (part.type === "text") text += part.text
    else if (part.type === "refusal") refusal += part.text
    else if (part.type === "tool-call") {
      toolCalls.push({
        ...part.protocolData?.[protocolName],
        id: part.id,
        type: "function",
        function: { name: part.name, arguments: encoding.argumentsText(part.arguments) },
      })
    } else if (part.type === "image") {
      encoding.warn(`a picture in ${path} was dropped: Chat Completions takes none from an assistant`)
    } else if (part.type === "reasoning") {
      const details = part.protocolData?.[protocolName]?.reasoning_details
      if (Array.isArray(details)) body.reasoning_details = [...elements(body.reasoning_details), ...details]
      else encoding.warn("the reasoning of earlier turns was dropped: Chat Completions has no field for it")
    } else if (part.provider === protocolName && isWireObject(part.value)) {
      // Fields of the message itself, such as OpenRouter's reasoning_details, which Gemini wants back.
      if (part.value.type === undefined) Object.assign(body, part.value)
    } else {
      encoding.warn(`an "other" part of ${part.provider} in ${path} was dropped: Chat Completions has no field for it`)
    }
  }
  if (text !== "") body.content = text
  if (refusal !== "") body.refusal = refusal
  if (toolCalls.length > 0) body.tool_calls = toolCalls
  if (text !== "" || refusal !== "" || toolCalls.length > 0) return body
  encoding.warn(`${path} was dropped: nothing of it has a field in Chat Completions`)
  return undefined
}

/** One message a result; what a result shows besides text follows in a user message, because tools may only answer in text. */
const encodeToolResults = (message: ToolMessage, path: string, encoding: RequestEncoding): ReadonlyArray<Body> => {
  const results: Array<Body> = []
  const shown: Array<Body> = []
  message.content.forEach((result, place) => {
    if (result.isError === true)
      encoding.warn("isError of a tool result was dropped: Chat Completions has no field for it")
    if (typeof result.content === "string") {
      results.push({ role: "tool", tool_call_id: result.toolCallId, content: result.content })
      return
    }
    const texts = result.content.filter((part) => part.type === "text")
    const others = result.content.flatMap((part, inner) =>
      part.type === "text" ? [] : [encodePart(part, `${path}.content[${place}].content[${inner}]`, encoding)],
    )
    if (others.length > 0) {
      encoding.warn("images and files of tool results were moved to a user message: tools answer in text only")
      shown.push(textPart(`Attached to the result of the tool call ${result.toolCallId}:`), ...others)
    }
    const content = texts.length > 0 ? textContent(texts) : others.length > 0 ? "See the attachment below." : ""
    results.push({ role: "tool", tool_call_id: result.toolCallId, content })
  })
  return shown.length === 0 ? results : [...results, { role: "user", content: shown }]
}

const encodeMessages = (
  request: LlmRequest,
  capabilities: ModelCapabilities,
  encoding: RequestEncoding,
): ReadonlyArray<Body> => {
  const messages: Array<Body> = []
  // Media of tool results wait until the last result of the turn: nothing may stand between a turn's results.
  let waiting: Array<Body> = []
  const settle = () => {
    messages.push(...waiting)
    waiting = []
  }
  for (const { message, path } of speakingMessages(withCallIds(request.messages, capabilities.toolCallIds), encoding)) {
    if (message.role === "tool") {
      for (const body of encodeToolResults(message, path, encoding))
        (body.role === "tool" ? messages : waiting).push(body)
      continue
    }
    settle()
    if (message.role === "system") messages.push(encodeSystem(message, capabilities.systemRole))
    else if (message.role === "user") messages.push(encodeUser(message, path, encoding))
    else {
      const assistant = encodeAssistant(message, path, encoding)
      if (assistant !== undefined) messages.push(assistant)
    }
  }
  settle()
  return messages
}

const encodeTools = (
  request: LlmRequest,
  model: string,
  capabilities: ModelCapabilities,
  body: Body,
  encoding: RequestEncoding,
): void => {
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
    if (capabilities.parallelToolCalls) body.parallel_tool_calls = parallelToolCalls
    else drop(encoding, "parallelToolCalls", model)
  }
}

const encodeReasoning = (
  request: LlmRequest,
  model: string,
  capabilities: ModelCapabilities,
  body: Body,
  encoding: RequestEncoding,
): void => {
  const { reasoningEffort: effort } = request
  if (effort === undefined) return
  if (!capabilities.reasoningEffort) drop(encoding, "reasoningEffort", model)
  else if (effort !== "none" && body.tools !== undefined && !capabilities.reasoningWithTools) {
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
          json_schema: { name: format.name ?? answerName, schema: format.schema, strict: format.strict ?? true },
        }
}

/** The body of a Chat Completions request. */
export const encode = (
  given: LlmRequest,
  options: EncodeOptions,
): Result.Result<EncodedRequest, InvalidRequestError> => {
  const encoding = new RequestEncoding()
  refuseContinuation(encoding, given)
  const { model } = options
  const capabilities = capabilitiesOf(model, options.capabilities)
  const request = withAnswerForm(given, { dialect: "openai", model, capabilities, hints: true }, encoding)
  const body: Body = { model, messages: encodeMessages(request, capabilities, encoding) }
  const sampling = acceptedSampling(request, model, capabilities, encoding)
  if (request.maxTokens !== undefined) body[capabilities.maxTokensField] = request.maxTokens
  if (sampling.temperature !== undefined) body.temperature = sampling.temperature
  if (sampling.topP !== undefined) body.top_p = sampling.topP
  if (sampling.frequencyPenalty !== undefined) body.frequency_penalty = sampling.frequencyPenalty
  if (sampling.presencePenalty !== undefined) body.presence_penalty = sampling.presencePenalty
  if (sampling.stop !== undefined) body.stop = sampling.stop
  if (request.seed !== undefined) body.seed = request.seed
  if (request.user !== undefined) body.user = request.user
  encodeTools(request, model, capabilities, body, encoding)
  encodeReasoning(request, model, capabilities, body, encoding)
  encodeResponseFormat(request, body)
  if (options.stream) {
    body.stream = true
    if (capabilities.streamUsage) body.stream_options = { include_usage: true }
  }
  return encoding.finish(body, request, options)
}
