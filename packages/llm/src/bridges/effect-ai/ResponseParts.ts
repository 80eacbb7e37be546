/**
 * Writes our answers as the parts of effect/ai: whole, or piece by piece with each part's start and end. What its parts
 * have no field for is kept under our key of their metadata.
 */
import type * as Response from "effect/ai/Response"
import type { LlmEvent, ResponseFinish } from "../../model/LlmEvent.ts"
import type { ImagePart, OtherPart, ReasoningPart, ToolCallPart } from "../../model/LlmRequest.ts"
import type { LlmResponse, ResponseMetadata, ResponsePart, Usage } from "../../model/LlmResponse.ts"
import { bucketsOf } from "../../call/UsageBuckets.ts"
import { labelOf, sourcesOf } from "../../protocols/Sources.ts"
import { metadataOf, type PartDetails } from "./PartDetails.ts"

const withDetails = (details: PartDetails): { readonly metadata?: Response.ProviderMetadata } =>
  Object.values(details).every((detail) => detail === undefined) ? {} : { metadata: metadataOf(details) }

/** effect/ai's buckets, each undefined where it cannot be known. */
const toUsage = (usage: Usage): typeof Response.Usage.Encoded => {
  const { input, output } = bucketsOf(usage)
  return { inputTokens: input, outputTokens: output }
}

/** The end of an answer. Its metadata is our `ResponseMetadata`: cost, attempts and request id among it. */
const finishPart = (
  { finishReason, metadata }: Pick<ResponseFinish, "finishReason" | "metadata">,
  warnings: ReadonlyArray<string>,
): Response.FinishPartEncoded => ({
  type: "finish",
  reason: finishReason,
  usage: toUsage(metadata.usage),
  metadata: metadataOf({ ...metadata, warnings: [...warnings, ...metadata.warnings] }),
})

/** An `id` says that the provider stored the answer and can go on from it; effect/ai then sends only what is new. */
const metadataPart = (
  modelId: string | undefined,
  timestamp: string,
  id?: string | undefined,
): Response.ResponseMetadataPartEncoded => ({
  type: "response-metadata",
  ...(id === undefined ? {} : { id }),
  modelId,
  timestamp,
})

const servedBy = ({ model, responseId, servedModel, timestamp }: ResponseMetadata) =>
  metadataPart(servedModel ?? model, timestamp, responseId)

const toPart = (part: ResponsePart): Response.PartEncoded => {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text }
    case "reasoning":
      return {
        type: "reasoning",
        text: part.text,
        ...withDetails({
          signature: part.signature,
          redacted: part.redacted,
          protocol: part.protocol,
          protocolData: part.protocolData,
        }),
      }
    case "refusal":
      return { type: "text", text: "", ...withDetails({ refusal: part.text }) }
    case "tool-call":
      return { type: "tool-call", id: part.id, name: part.name, params: part.arguments, ...callDetails(part) }
    case "image":
      return filePart(part) ?? { type: "reasoning", text: "", ...withDetails({ other: part }) }
    case "other":
      return { type: "reasoning", text: "", ...withDetails({ other: part }) }
  }
}

/** A picture whose bytes came with it; effect/ai has no part for one at an address. */
const filePart = ({ data, mediaType }: ImagePart): Response.FilePartEncoded | undefined =>
  data === undefined || mediaType === undefined ? undefined : { type: "file", data, mediaType }

const callDetails = ({ protocolData }: Pick<ToolCallPart, "protocolData">) =>
  protocolData === undefined ? {} : withDetails({ protocolData })

/** The sources that these parts hold. They only tell: what goes back is in the parts themselves. */
const sourceParts = (
  parts: ReadonlyArray<ResponsePart>,
): Array<Response.DocumentSourcePartEncoded | Response.UrlSourcePartEncoded> =>
  sourcesOf(parts).map((found, index) => {
    const { partIndex: _, ...source } = found
    const part = { type: "source", id: `source-${index}`, metadata: metadataOf({ source }) } as const
    const label = labelOf(source)
    if (label.sourceType === "url") return { ...part, ...label }
    const { filename: fileName, ...document } = label
    return { ...part, ...document, ...(fileName === undefined ? {} : { fileName }) }
  })

/** A whole answer. `warnings` is what the request had to leave out. */
export const toParts = (response: LlmResponse, warnings: ReadonlyArray<string>): Array<Response.PartEncoded> => [
  servedBy(response.metadata),
  ...response.parts.map(toPart),
  ...sourceParts(response.parts),
  finishPart(response, warnings),
]

/** The part that is being written. */
interface OpenPart {
  readonly type: "text" | "reasoning" | "refusal"
  readonly index: number
  text: string
}

/** A tool call under way. `wrote` is true once a piece of its arguments was told. */
interface OpenCall {
  readonly id: string
  wrote: boolean
}

/** Reads one stream, event by event. A part ends when another begins, but tool calls, which may overlap. */
export class StreamParts {
  private readonly timestamp: string
  private readonly warnings: ReadonlyArray<string>
  private open: OpenPart | undefined = undefined
  private readonly calls = new Map<number, OpenCall>()
  private readonly others: Array<OtherPart> = []

  /** `timestamp` is the call's start. `warnings` is what the request had to leave out. */
  constructor(timestamp: string, warnings: ReadonlyArray<string>) {
    this.timestamp = timestamp
    this.warnings = warnings
  }

  /** What one event becomes. */
  read(event: LlmEvent): ReadonlyArray<Response.StreamPartEncoded> {
    const parts: Array<Response.StreamPartEncoded> = []
    switch (event.type) {
      case "response-start":
        parts.push(metadataPart(event.servedModel, this.timestamp))
        break
      case "text-delta":
        this.say("text", event.index, event.delta, parts)
        break
      case "reasoning-delta":
        this.say("reasoning", event.index, event.delta, parts)
        break
      case "refusal-delta":
        this.begin("refusal", event.index, parts).text += event.delta
        break
      case "tool-call-start":
        this.end({}, parts)
        this.beginCall(event.index, event.id, event.name, parts)
        break
      case "tool-call-delta":
        this.addArguments(event.index, event.delta, parts)
        break
      case "tool-call-end":
        this.endCall(event, parts)
        break
      case "part-end":
        if (event.part.type === "other") this.others.push(event.part)
        this.endPart(event.index, event.part, parts)
        break
      case "response-finish":
        this.end({}, parts)
        parts.push(...sourceParts(this.others))
        // Only now is it known that the answer is whole, and may be gone on from.
        if (event.metadata.responseId !== undefined) parts.push(servedBy(event.metadata))
        parts.push(finishPart(event, this.warnings))
    }
    return parts
  }

  /** The part that `index` numbers; the one before it ends. */
  private begin(type: OpenPart["type"], index: number, parts: Array<Response.StreamPartEncoded>): OpenPart {
    if (this.open?.index === index && this.open.type === type) return this.open
    this.end({}, parts)
    parts.push({ type: type === "reasoning" ? "reasoning-start" : "text-start", id: String(index) })
    this.open = { type, index, text: "" }
    return this.open
  }

  private say(
    type: "text" | "reasoning",
    index: number,
    delta: string,
    parts: Array<Response.StreamPartEncoded>,
  ): OpenPart {
    const open = this.begin(type, index, parts)
    open.text += delta
    if (delta !== "") parts.push({ type: `${type}-delta`, id: String(index), delta })
    return open
  }

  /** Ends the part under way, if one is. A refusal has no pieces in effect/ai: it is told here, whole. */
  private end(details: PartDetails, parts: Array<Response.StreamPartEncoded>): void {
    const { open } = this
    if (open === undefined) return
    this.open = undefined
    const id = String(open.index)
    if (open.type === "reasoning") parts.push({ type: "reasoning-end", id, ...withDetails(details) })
    else parts.push({ type: "text-end", id, ...withDetails(open.type === "refusal" ? { refusal: open.text } : {}) })
  }

  /** A part that came whole. Pieces cannot be taken back: text that they do not lead to is kept beside them. */
  private endPart(
    index: number,
    part: ReasoningPart | ImagePart | OtherPart,
    parts: Array<Response.StreamPartEncoded>,
  ): void {
    const file = part.type === "image" ? filePart(part) : undefined
    if (file !== undefined) {
      this.end({}, parts)
      parts.push(file)
      return
    }
    const { text: said } = this.begin("reasoning", index, parts)
    if (part.type !== "reasoning") return this.end({ other: part }, parts)
    const { protocol, protocolData, redacted, signature, text } = part
    if (text.startsWith(said)) {
      this.say("reasoning", index, text.slice(said.length), parts)
      this.end({ signature, redacted, protocol, protocolData }, parts)
    } else this.end({ signature, redacted, protocol, protocolData, text }, parts)
  }

  private beginCall(index: number, id: string, name: string, parts: Array<Response.StreamPartEncoded>): OpenCall {
    const call: OpenCall = { id, wrote: false }
    this.calls.set(index, call)
    parts.push({ type: "tool-params-start", id, name })
    return call
  }

  private addArguments(index: number, delta: string, parts: Array<Response.StreamPartEncoded>): void {
    const call = this.calls.get(index)
    if (call === undefined) return
    call.wrote = true
    parts.push({ type: "tool-params-delta", id: call.id, delta })
  }

  private endCall(
    event: Extract<LlmEvent, { readonly type: "tool-call-end" }>,
    parts: Array<Response.StreamPartEncoded>,
  ): void {
    const { id, index, name } = event
    const { wrote } = this.calls.get(index) ?? this.beginCall(index, id, name, parts)
    if (!wrote) this.addArguments(index, JSON.stringify(event.arguments ?? {}), parts)
    this.calls.delete(index)
    parts.push(
      { type: "tool-params-end", id },
      { type: "tool-call", id, name, params: event.arguments, ...callDetails(event) },
    )
  }
}
