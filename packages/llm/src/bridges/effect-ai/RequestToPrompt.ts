/**
 * Writes an `LlmRequest` as what an effect/ai `LanguageModel` from another package is asked. What it has no place for is
 * left out with a warning; it sends nothing.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import type {
  AssistantMessage,
  FilePart,
  ImagePart,
  LlmRequest,
  Message,
  TextPart,
  ToolDefinition,
  ToolResultPart,
} from "../../model/LlmRequest.ts"
import { metadataOf, toJson } from "./PartDetails.ts"

/** The name under which parts keep what a `LanguageModel` wants back: its own metadata, or a whole part. */
export const protocolName = "effect-ai"

/** What a `LanguageModel` is asked for a request. */
export interface Asked {
  readonly prompt: ReadonlyArray<Prompt.MessageEncoded>
  readonly toolkit: Toolkit.WithHandler<Record<string, PassiveTool>> | undefined
  readonly toolChoice: LanguageModel.ToolChoice<string>
  /** The tool that a value is asked for with, since a `LanguageModel` takes no JSON Schema of an answer. */
  readonly answerName: string | undefined
  readonly warnings: ReadonlyArray<string>
}

type Part = Exclude<AssistantMessage["content"], string>[number]

const mediumOf = (part: ImagePart | FilePart): string | URL | undefined =>
  part.url === undefined ? part.data : URL.canParse(part.url) ? new URL(part.url) : undefined

const filePart = (part: ImagePart | FilePart): Prompt.FilePartEncoded | undefined => {
  const data = mediumOf(part)
  if (data === undefined) return undefined
  const mediaType = part.mediaType ?? (part.type === "image" ? "image/*" : "application/octet-stream")
  if (part.type === "image") {
    const options = part.detail === undefined ? {} : { options: metadataOf({ detail: part.detail }) }
    return { type: "file", mediaType, data, ...options }
  }
  return { type: "file", mediaType, data, ...(part.filename === undefined ? {} : { fileName: part.filename }) }
}

const isOptions = (value: unknown): value is Prompt.ProviderOptions =>
  Predicate.isObject(value) && !Array.isArray(value)

/** The metadata that came with a part, as the options of the prompt's part. */
const optionsOf = (protocolData: { readonly [protocol: string]: unknown } | undefined) => {
  const own = protocolData?.[protocolName]
  return isOptions(own) ? { options: own } : {}
}

const isPart = (value: unknown): value is Exclude<Prompt.AssistantMessagePartEncoded, string> =>
  Predicate.hasProperty(value, "type") && ["file", "tool-call", "tool-result"].some((type) => type === value.type)

/** Undefined where a `LanguageModel` has no place for a part, or where another service wrote what only it can read. */
const assistantPart = (part: Part): Prompt.AssistantMessagePartEncoded | undefined => {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text }
    case "refusal":
      return { type: "text", text: part.text, options: metadataOf({ refusal: part.text }) }
    case "reasoning":
      return part.protocolData?.[protocolName] === undefined
        ? undefined
        : { type: "reasoning", text: part.text, ...optionsOf(part.protocolData) }
    case "tool-call":
      return {
        type: "tool-call",
        id: part.id,
        name: part.name,
        params: part.arguments,
        ...optionsOf(part.protocolData),
      }
    case "image":
      return filePart(part)
    case "other":
      return part.provider === protocolName && isPart(part.value) ? part.value : undefined
  }
}

class Translation {
  readonly warnings: Array<string> = []
  /** The names of the calls so far, by their ids. */
  private readonly calls = new Map<string, string>()

  message(message: Message, path: string): ReadonlyArray<Prompt.MessageEncoded> {
    switch (message.role) {
      case "system": {
        const { content } = message
        return [
          {
            role: "system",
            content: typeof content === "string" ? content : content.map(({ text }) => text).join("\n"),
          },
        ]
      }
      case "user": {
        const content = this.said(message.content, path)
        return content.length === 0 ? [] : [{ role: "user", content }]
      }
      case "assistant": {
        const content = this.answered(message.content, path)
        return content.length === 0 ? [] : [{ role: "assistant", content }]
      }
      case "tool":
        return [
          {
            role: "tool",
            content: message.content.map((part, place) => this.result(part, `${path}.content[${place}]`)),
          },
        ]
    }
  }

  private said(
    content: string | ReadonlyArray<TextPart | ImagePart | FilePart>,
    path: string,
  ): Array<Prompt.TextPartEncoded | Prompt.FilePartEncoded> {
    if (typeof content === "string") return [{ type: "text", text: content }]
    return content.flatMap((part, place): Array<Prompt.TextPartEncoded | Prompt.FilePartEncoded> => {
      if (part.type === "text") return [{ type: "text", text: part.text }]
      const file = filePart(part)
      if (file === undefined)
        this.warnings.push(`${path}.content[${place}] was dropped: a prompt has no files by an id`)
      return file === undefined ? [] : [file]
    })
  }

  private answered(content: AssistantMessage["content"], path: string): Array<Prompt.AssistantMessagePartEncoded> {
    if (typeof content === "string") return [{ type: "text", text: content }]
    return content.flatMap((part, place) => {
      if (part.type === "tool-call") this.calls.set(part.id, part.name)
      const encoded = assistantPart(part)
      if (encoded === undefined) {
        this.warnings.push(
          `${path}.content[${place}] was dropped: only the service that wrote this ${part.type} takes it`,
        )
      }
      return encoded === undefined ? [] : [encoded]
    })
  }

  private result({ content, isError, toolCallId: id }: ToolResultPart, path: string): Prompt.ToolResultPartEncoded {
    const part = { type: "tool-result", id, name: this.calls.get(id) ?? id, isFailure: isError === true } as const
    if (typeof content === "string") return { ...part, result: content }
    const modelOutput = this.said(content, path)
    return {
      ...part,
      result: modelOutput.map((output) => (output.type === "text" ? output.text : output.mediaType)),
      modelOutput,
    }
  }
}

const toolOf = ({ description, name, parameters, strict }: ToolDefinition) => {
  const tool = Tool.dynamic(name, { parameters, ...(description === undefined ? {} : { description }) })
  return strict === undefined ? tool : tool.annotate(Tool.Strict, strict)
}

/** A tool that is told to the model, and never run. */
type PassiveTool = ReturnType<typeof toolOf>

/** No tool runs here: the caller runs them. */
const toolkitOf = (tools: ReadonlyArray<PassiveTool>): Asked["toolkit"] =>
  tools.length === 0
    ? undefined
    : { tools: Toolkit.make(...tools).tools, handle: () => Effect.die("a bridge runs no tools") }

/** A value is asked for with a forced call: it takes any JSON Schema, at every provider. */
const answerTool = (format: LlmRequest["responseFormat"]): ToolDefinition | undefined => {
  if (format === undefined || format.type === "text") return undefined
  const description = "Gives the answer. Call it exactly once, with the whole answer."
  return format.type === "json"
    ? { name: "answer", description, parameters: { type: "object", additionalProperties: true } }
    : { name: format.name ?? "answer", description, parameters: format.schema }
}

const toolChoiceOf = (
  { toolChoice = "auto" }: LlmRequest,
  answer: ToolDefinition | undefined,
  hasOthers: boolean,
): LanguageModel.ToolChoice<string> => {
  // Beside tools the model chooses: it calls them first, and answers with this one.
  if (answer !== undefined) return hasOthers ? "required" : { tool: answer.name }
  return typeof toolChoice === "string" ? toolChoice : { tool: toolChoice.name }
}

const written = new Set(["messages", "model", "tools", "toolChoice", "responseFormat"])

/** What is asked for a request. */
export const ask = (request: LlmRequest): Asked => {
  const translation = new Translation()
  const prompt = request.messages.flatMap((message, place) => translation.message(message, `messages[${place}]`))
  const answer = answerTool(request.responseFormat)
  const tools = [...(request.tools ?? []), ...(answer === undefined ? [] : [answer])]
  const dropped = Object.entries(request)
    .filter(([name, value]) => value !== undefined && !written.has(name))
    .map(([name]) => `${name} was dropped: a LanguageModel takes it from its own layer only`)
  return {
    prompt,
    toolkit: toolkitOf(tools.map(toolOf)),
    toolChoice: toolChoiceOf(request, answer, (request.tools ?? []).length > 0),
    answerName: answer?.name,
    warnings: [...translation.warnings, ...dropped],
  }
}

/** A part of an answer that this library has no name for, kept whole. */
export const otherOf = (part: object) => ({ type: "other" as const, provider: protocolName, value: toJson(part) })
