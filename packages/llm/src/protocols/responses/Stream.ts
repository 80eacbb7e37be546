/**
 * Reads a stream of Responses. The answer is whole once the event came that carries the finished response (law 1).
 * Events are told by the `type` in their data: OpenRouter and Bedrock send no `event:` line (recorded).
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { Usage } from "../../model/LlmResponse.ts"
import { failureUnderSuccess, readFailure, reportsFailure } from "../failures/FailureReader.ts"
import type { Ending, Fault, StreamDecoder } from "../Protocol.ts"
import { elements, isWireObject, nonEmpty, parseJson, unreadable, type WireObject } from "../WireReader.ts"
import { ItemReader } from "./Content.ts"
import { endingOf, failureOf, usageOf } from "./Response.ts"

class ResponsesDecoder implements StreamDecoder {
  private readonly reader = new ItemReader()
  private position = 0
  private started = false
  private done = false
  private servedModel: string | undefined = undefined
  private figures: WireObject | undefined = undefined
  /** The finished response, once it came. */
  private finished: WireObject | undefined = undefined
  /** The item that the last event was about, for services that leave out its place. */
  private key: unknown = 0

  readonly push = (name: string | undefined, data: string, events: Array<LlmEvent>): Fault | undefined => {
    this.position++
    if (this.done) return undefined
    const event = parseJson(data)
    if (!isWireObject(event)) return this.oddData(name, data, event)
    return this.read(nonEmpty(event.type) ?? name, event, events)
  }

  readonly isComplete = (): boolean => this.done

  readonly end = (events: Array<LlmEvent>): Ending | undefined => {
    const { finished } = this
    if (finished === undefined) return undefined
    this.reader.end(elements(finished.output), events)
    const ending = endingOf(finished, this.reader, this.usage())
    return ending.servedModel === undefined ? { ...ending, servedModel: this.servedModel } : ending
  }

  readonly usage = (): Usage => usageOf(this.figures)

  private read(type: string | undefined, event: WireObject, events: Array<LlmEvent>): Fault | undefined {
    const { reader } = this
    switch (type) {
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
        if (isWireObject(event.item)) reader.start(this.keyOf(event), event.item, events)
        return undefined
      case "response.output_item.done":
        if (isWireObject(event.item)) reader.finish(this.keyOf(event), event.item, events)
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
      case "error":
        return failureIn(event)
      default:
        return this.readResponse(type, event, events)
    }
  }

  /** The events about the response itself, and those that nobody here knows. */
  private readResponse(type: string | undefined, event: WireObject, events: Array<LlmEvent>): Fault | undefined {
    const { response } = event
    if (!isWireObject(response)) {
      if (type === undefined) return reportsFailure(event.error) ? failureIn(event) : failureUnderSuccess(event)
      // Without its response a failure has no words, and an end proves nothing.
      return type === "response.failed" || type === "response.cancelled" ? failureOf({ status: "failed" }) : undefined
    }
    if (isWireObject(response.usage)) this.figures = response.usage
    this.servedModel = nonEmpty(response.model) ?? this.servedModel
    if (!this.started) this.start(events)
    switch (type) {
      case "response.completed":
        return this.finish(response, "completed")
      case "response.incomplete":
        return this.finish(response, "incomplete")
      case "response.failed":
        return failureOf({ ...response, status: "failed" })
      case "response.cancelled":
        return failureOf({ ...response, status: "cancelled" })
      default:
        return undefined
    }
  }

  private finish(response: WireObject, status: string): Fault | undefined {
    const whole = nonEmpty(response.status) === undefined ? { ...response, status } : response
    const failure = failureOf(whole)
    if (failure !== undefined) return failure
    this.finished = whole
    this.done = true
    return undefined
  }

  private start(events: Array<LlmEvent>): void {
    this.started = true
    const { servedModel } = this
    events.push(servedModel === undefined ? { type: "response-start" } : { type: "response-start", servedModel })
  }

  /** Where the item of an event stands. */
  private keyOf(event: WireObject): unknown {
    const { item, item_id: itemId, output_index: place } = event
    if (typeof place === "number") this.key = place
    else this.key = nonEmpty(itemId) ?? (isWireObject(item) ? nonEmpty(item.id) : undefined) ?? this.key
    return this.key
  }

  private oddData(name: string | undefined, data: string, value: unknown): Fault | undefined {
    const said = data.trim()
    if (said === "[DONE]") this.done = true
    if (value === null || said === "" || said === "[DONE]") return undefined
    if (name === "error") return readFailure(value === undefined ? data : value, undefined)
    const what = value === undefined ? "an event is not JSON" : "an event is not an object"
    return unreadable(what, `event ${this.position}`, data)
  }
}

/** An `error` event: its words stand in an object of their own (recorded), or beside its type (openai 7.57 types). */
const failureIn = (event: WireObject): Fault =>
  reportsFailure(event.error)
    ? readFailure(event, undefined)
    : readFailure({ error: { ...event, type: undefined } }, undefined)

/** A decoder for one stream. */
export const decodeStream = (): StreamDecoder => new ResponsesDecoder()
