/**
 * How a model is asked for an answer of a JSON Schema: by the wire's own format where the model has it, else by a tool
 * that it must call, else by an instruction. It rewrites a request before it is encoded and reads no answer: the tool's
 * name is the format's, so that a reader finds the value in the text or in that call.
 */
import type { LlmRequest, ResponseFormat, ToolDefinition } from "../../model/LlmRequest.ts"
import { type Dialect, enforcedForm, openForm } from "./JsonSchemaForm.ts"
import { jsonText } from "./JsonText.ts"
import { maxParts, maxStrictParts, partsOf } from "./JsonSchema.ts"
import type { ModelCapabilities } from "./ModelCapabilities.ts"
import type { RequestEncoding } from "./RequestEncoding.ts"

type JsonSchemaFormat = Extract<ResponseFormat, { readonly type: "json-schema" }>

/** What a format without a name is called on the wire, and the tool that stands in for it. */
export const answerName = "answer"

/** What the wire has beside a native format, and what stands in the way of forcing a tool. */
export interface AnswerOptions {
  readonly dialect: Dialect
  readonly model: string
  readonly capabilities: ModelCapabilities
  /** Whether the wire takes a schema that it does not enforce, as a hint. */
  readonly hints: boolean
}

/** Refuses schemas that would hold the event loop, and says whether it did. */
const refuses = (parts: number, parameter: string, encoding: RequestEncoding, most = maxParts): boolean => {
  if (parts > most) encoding.refuse(parameter, `JSON Schema of more than ${most} values besides texts`)
  return parts > most
}

/** The request with tools whose strict schemas are in the wire's form. */
const withStrictTools = (request: LlmRequest, options: AnswerOptions, encoding: RequestEncoding): LlmRequest => {
  if (request.tools?.some((tool) => tool.strict === true) !== true) return request
  let all = 0
  const tools = request.tools.map((tool, place): ToolDefinition => {
    if (tool.strict !== true) return tool
    const parts = partsOf(tool.parameters)
    all += parts
    if (refuses(parts, `tools[${place}].parameters`, encoding) || refuses(all, "tools", encoding, maxStrictParts))
      return tool
    const form = enforcedForm(tool.parameters, options.dialect)
    if (form.enforced) return { ...tool, parameters: form.schema }
    encoding.warn(`strict of the tool ${tool.name} was dropped: its schema cannot be enforced, ${form.problem}`)
    return { ...tool, strict: false }
  })
  return { ...request, tools }
}

const asTool = (request: LlmRequest, format: JsonSchemaFormat): LlmRequest => {
  const name = format.name ?? answerName
  const others = request.toolChoice === "none" ? [] : (request.tools ?? [])
  const { responseFormat: _, ...rest } = request
  return {
    ...rest,
    tools: [
      ...others,
      { name, description: "Gives the final answer. Call it once.", parameters: openForm(format.schema) },
    ],
    toolChoice: others.length === 0 ? { name } : "required",
    ...(others.length === 0 ? { parallelToolCalls: false } : {}),
  }
}

const asInstruction = (request: LlmRequest, format: JsonSchemaFormat, jsonMode: boolean): LlmRequest => {
  const { responseFormat: _, ...rest } = request
  const content = `Answer with JSON only, without any other text. The JSON must fit this JSON Schema:\n${jsonText(format.schema).text}`
  const first = request.messages.findIndex(({ role }) => role !== "system")
  const place = first < 0 ? request.messages.length : first
  const messages = [
    ...request.messages.slice(0, place),
    { role: "system", content } as const,
    ...request.messages.slice(place),
  ]
  return { ...rest, messages, ...(jsonMode ? { responseFormat: { type: "json" } as const } : {}) }
}

/** Models that think may not be forced to call a tool: Anthropic refuses it where `thinking` has a budget. */
const thinksByOption = (request: LlmRequest): boolean =>
  Object.values(request.providerOptions ?? {}).some(({ thinking }) => {
    if (typeof thinking !== "object" || thinking === null) return false
    return "type" in thinking && thinking.type === "enabled"
  })

/** The request as this wire and this model can take it: strict schemas in the wire's form, an answer asked for in its way. */
export const withAnswerForm = (request: LlmRequest, options: AnswerOptions, encoding: RequestEncoding): LlmRequest => {
  const prepared = withStrictTools(request, options, encoding)
  const format = prepared.responseFormat
  if (format?.type !== "json-schema" || refuses(partsOf(format.schema), "responseFormat.schema", encoding))
    return prepared
  const { capabilities, model } = options
  if (capabilities.jsonSchema) {
    if (options.hints && format.strict === false) return prepared
    const form = enforcedForm(format.schema, options.dialect)
    if (form.enforced) return { ...prepared, responseFormat: { ...format, schema: form.schema, strict: true } }
    if (options.hints) {
      encoding.warn(`the schema of responseFormat was sent as a hint: it cannot be enforced, ${form.problem}`)
      return { ...prepared, responseFormat: { ...format, strict: false } }
    }
  }
  if (capabilities.forcedToolChoice && !thinksByOption(prepared)) {
    encoding.warn(
      `responseFormat was sent as the tool ${format.name ?? answerName}: ${model} cannot enforce its schema`,
    )
    return asTool(prepared, format)
  }
  encoding.warn(`responseFormat was sent as an instruction: ${model} cannot enforce its schema`)
  return asInstruction(prepared, format, capabilities.jsonMode && options.hints)
}
