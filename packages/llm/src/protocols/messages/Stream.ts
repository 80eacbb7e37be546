/**
 * Reads a stream of Messages. The answer is whole once `message_stop` came (law 1), whatever came before it. Anthropic
 * may add events, fields and values within an API version, so an unknown one means nothing (law 3).
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { Usage } from "../../model/LlmResponse.ts"
import { finishReasonOf, usageStatusOf } from "../Ending.ts"
import { failureUnderSuccess, readFailure, reportsFailure } from "../failures/FailureReader.ts"
import { BlockReader } from "./Content.ts"
import { usageOf } from "./Response.ts"
import type { Ending, Fault, StreamDecoder } from "../Protocol.ts"
import { RepeatedPiece } from "../RepeatedPiece.ts"
import { elements, isWireObject, nonEmpty, parseJson, unreadable, type WireObject } from "../WireReader.ts"

class MessagesDecoder implements StreamDecoder {
  private readonly reader = new BlockReader()
  private position = 0
  private started = false
  private stopped = false
  private servedModel: string | undefined = undefined
  private stopReason: string | undefined = undefined
  private readonly repeated = new RepeatedPiece()
  private readonly figures: Record<string, unknown> = {}

  readonly push = (name: string | undefined, data: string, events: Array<LlmEvent>): Fault | undefined => {
    this.position++
    if (this.stopped) return undefined
    const again = this.repeated.read(data)
    if (again !== undefined) {
      events.push(again)
      return undefined
    }
    const event = parseJson(data)
    const before = events.length
    const fault = isWireObject(event) ? this.read(name, event, events) : this.oddData(name, data, event)
    // A piece of text is all that its event says; what thinks or calls a tool is gathered by its block as well.
    const piece = events[before]
    if (piece?.type === "text-delta" && isWireObject(event) && event.type === "content_block_delta") {
      this.repeated.learn(data, "text", piece)
    } else this.repeated.forget()
    return fault
  }

  private read(name: string | undefined, event: WireObject, events: Array<LlmEvent>): Fault | undefined {
    switch (event.type) {
      case "content_block_delta":
        if (isWireObject(event.delta)) this.reader.delta(event.index, event.delta, events)
        return undefined
      case "content_block_start":
        if (isWireObject(event.content_block)) this.reader.start(event.index, event.content_block, events)
        return undefined
      case "content_block_stop":
        this.reader.stop(event.index, events)
        return undefined
      case "message_start":
        if (isWireObject(event.message)) this.startMessage(event.message, events)
        return undefined
      case "message_delta":
        if (isWireObject(event.delta)) {
          this.stopReason = nonEmpty(event.delta.stop_reason) ?? this.stopReason
          this.reader.refuse(event.delta.stop_details, events)
        }
        this.overlay(event.usage)
        return undefined
      case "message_stop":
        this.stopped = true
        return undefined
      case "error":
        return readFailure(event, undefined)
      default:
        return reportsFailure(event.error) || name === "error" ? readFailure(event, undefined) : this.withoutType(event)
    }
  }

  readonly isComplete = (): boolean => this.stopped

  readonly end = (events: Array<LlmEvent>): Ending | undefined => {
    if (!this.stopped) return undefined
    this.reader.end(events)
    const usage = this.usage()
    return {
      finishReason: finishReasonOf(this.stopReason, false),
      rawFinishReason: this.stopReason,
      usage,
      usageStatus: usageStatusOf(usage),
      servedModel: this.servedModel,
      warnings: this.reader.warnings,
    }
  }

  readonly usage = (): Usage => usageOf(this.figures)

  private startMessage(message: WireObject, events: Array<LlmEvent>): void {
    this.servedModel = nonEmpty(message.model)
    this.stopReason = nonEmpty(message.stop_reason)
    this.overlay(message.usage)
    if (!this.started) {
      this.started = true
      events.push(
        this.servedModel === undefined
          ? { type: "response-start" }
          : { type: "response-start", servedModel: this.servedModel },
      )
    }
    // After a programmatic tool call the message starts with its blocks already in it.
    for (const block of elements(message.content)) {
      if (!isWireObject(block)) continue
      this.reader.start(block, block, events)
      this.reader.stop(block, events)
    }
  }

  /** The figures are cumulative: a later one replaces an earlier one, and null replaces nothing (law 18). */
  private overlay(usage: unknown): void {
    if (!isWireObject(usage)) return
    for (const [key, value] of Object.entries(usage)) if (value !== null) this.figures[key] = value
  }

  private withoutType(event: WireObject): Fault | undefined {
    return event.type === undefined ? failureUnderSuccess(event) : undefined
  }

  private oddData(name: string | undefined, data: string, value: unknown): Fault | undefined {
    // Gateways that speak Chat Completions too end every stream with [DONE].
    if (value === null || data.trim() === "" || data.trim() === "[DONE]") return undefined
    if (name === "error") return readFailure(value === undefined ? data : value, undefined)
    const what = value === undefined ? "an event is not JSON" : "an event is not an object"
    return unreadable(what, `event ${this.position}`, data)
  }
}

/** A decoder for one stream. */
export const decodeStream = (): StreamDecoder => new MessagesDecoder()
