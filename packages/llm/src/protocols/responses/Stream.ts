/**
 * Reads a stream of Responses. The answer is whole once the event came that carries the finished response (law 1).
 * Events are told by the `type` in their data: OpenRouter and Bedrock send no `event:` line (recorded).
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { Billing, FinishReason, Usage } from "../../model/LlmResponse.ts"
import { openAiBilling } from "../BillingReader.ts"
import { EventDecoder } from "../EventDecoder.ts"
import { failureUnderSuccess } from "../failures/FailureReader.ts"
import type { Fault, StreamDecoder } from "../Protocol.ts"
import { elements, isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"
import { ItemReader } from "./Content.ts"
import { failureOf, finishReasonOf, isPending, rawFinishReasonOf, usageOf } from "./Response.ts"

class ResponsesDecoder extends EventDecoder {
  protected readonly reader: ItemReader
  private figures: WireObject | undefined = undefined
  private serviceTier: unknown = undefined
  /** The item that the last event was about, for services that leave out its place. */
  private key: unknown = 0

  constructor(source: string | undefined) {
    super()
    this.reader = new ItemReader(source)
  }

  protected read(event: WireObject, events: Array<LlmEvent>): Fault | undefined {
    const { reader } = this
    const { item } = event
    switch (event.type) {
      case "response.output_text.delta":
        reader.say(this.keyOf(event), "text", event.content_index ?? 0, event.delta, events)
        return undefined
      case "response.function_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
        reader.extendCall(this.keyOf(event), event.delta, events)
        return undefined
      case "response.reasoning_summary_text.delta":
        reader.say(this.keyOf(event), "summary", event.summary_index ?? 0, event.delta, events)
        return undefined
      case "response.reasoning_text.delta":
        reader.say(this.keyOf(event), "thought", event.content_index ?? 0, event.delta, events)
        return undefined
      case "response.refusal.delta":
        reader.say(this.keyOf(event), "refusal", event.content_index ?? 0, event.delta, events)
        return undefined
      case "response.output_item.added":
        if (isWireObject(item)) reader.start(this.keyOf(event), item, events)
        return undefined
      case "response.output_item.done":
        if (isWireObject(item)) reader.finish(this.keyOf(event), item, events)
        return undefined
      case "response.output_text.done":
        reader.complete(this.keyOf(event), "text", event.content_index ?? 0, event.text, events)
        return undefined
      case "response.refusal.done":
        reader.complete(this.keyOf(event), "refusal", event.content_index ?? 0, event.refusal, events)
        return undefined
      case "response.reasoning_summary_text.done":
        reader.complete(this.keyOf(event), "summary", event.summary_index ?? 0, event.text, events)
        return undefined
      case "response.reasoning_text.done":
        reader.complete(this.keyOf(event), "thought", event.content_index ?? 0, event.text, events)
        return undefined
      case "response.output_text.annotation.added":
        reader.annotate(this.keyOf(event), event.annotation)
        return undefined
      case undefined:
        return failureUnderSuccess(event)
      default:
        return isWireObject(event.response) ? this.readResponse(event, event.response, events) : undefined
    }
  }

  usage(): Usage {
    return usageOf(this.figures)
  }

  billing(): Billing | undefined {
    return openAiBilling(this.serviceTier, this.figures)
  }

  protected override finishReason(raw: string): FinishReason {
    return finishReasonOf(raw, this.reader)
  }

  /** The events about the response itself. The one that ends it says how, where its status does not. */
  private readResponse(event: WireObject, response: WireObject, events: Array<LlmEvent>): Fault | undefined {
    if (isWireObject(response.usage)) this.figures = response.usage
    // One that is not stored cannot be gone on from.
    if (response.store !== false) this.responseId ??= nonEmpty(response.id)
    if (response.service_tier !== undefined) this.serviceTier = response.service_tier
    this.begin(response.model, events)
    const ended = endings.get(event.type)
    if (ended === undefined) return undefined
    const isTold = ended === "completed" && nonEmpty(response.status) !== undefined && !isPending(response.status)
    const whole = isTold ? response : { ...response, status: ended }
    const failure = failureOf(whole)
    if (failure !== undefined) return failure
    this.reader.output = elements(whole.output)
    this.rawFinishReason = rawFinishReasonOf(whole)
    this.stage = "complete"
    return undefined
  }

  /** Where the item of an event stands. */
  private keyOf(event: WireObject): unknown {
    const { item, item_id: itemId, output_index: place } = event
    if (typeof place === "number") this.key = place
    else this.key = nonEmpty(itemId) ?? (isWireObject(item) ? nonEmpty(item.id) : undefined) ?? this.key
    return this.key
  }
}

/** The events that end a response, and the statuses that they stand for. */
const endings: ReadonlyMap<unknown, string> = new Map([
  ["response.completed", "completed"],
  ["response.incomplete", "incomplete"],
  ["response.failed", "failed"],
  ["response.cancelled", "cancelled"],
])

/** A decoder for one stream of `source`, where it is known who answers. */
export const decodeStream = (source?: string): StreamDecoder => new ResponsesDecoder(source)
