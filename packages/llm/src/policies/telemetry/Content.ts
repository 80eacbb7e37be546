/**
 * What was said, as the conventions write it in span attributes (JSON of messages and their parts). Only where the program
 * asked for it, and each text only as its hook lets it through. Pictures and files are named by their kind, never copied.
 */
import * as Result from "effect/Result"
import type { Message } from "../../model/LlmRequest.ts"
import type { ResponsePart } from "../../model/LlmResponse.ts"
import type { Asked } from "../mechanisms/Around.ts"
import type { ContentKind, TelemetryOptions } from "./TelemetryOptions.ts"

type Hook = NonNullable<TelemetryOptions["content"]>

/** A part of a message, in the words of the conventions. */
type Part = Readonly<Record<string, unknown>>

const shown = (hook: Hook, text: string, kind: ContentKind): string | undefined => {
  const result = Result.try(() => hook(text, kind))
  return Result.isSuccess(result) && typeof result.success === "string" ? result.success : undefined
}

const textPart = (hook: Hook, text: string, kind: ContentKind): ReadonlyArray<Part> => {
  const content = typeof text === "string" ? shown(hook, text, kind) : undefined
  return content === undefined ? [] : [{ type: kind === "reasoning" ? "reasoning" : "text", content }]
}

const jsonOf = (value: unknown): string => {
  const text = Result.try(() => JSON.stringify(value))
  return (Result.isSuccess(text) ? text.success : undefined) ?? ""
}

type AnyPart = Exclude<Message["content"], string>[number] | ResponsePart

const partsOf = (hook: Hook, content: string | ReadonlyArray<AnyPart>, kind: ContentKind): ReadonlyArray<Part> =>
  typeof content === "string" ? textPart(hook, content, kind) : content.flatMap((part) => partOf(hook, part, kind))

const partOf = (hook: Hook, part: AnyPart, kind: ContentKind): ReadonlyArray<Part> => {
  switch (part.type) {
    case "text":
    case "refusal":
      return textPart(hook, part.text, kind)
    case "reasoning":
      return textPart(hook, part.text, "reasoning")
    case "tool-call": {
      const { id, name } = part
      return [{ type: "tool_call", id, name, arguments: shown(hook, jsonOf(part.arguments), "tool-call") }]
    }
    case "tool-result": {
      const { content, toolCallId: id } = part
      const response =
        typeof content === "string" ? shown(hook, content, "tool-result") : partsOf(hook, content, "tool-result")
      return [{ type: "tool_call_response", id, response }]
    }
    default:
      return [{ type: part.type }]
  }
}

/** The attributes of what was asked; none of a request whose fields are not what they should be. */
export const askedContent = (hook: Hook, request: Asked): Readonly<Record<string, string>> => {
  const read = Result.try(() => attributesOf(hook, request))
  return Result.isSuccess(read) ? read.success : {}
}

const attributesOf = (hook: Hook, { messages = [], tools = [] }: Asked): Readonly<Record<string, string>> => {
  const instructions = messages.flatMap((message) =>
    message.role === "system" ? partsOf(hook, message.content, "system") : [],
  )
  const input = messages.flatMap((message) =>
    message.role === "system"
      ? []
      : [
          {
            role: message.role,
            parts: partsOf(hook, message.content, message.role === "tool" ? "tool-result" : message.role),
          },
        ],
  )
  const definitions = tools.map(({ description, name, parameters }) => ({
    type: "function",
    name,
    definition: shown(hook, jsonOf({ description, parameters }), "tool-definition"),
  }))
  return {
    ...(instructions.length === 0 ? {} : { "gen_ai.system_instructions": jsonOf(instructions) }),
    ...(input.length === 0 ? {} : { "gen_ai.input.messages": jsonOf(input) }),
    ...(definitions.length === 0 ? {} : { "gen_ai.tool.definitions": jsonOf(definitions) }),
  }
}

/** The attribute of what the model answered. */
export const answeredContent = (hook: Hook, parts: ReadonlyArray<ResponsePart>): string =>
  jsonOf([{ role: "assistant", parts: partsOf(hook, parts, "assistant") }])
