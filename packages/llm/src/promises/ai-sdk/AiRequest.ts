/** Writes what the AI SDK asks of a model as the options of one call. It sends nothing. */
import { isJsonSchema } from "../../protocols/encoding/JsonSchema.ts"
import type { LlmRequest, ToolDefinition } from "../../model/LlmRequest.ts"
import type { GenerateOptions } from "../Llm.ts"
import type { AiCallOptions, AiProviderOptions, AiTool, AiWarning } from "./AiModel.ts"
import { metadataKey, ownOptions } from "./AiPart.ts"
import { messagesOf } from "./AiPrompt.ts"

/** The options of a call, and what they had to leave out. */
export interface AiRequest {
  readonly options: GenerateOptions
  readonly warnings: Array<AiWarning>
  /** What a forced answer is called, where the answer is to be of a schema. */
  readonly answerName: string | undefined
}

const toolsOf = (tools: ReadonlyArray<AiTool>, warnings: Array<AiWarning>): ReadonlyArray<ToolDefinition> =>
  tools.flatMap((tool) => {
    if (tool.type === "provider") {
      const details = `name it in providerOptions.${metadataKey}.providerOptions, in its provider's own words`
      warnings.push({ type: "unsupported", feature: `the tool ${tool.id}`, details })
      return []
    }
    const { description, inputExamples, inputSchema, name, strict } = tool
    if (inputExamples !== undefined)
      warnings.push({ type: "unsupported", feature: `inputExamples of the tool ${name}` })
    return [
      {
        name,
        parameters: isJsonSchema(inputSchema) ? inputSchema : { type: "object" },
        ...(description === undefined ? {} : { description }),
        ...(strict === undefined ? {} : { strict }),
      },
    ]
  })

const toolChoiceOf = (choice: NonNullable<AiCallOptions["toolChoice"]>): LlmRequest["toolChoice"] =>
  choice.type === "tool" ? { name: choice.toolName } : choice.type

/** Providers take letters, digits, `_` and `-`, 64 of them. */
const nameOf = (name: string | undefined): string =>
  (name ?? "").replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "answer"

const formatOf = (format: AiCallOptions["responseFormat"]): LlmRequest["responseFormat"] => {
  if (format?.type !== "json") return undefined
  return isJsonSchema(format.schema)
    ? { type: "json-schema", name: nameOf(format.name), schema: format.schema }
    : { type: "json" }
}

const headersOf = (headers: AiCallOptions["headers"]): Readonly<Record<string, string>> | undefined => {
  const given = Object.entries(headers ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

/** Fields of a call that the AI SDK has no option for. */
const ownFields = [
  "model",
  "user",
  "parallelToolCalls",
  "reasoningEffort",
  "previousResponseId",
  "providerOptions",
  "timeout",
  "maxRetries",
] as const

const ownFieldNames: ReadonlySet<string> = new Set(ownFields)

/** What the caller says to this library. Values are checked with the request. */
const ownOf = (given: AiProviderOptions, warnings: Array<AiWarning>): Partial<GenerateOptions> => {
  for (const name of Object.keys(given ?? {})) {
    if (name === metadataKey) continue
    const details = `write what belongs into a request's body under providerOptions.${metadataKey}.providerOptions.<provider>`
    warnings.push({ type: "unsupported", feature: `providerOptions.${name}`, details })
  }
  const own = ownOptions(given)
  for (const name of Object.keys(own)) {
    if (!ownFieldNames.has(name)) {
      warnings.push({ type: "unsupported", feature: `providerOptions.${metadataKey}.${name}` })
    }
  }
  return Object.fromEntries(ownFields.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]])))
}

const present = <Options extends object>(options: Options): Partial<Options> => {
  const known: Partial<Options> = { ...options }
  for (const name of Object.keys(options))
    if (Reflect.get(options, name) === undefined) Reflect.deleteProperty(known, name)
  return known
}

/** The options of the call. `model` is the one that the AI SDK's model was made for. */
export const requestOf = (asked: AiCallOptions, model: string | undefined): AiRequest => {
  const warnings: Array<AiWarning> = []
  const messages = messagesOf(asked.prompt, warnings)
  if (asked.topK !== undefined) warnings.push({ type: "unsupported", feature: "topK" })
  if (asked.includeRawChunks === true) warnings.push({ type: "unsupported", feature: "includeRawChunks" })
  const tools = toolsOf(asked.tools ?? [], warnings)
  const responseFormat = formatOf(asked.responseFormat)
  const { reasoning } = asked
  const options: GenerateOptions = {
    messages,
    ...present({
      model,
      maxTokens: asked.maxOutputTokens,
      temperature: asked.temperature,
      stop: asked.stopSequences?.length === 0 ? undefined : asked.stopSequences,
      topP: asked.topP,
      presencePenalty: asked.presencePenalty,
      frequencyPenalty: asked.frequencyPenalty,
      seed: asked.seed,
      responseFormat,
      reasoningEffort: reasoning === "provider-default" ? undefined : reasoning,
      tools: tools.length === 0 ? undefined : tools,
      toolChoice: tools.length === 0 || asked.toolChoice === undefined ? undefined : toolChoiceOf(asked.toolChoice),
      signal: asked.abortSignal,
      headers: headersOf(asked.headers),
    }),
    ...ownOf(asked.providerOptions, warnings),
  }
  const answerName = responseFormat?.type === "json-schema" ? responseFormat.name : undefined
  return { options, warnings, answerName }
}
