/**
 * Writes what effect/ai asks as an `LlmRequest`. It decides nothing and sends nothing; what a request has no place for is
 * left out with a warning, which the answer's metadata repeats.
 */
import * as Effect from "effect/Effect"
import * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import type {
  AssistantMessage,
  FilePart,
  ImagePart,
  LlmRequest,
  Message,
  ResponseFormat,
  TextPart,
  ToolCallPart,
  ToolDefinition,
  ToolResultPart,
} from "../../model/LlmRequest.ts"
import type { ResponsePart } from "../../model/LlmResponse.ts"
import { readDetails, toBase64 } from "./PartDetails.ts"
import { RequestOptions } from "./RequestOptions.ts"
import { answerForm, parametersForm } from "./SchemaForms.ts"

/** The request, and what it had to leave out. */
export interface Translation {
  readonly request: LlmRequest
  readonly warnings: ReadonlyArray<string>
}

/** A string is base64, or an address where it looks like one. `image/*` names no type, so the bytes must tell it. */
const encodeMedium = ({ data, mediaType: stated }: Prompt.FilePart): Pick<ImagePart, "url" | "data" | "mediaType"> => {
  const mediaType = stated.includes("*") ? undefined : stated
  if (data instanceof URL) return { url: data.href, mediaType }
  if (typeof data !== "string") return { data: toBase64(data), mediaType }
  return /^(https?|data):/i.test(data) ? { url: data, mediaType } : { data, mediaType }
}

const encodePart = (part: Prompt.TextPart | Prompt.FilePart): TextPart | ImagePart | FilePart => {
  if (part.type === "text") return { type: "text", text: part.text }
  const medium = encodeMedium(part)
  return part.mediaType.startsWith("image/")
    ? { type: "image", ...medium, detail: readDetails(part.options).detail }
    : { type: "file", ...medium, filename: part.fileName }
}

const protocolDataOf = (options: Prompt.ToolCallPart["options"]): Pick<ToolCallPart, "protocolData"> => {
  const { protocolData } = readDetails(options)
  return protocolData === undefined ? {} : { protocolData }
}

/** Undefined where an assistant's part has no place in a request. */
const encodeAssistantPart = (
  part: Exclude<Prompt.AssistantMessagePart, Prompt.ToolApprovalRequestPart>,
): ResponsePart | undefined => {
  if (part.type === "tool-call") {
    return part.providerExecuted
      ? undefined
      : { type: "tool-call", id: part.id, name: part.name, arguments: part.params, ...protocolDataOf(part.options) }
  }
  if (part.type === "tool-result") return undefined
  if (part.type === "file")
    return part.mediaType.startsWith("image/") ? { type: "image", ...encodeMedium(part) } : undefined
  const { other, protocol, redacted, refusal, signature, text = part.text } = readDetails(part.options)
  if (part.type === "text") return refusal === undefined ? { type: "text", text } : { type: "refusal", text: refusal }
  return other ?? { type: "reasoning", text, signature, redacted, protocol, ...protocolDataOf(part.options) }
}

const encodeAssistant = (
  message: Prompt.AssistantMessage,
  path: string,
  warnings: Array<string>,
): ReadonlyArray<AssistantMessage> => {
  const content: Array<ResponsePart> = []
  message.content.forEach((part, place) => {
    // Between the program and its user; the model has no part in it.
    if (part.type === "tool-approval-request") return
    const encoded = encodeAssistantPart(part)
    if (encoded === undefined) warnings.push(`${path}.content[${place}] was dropped: a request has no ${nameOf(part)}`)
    else content.push(encoded)
  })
  return content.length === 0 ? [] : [{ role: "assistant", content }]
}

const nameOf = (part: Prompt.AssistantMessagePart): string =>
  part.type === "file" ? "files of an assistant" : `${part.type} that the provider executes itself`

const encodeResult = (part: Prompt.ToolResultPart): ToolResultPart => {
  const { modelOutput, result } = part
  const content = modelOutput?.map(encodePart) ?? (typeof result === "string" ? result : JSON.stringify(result ?? null))
  return { type: "tool-result", toolCallId: part.id, content, ...(part.isFailure ? { isError: true } : {}) }
}

const encodeMessage = (message: Prompt.Message, path: string, warnings: Array<string>): ReadonlyArray<Message> => {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content }]
    case "user":
      return [{ role: "user", content: message.content.map(encodePart) }]
    case "assistant":
      return encodeAssistant(message, path, warnings)
    case "tool": {
      const results = message.content.filter((part) => part.type === "tool-result")
      return results.length === 0 ? [] : [{ role: "tool", content: results.map(encodeResult) }]
    }
  }
}

const encodeTool = (tool: Tool.Any): Effect.Effect<ToolDefinition, AiError.ToolConfigurationError> =>
  Effect.try({
    try: () => ({
      name: tool.name,
      description: Tool.getDescription(tool),
      parameters: parametersForm(tool),
      strict: Tool.getStrictMode(tool),
    }),
    catch: (error) => new AiError.ToolConfigurationError({ toolName: tool.name, description: messageOf(error) }),
  })

/** `oneOf` has done its work: only the tools it names are left. */
const encodeToolChoice = (choice: LanguageModel.ToolChoice<string>): LlmRequest["toolChoice"] => {
  if (typeof choice === "string") return choice
  return "tool" in choice ? { name: choice.tool } : (choice.mode ?? "auto")
}

/** A schema's name may be a path (`acme/Person`); providers take letters, digits, `_` and `-`, 64 of them. */
const answerName = (objectName: string): string => objectName.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64)

const encodeResponseFormat = (
  format: LanguageModel.ProviderOptions["responseFormat"],
): Effect.Effect<ResponseFormat | undefined, AiError.UnsupportedSchemaError> =>
  format.type === "text"
    ? Effect.undefined
    : Effect.try({
        try: (): ResponseFormat => ({
          type: "json-schema",
          name: answerName(format.objectName),
          schema: answerForm(format.schema).jsonSchema,
        }),
        catch: (error) => new AiError.UnsupportedSchemaError({ description: messageOf(error) }),
      })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * The request of one turn. Fails for a tool or an answer whose Schema has no JSON Schema, and for a tool's result that is
 * not JSON. Where effect/ai goes on from an answer that the provider stored, only what is new goes out.
 */
export const toRequest = Effect.fnUntraced(function* (
  options: LanguageModel.ProviderOptions,
): Effect.fn.Return<Translation, AiError.AiErrorReason> {
  const warnings: Array<string> = []
  const { incrementalPrompt, previousResponseId } = options
  const continues = previousResponseId !== undefined && incrementalPrompt !== undefined
  const prompt = continues ? incrementalPrompt : options.prompt
  const messages = yield* Effect.try({
    try: () => prompt.content.flatMap((message, place) => encodeMessage(message, `prompt[${place}]`, warnings)),
    catch: (error) => new AiError.InvalidUserInputError({ description: messageOf(error) }),
  })
  const tools = yield* Effect.forEach(options.tools, encodeTool)
  const responseFormat = yield* encodeResponseFormat(options.responseFormat)
  const request: LlmRequest = {
    ...(yield* RequestOptions),
    messages,
    ...(continues ? { previousResponseId } : {}),
    ...(tools.length === 0 ? {} : { tools, toolChoice: encodeToolChoice(options.toolChoice) }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
  }
  return { request, warnings }
})
