/**
 * What a model wrote to a form of a schema, as the schema has it: a strict tool's absent properties, and the answer that a
 * model without structured outputs gave by calling a tool.
 */
import { restored } from "../../protocols/encoding/FormedValue.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { LlmRequest, ToolCallPart } from "../../model/LlmRequest.ts"
import type { LlmResponse, ResponsePart } from "../../model/LlmResponse.ts"

type ToolCallEnd = Extract<LlmEvent, { readonly type: "tool-call-end" }>

const restoredCall = <Call extends ToolCallPart | ToolCallEnd>(request: LlmRequest, call: Call): Call => {
  const tool = request.tools?.find(({ name }) => name === call.name)
  return tool?.strict === true ? { ...call, arguments: restored(tool.parameters, call.arguments) } : call
}

/** An event of the answer to `request`. */
export const restoredEvent = (request: LlmRequest, event: LlmEvent): LlmEvent =>
  event.type === "tool-call-end" ? restoredCall(request, event) : event

const restoredPart = (request: LlmRequest, part: ResponsePart): ResponsePart => {
  if (part.type !== "tool-call") return part
  const format = request.responseFormat
  const isAnswer = format?.type === "json-schema" && format.name === part.name
  return isAnswer ? { type: "text", text: JSON.stringify(part.arguments) } : restoredCall(request, part)
}

/** The answer to `request`. */
export const restoredResponse = (request: LlmRequest, response: LlmResponse): LlmResponse => ({
  ...response,
  parts: response.parts.map((part) => restoredPart(request, part)),
})
