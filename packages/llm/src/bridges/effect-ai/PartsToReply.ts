/**
 * Reads the parts that an effect/ai `LanguageModel` from another package gave as the pieces of an answer. Its own metadata
 * stays with the parts, so that they go back to it as they came.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Response from "effect/ai/Response"
import type { Reply, ReplyEnd, ReplyPiece } from "../../call/Provider.ts"
import { type LlmErrorReason, ServerError, StreamInterruptedError } from "../../model/LlmError.ts"
import type { ProtocolData } from "../../model/LlmRequest.ts"
import type { ResponsePart, Usage } from "../../model/LlmResponse.ts"
import { readDetails, toBase64 } from "./PartDetails.ts"
import { type Asked, otherOf, protocolName } from "./RequestToPrompt.ts"

type Metadata = Readonly<Record<string, unknown>>

/** The metadata of a part, to go back with it. */
const dataOf = (metadata: Metadata): ProtocolData | undefined =>
  Object.keys(metadata).length === 0 ? undefined : { [protocolName]: metadata }

/** Reasoning goes back only to the model that it came from. */
const reasoningOf = (text: string, metadata: Metadata): Extract<ResponsePart, { readonly type: "reasoning" }> => ({
  type: "reasoning",
  text,
  protocol: protocolName,
  protocolData: { [protocolName]: metadata },
})

/** A text, or the refusal that this library's own bridge says as one. */
const textOf = (text: string, metadata: Metadata): ResponsePart => {
  const { refusal } = readDetails(metadata)
  return refusal === undefined ? { type: "text", text } : { type: "refusal", text: refusal }
}

/** A part that comes whole; undefined for what is no part of an answer. */
const partOf = (part: Response.AnyPart, { answerName }: Asked): ResponsePart | undefined => {
  switch (part.type) {
    case "text":
      return textOf(part.text, part.metadata)
    case "reasoning":
      return reasoningOf(part.text, part.metadata)
    case "tool-call": {
      const { id, name, params } = part
      if (part.providerExecuted) return otherOf({ type: "tool-call", id, name, params, providerExecuted: true })
      if (name === answerName) return { type: "text", text: JSON.stringify(params) }
      const protocolData = dataOf(part.metadata)
      return { type: "tool-call", id, name, arguments: params, ...(protocolData === undefined ? {} : { protocolData }) }
    }
    case "tool-result": {
      const { encodedResult: result, id, isFailure, name } = part
      return part.providerExecuted
        ? otherOf({ type: "tool-result", id, name, isFailure, result, providerExecuted: true })
        : undefined
    }
    case "file": {
      const data = toBase64(part.data)
      return part.mediaType.startsWith("image/")
        ? { type: "image", data, mediaType: part.mediaType }
        : otherOf({ type: "file", data, mediaType: part.mediaType })
    }
    case "source":
      return otherOf({ ...part, url: part.sourceType === "url" ? part.url.href : undefined })
    default:
      return undefined
  }
}

const usageOf = ({ inputTokens, outputTokens }: Response.Usage): Usage | undefined => {
  const { cacheRead, cacheWrite, total: input } = inputTokens
  const { reasoning, total: output } = outputTokens
  const usage = {
    inputTokens: input,
    outputTokens: output,
    totalTokens: input === undefined || output === undefined ? undefined : input + output,
    cachedInputTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    reasoningTokens: reasoning,
  }
  return Object.values(usage).every((count) => count === undefined) ? undefined : usage
}

const unfinished = new StreamInterruptedError({ message: "the LanguageModel gave no end of its answer" })

/** The end of an answer. One that its model gave up is a failure (law 1). */
const endOf = (
  { reason, usage }: Response.FinishPart,
  servedModel: string | undefined,
  { warnings }: Asked,
  hasCalls: boolean,
): Result.Result<ReplyEnd, LlmErrorReason> => {
  if (reason === "error") {
    return Result.fail(
      new StreamInterruptedError({ message: "the LanguageModel gave its answer up (finish reason error)" }),
    )
  }
  const known = reason === "unknown" ? "other" : reason
  return Result.succeed({
    // A forced call that holds the answer is no call of a tool.
    finishReason: known === "tool-calls" && !hasCalls ? "stop" : known,
    rawFinishReason: reason,
    usage: usageOf(usage),
    servedModel,
    warnings,
  })
}

/** A whole answer. */
export const replyOf = (
  content: ReadonlyArray<Response.AnyPart>,
  asked: Asked,
): Result.Result<Reply, LlmErrorReason> => {
  const parts = content.flatMap((part) => partOf(part, asked) ?? [])
  const finish = content.find((part) => part.type === "finish")
  if (finish === undefined) return Result.fail(unfinished)
  const served = content.find((part) => part.type === "response-metadata")?.modelId
  const hasCalls = parts.some(({ type }) => type === "tool-call")
  return Result.map(endOf(finish, served, asked, hasCalls), (end) => ({ ...end, parts }))
}

/** A part that is being written, and the metadata that came with its pieces. */
interface OpenPart {
  readonly index: number
  readonly isAnswer: boolean
  text: string
  metadata: Metadata
}

/** Metadata of one part, as its pieces bring it. */
const merged = (before: Metadata, after: Metadata): Metadata => {
  const all: Record<string, unknown> = { ...before }
  for (const [provider, value] of Object.entries(after)) {
    const known = all[provider]
    all[provider] = Predicate.isObject(known) && Predicate.isObject(value) ? { ...known, ...value } : value
  }
  return all
}

/** Reads one stream, part by part. */
export class ReplyPieces {
  private readonly asked: Asked
  private readonly open = new Map<string, OpenPart>()
  private count = 0
  private servedModel: string | undefined = undefined
  private hasCalls = false

  constructor(asked: Asked) {
    this.asked = asked
  }

  /** What one part becomes. */
  read(part: Response.AnyPart): Result.Result<ReadonlyArray<ReplyPiece>, LlmErrorReason> {
    switch (part.type) {
      case "response-metadata":
        this.servedModel = part.modelId ?? this.servedModel
        return Result.succeed([])
      case "error":
        return Result.fail(new ServerError({ message: `the LanguageModel failed: ${messageOf(part.error)}` }))
      case "finish":
        return Result.map(endOf(part, this.servedModel, this.asked, this.hasCalls), (end) => [{ type: "end", ...end }])
      default:
        return Result.succeed(this.pieces(part))
    }
  }

  private pieces(part: Response.AnyPart): ReadonlyArray<ReplyPiece> {
    switch (part.type) {
      case "text-start":
      case "reasoning-start":
        this.begin(part.id, part.metadata, false)
        return []
      case "text-delta":
      case "reasoning-delta": {
        const open = this.open.get(part.id) ?? this.begin(part.id, {}, false)
        open.text += part.delta
        open.metadata = merged(open.metadata, part.metadata)
        return [{ type: part.type, index: open.index, delta: part.delta }]
      }
      case "text-end":
        return this.endText(part.id, part.metadata)
      case "reasoning-end": {
        const open = this.open.get(part.id) ?? this.begin(part.id, {}, false)
        this.open.delete(part.id)
        return [
          { type: "part-end", index: open.index, part: reasoningOf(open.text, merged(open.metadata, part.metadata)) },
        ]
      }
      case "tool-params-start":
        return part.providerExecuted ? [] : this.beginCall(part.id, part.name)
      case "tool-params-delta": {
        const open = this.open.get(part.id)
        if (open === undefined) return []
        open.text += part.delta
        return [{ type: open.isAnswer ? "text-delta" : "tool-call-delta", index: open.index, delta: part.delta }]
      }
      default:
        return this.whole(part)
    }
  }

  private begin(id: string, metadata: Metadata, isAnswer: boolean): OpenPart {
    const open: OpenPart = { index: this.count++, isAnswer, text: "", metadata }
    this.open.set(id, open)
    return open
  }

  private beginCall(id: string, name: string): ReadonlyArray<ReplyPiece> {
    const { index, isAnswer } = this.begin(id, {}, name === this.asked.answerName)
    return isAnswer ? [] : [{ type: "tool-call-start", index, id, name }]
  }

  /** This library's own bridge tells a refusal at the end of a text without any. */
  private endText(id: string, metadata: Metadata): ReadonlyArray<ReplyPiece> {
    const open = this.open.get(id)
    this.open.delete(id)
    const { refusal } = readDetails(merged(open?.metadata ?? {}, metadata))
    if (open === undefined || refusal === undefined || open.text !== "") return []
    return [{ type: "refusal-delta", index: open.index, delta: refusal }]
  }

  private whole(part: Response.AnyPart): ReadonlyArray<ReplyPiece> {
    const own = partOf(part, this.asked)
    if (own === undefined) return []
    const open = part.type === "tool-call" ? this.open.get(part.id) : undefined
    if (part.type === "tool-call") this.open.delete(part.id)
    switch (own.type) {
      case "text": {
        // The answer that was asked for with a call: its pieces have told it, where there were any.
        if (open !== undefined && open.text !== "") return []
        return [{ type: "text-delta", index: open?.index ?? this.count++, delta: own.text }]
      }
      case "refusal":
        return [{ type: "refusal-delta", index: this.count++, delta: own.text }]
      case "tool-call": {
        this.hasCalls = true
        const index = open?.index ?? this.count++
        const start: ReplyPiece = { type: "tool-call-start", index, id: own.id, name: own.name }
        const end: ReplyPiece = { ...own, type: "tool-call-end", index }
        return open === undefined ? [start, end] : [end]
      }
      default:
        return [{ type: "part-end", index: this.count++, part: own }]
    }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
