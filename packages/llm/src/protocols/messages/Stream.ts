/**
 * Reads a stream of Messages. The answer is whole once `message_stop` came (law 1), whatever came before it. Anthropic
 * may add events, fields and values within an API version, so an unknown one means nothing (law 3).
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { Billing, Usage } from "../../model/LlmResponse.ts"
import { messagesBilling } from "../BillingReader.ts"
import { rawFinishReasonOf } from "../Ending.ts"
import { EventDecoder } from "../EventDecoder.ts"
import { failureUnderSuccess } from "../failures/FailureReader.ts"
import type { Fault, StreamDecoder } from "../Protocol.ts"
import { elements, isWireObject, type WireObject } from "../WireReader.ts"
import { BlockReader } from "./Content.ts"
import { usageOf } from "./Response.ts"

class MessagesDecoder extends EventDecoder {
  protected readonly reader = new BlockReader()
  private readonly figures: Record<string, unknown> = {}

  protected read(event: WireObject, events: Array<LlmEvent>): Fault | undefined {
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
          this.rawFinishReason = rawFinishReasonOf(event.delta.stop_reason) ?? this.rawFinishReason
          this.reader.refuse(event.delta.stop_details, events)
        }
        this.overlay(event.usage)
        return undefined
      case "message_stop":
        this.stage = "complete"
        return undefined
    }
    return failureUnderSuccess(event)
  }

  usage(): Usage {
    return usageOf(this.figures)
  }

  billing(): Billing | undefined {
    return messagesBilling(this.figures)
  }

  private startMessage(message: WireObject, events: Array<LlmEvent>): void {
    this.rawFinishReason = rawFinishReasonOf(message.stop_reason)
    this.overlay(message.usage)
    this.begin(message.model, events)
    // After a programmatic tool call the message starts with its blocks already in it.
    this.reader.readWhole(elements(message.content), events)
  }

  /** The figures are cumulative: a later one replaces an earlier one, and null replaces nothing (law 18). */
  private overlay(usage: unknown): void {
    if (!isWireObject(usage)) return
    for (const [key, value] of Object.entries(usage)) if (value !== null) this.figures[key] = value
  }
}

/** A decoder for one stream. */
export const decodeStream = (): StreamDecoder => new MessagesDecoder()
