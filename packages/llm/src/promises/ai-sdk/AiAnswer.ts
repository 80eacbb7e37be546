/** Writes our answers as the AI SDK has them: whole, or piece by piece with each part's start and end. */
import type { LlmEvent, PartEnd, ResponseFinish, ToolCallEnd } from "../../model/LlmEvent.ts"
import type { ImagePart, OtherPart, ToolCallPart, ToolDefinition } from "../../model/LlmRequest.ts"
import type { FinishReason, LlmResponse, ResponseMetadata, ResponsePart } from "../../model/LlmResponse.ts"
import { bucketsOf } from "../../call/UsageBuckets.ts"
import { restored } from "../../protocols/encoding/FormedValue.ts"
import { labelOf, sourcesOf } from "../../protocols/Sources.ts"
import type {
  AiContent,
  AiFinishReason,
  AiGenerateResult,
  AiMetadata,
  AiResponseMetadata,
  AiStreamPart,
  AiUsage,
} from "./AiModel.ts"
import { keep, metadataOf } from "./AiPart.ts"
import type { AiRequest } from "./AiRequest.ts"

type Asked = Pick<AiRequest, "answerName" | "options" | "warnings">

const finishReasonOf = (reason: FinishReason, { rawFinishReason: raw }: ResponseMetadata): AiFinishReason => ({
  unified: reason === "pause" ? "other" : reason,
  raw,
})

const usageOf = ({ usage }: ResponseMetadata): AiUsage => {
  const { input, output } = bucketsOf(usage)
  const { cacheRead, cacheWrite, total, uncached } = input
  return { inputTokens: { total, noCache: uncached, cacheRead, cacheWrite }, outputTokens: { ...output } }
}

const answeredBy = (metadata: ResponseMetadata): AiResponseMetadata => {
  const modelId = metadata.servedModel ?? metadata.model
  return {
    timestamp: new Date(metadata.timestamp),
    ...(modelId === undefined ? {} : { modelId }),
    ...(metadata.responseId === undefined ? {} : { id: metadata.responseId }),
  }
}

const finishOf = ({ finishReason, metadata }: Pick<ResponseFinish, "finishReason" | "metadata">) => ({
  finishReason: finishReasonOf(finishReason, metadata),
  usage: usageOf(metadata),
  providerMetadata: metadataOf(metadata),
})

/** Arguments as the AI SDK takes them: JSON as text. A text is what the model wrote where it wrote no JSON. */
const inputOf = (call: Pick<ToolCallPart, "name" | "arguments">, tools: ReadonlyArray<ToolDefinition>): string => {
  const tool = tools.find(({ name }) => name === call.name)
  const args = tool?.strict === true ? restored(tool.parameters, call.arguments) : call.arguments
  return typeof args === "string" ? args : JSON.stringify(args ?? {})
}

const callOf = (
  call: ToolCallPart | ToolCallEnd,
  { options: { tools = [] } }: Asked,
): Extract<AiContent, { type: "tool-call" }> => {
  const { id, name, protocolData } = call
  const part: ResponsePart = { type: "tool-call", id, name, arguments: null }
  return {
    type: "tool-call",
    toolCallId: id,
    toolName: name,
    input: inputOf(call, tools),
    ...(protocolData === undefined ? {} : { providerMetadata: keep({ ...part, protocolData }) }),
  }
}

const fileOf = (image: ImagePart): Extract<AiContent, { type: "file" }> | undefined => {
  const { data, mediaType = "image/*", url } = image
  if (data !== undefined) return { type: "file", mediaType, data: { type: "data", data } }
  return url !== undefined && URL.canParse(url)
    ? { type: "file", mediaType, data: { type: "url", url: new URL(url) } }
    : undefined
}

const customOf = (part: ResponsePart): Extract<AiContent, { type: "custom" }> => ({
  type: "custom",
  kind: `wiseflow.${part.type}`,
  providerMetadata: keep(part),
})

/** Reasoning that is nothing but its text needs no copy beside it. */
const reasoningDetails = (part: ResponsePart): { readonly providerMetadata?: AiMetadata } =>
  Object.entries(part).some(([name, value]) => name !== "type" && name !== "text" && value !== undefined)
    ? { providerMetadata: keep(part) }
    : {}

/** A forced call that holds the answer, where a model has no structured outputs. */
const isAnswer = (name: string, { answerName, options: { tools = [] } }: Asked): boolean =>
  name === answerName && !tools.some((tool) => tool.name === name)

const contentOf = (part: ResponsePart, asked: Asked): AiContent => {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text }
    case "refusal":
      return { type: "text", text: part.text, providerMetadata: keep(part) }
    case "reasoning":
      return { type: "reasoning", text: part.text, ...reasoningDetails(part) }
    case "tool-call":
      return isAnswer(part.name, asked) ? { type: "text", text: JSON.stringify(part.arguments) } : callOf(part, asked)
    case "image":
      return fileOf(part) ?? customOf(part)
    case "other":
      return customOf(part)
  }
}

/** The sources that these parts hold. They only tell: what goes back is in the parts themselves. */
const sourceParts = (parts: ReadonlyArray<ResponsePart>): Array<Extract<AiContent, { type: "source" }>> =>
  sourcesOf(parts).map((found, index) => {
    const { partIndex: _, ...source } = found
    return {
      type: "source",
      id: `source-${index}`,
      ...labelOf(source),
      providerMetadata: metadataOf({ source }),
    }
  })

/** A whole answer. */
export const resultOf = ({ finishReason, metadata, parts }: LlmResponse, asked: Asked): AiGenerateResult => ({
  content: [...parts.map((part) => contentOf(part, asked)), ...sourceParts(parts)],
  ...finishOf({ finishReason: answerEnd(finishReason, parts, asked), metadata }),
  response: answeredBy(metadata),
  warnings: [...asked.warnings, ...metadata.warnings.map((message) => ({ type: "other" as const, message }))],
})

/** An answer that came as a forced call has ended as a text does. */
const answerEnd = (reason: FinishReason, parts: ReadonlyArray<ResponsePart>, asked: Asked): FinishReason =>
  reason === "tool-calls" && parts.every((part) => part.type !== "tool-call" || isAnswer(part.name, asked))
    ? "stop"
    : reason

/** The part that is being written. */
interface OpenPart {
  readonly type: "text" | "reasoning" | "refusal"
  readonly index: number
  text: string
}

/** A tool call under way. `wrote` is true once a piece of its arguments was told. */
interface OpenCall {
  readonly id: string
  readonly isAnswer: boolean
  wrote: boolean
}

/** Reads one stream, event by event. A part ends when another begins, but tool calls, which may overlap. */
export class AiStreamParts {
  private readonly asked: Asked
  private open: OpenPart | undefined = undefined
  private readonly calls = new Map<number, OpenCall>()
  private readonly others: Array<OtherPart> = []
  private hasCalls = false

  constructor(asked: Asked) {
    this.asked = asked
  }

  /** What one event becomes. */
  read(event: LlmEvent): ReadonlyArray<AiStreamPart> {
    const parts: Array<AiStreamPart> = []
    switch (event.type) {
      case "response-start":
        if (event.servedModel !== undefined) parts.push({ type: "response-metadata", modelId: event.servedModel })
        break
      case "text-delta":
        this.say("text", event.index, event.delta, parts)
        break
      case "reasoning-delta":
        this.say("reasoning", event.index, event.delta, parts)
        break
      case "refusal-delta":
        this.say("refusal", event.index, event.delta, parts)
        break
      case "tool-call-start":
        this.end({}, parts)
        this.beginCall(event, parts)
        break
      case "tool-call-delta":
        this.argue(event.index, event.delta, parts)
        break
      case "tool-call-end":
        this.endCall(event, parts)
        break
      case "part-end":
        if (event.part.type === "other") this.others.push(event.part)
        this.endPart(event, parts)
        break
      case "response-finish":
        this.end({}, parts)
        parts.push(...sourceParts(this.others))
        this.finish(event, parts)
    }
    return parts
  }

  private say(type: OpenPart["type"], index: number, delta: string, parts: Array<AiStreamPart>): OpenPart {
    const kind = type === "reasoning" ? "reasoning" : "text"
    if (this.open === undefined || this.open.index !== index || this.open.type !== type) {
      this.end({}, parts)
      parts.push({ type: `${kind}-start`, id: String(index) })
      this.open = { type, index, text: "" }
    }
    this.open.text += delta
    if (delta !== "") parts.push({ type: `${kind}-delta`, id: String(index), delta })
    return this.open
  }

  /** Ends the part under way, if one is. */
  private end(details: { readonly providerMetadata?: AiMetadata }, parts: Array<AiStreamPart>): void {
    const { open } = this
    if (open === undefined) return
    this.open = undefined
    const id = String(open.index)
    if (open.type === "reasoning") parts.push({ type: "reasoning-end", id, ...details })
    else if (open.type === "text") parts.push({ type: "text-end", id })
    else parts.push({ type: "text-end", id, providerMetadata: keep({ type: "refusal", text: open.text }) })
  }

  /** A part that came whole. Pieces cannot be taken back: the whole is kept beside them. */
  private endPart({ index, part }: PartEnd, parts: Array<AiStreamPart>): void {
    if (part.type === "reasoning") {
      const said = this.open?.index === index && this.open.type === "reasoning" ? this.open.text : ""
      const rest = part.text.startsWith(said) ? part.text.slice(said.length) : undefined
      this.say("reasoning", index, rest ?? "", parts)
      this.end(rest === undefined ? { providerMetadata: keep(part) } : reasoningDetails(part), parts)
      return
    }
    this.end({}, parts)
    parts.push((part.type === "image" ? fileOf(part) : undefined) ?? customOf(part))
  }

  private beginCall(
    { id, index, name }: { readonly index: number; readonly id: string; readonly name: string },
    parts: Array<AiStreamPart>,
  ): OpenCall {
    const call: OpenCall = { id, isAnswer: isAnswer(name, this.asked), wrote: false }
    this.calls.set(index, call)
    if (call.isAnswer) parts.push({ type: "text-start", id: String(index) })
    else parts.push({ type: "tool-input-start", id, toolName: name })
    return call
  }

  private argue(index: number, delta: string, parts: Array<AiStreamPart>): void {
    const call = this.calls.get(index)
    if (call === undefined || delta === "") return
    call.wrote = true
    if (call.isAnswer) parts.push({ type: "text-delta", id: String(index), delta })
    else parts.push({ type: "tool-input-delta", id: call.id, delta })
  }

  private endCall(event: ToolCallEnd, parts: Array<AiStreamPart>): void {
    const { index } = event
    const call = this.calls.get(index) ?? this.beginCall(event, parts)
    if (!call.wrote) this.argue(index, JSON.stringify(event.arguments ?? {}), parts)
    this.calls.delete(index)
    if (call.isAnswer) {
      parts.push({ type: "text-end", id: String(index) })
      return
    }
    this.hasCalls = true
    parts.push({ type: "tool-input-end", id: call.id }, callOf(event, this.asked))
  }

  private finish({ finishReason, metadata }: ResponseFinish, parts: Array<AiStreamPart>): void {
    const reason = finishReason === "tool-calls" && !this.hasCalls ? "stop" : finishReason
    parts.push(
      { type: "response-metadata", ...answeredBy(metadata) },
      { type: "finish", ...finishOf({ finishReason: reason, metadata }) },
    )
  }
}
