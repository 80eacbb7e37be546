/**
 * The skeleton of every stream decoder: what the streams of all protocols share, and no event of any of them.
 *
 * It counts and parses events, reads failures and odd data, emits the one `response-start`, and concludes the answer. A
 * protocol extends it with what differs:
 *
 * - `reader`: puts the parts of the answer together. `decode` reads through the same one, so that both agree (law 5).
 * - `read`: what one event says. It appends output to `events`, calls `begin` when the answer has begun, sets
 *   `rawFinishReason` and `stage` as the answer ends, and returns the fault that the event is, if it is one. An event
 *   named or typed `error`, and one with an `error` field that reports a failure, never get there.
 * - `usage`: the figures so far, and `billing`: how they are billed.
 * - `done`: what `[DONE]` means, where it means something.
 */
import type { LlmEvent } from "../model/LlmEvent.ts"
import type { Billing, FinishReason, Usage } from "../model/LlmResponse.ts"
import type { AnswerReader } from "./AnswerReader.ts"
import { conclude, finishReasonOf } from "./Ending.ts"
import { failureUnderSuccess, readFailure, reportsFailure } from "./failures/FailureReader.ts"
import type { Ending, Fault, StreamDecoder } from "./Protocol.ts"
import { isWireObject, nameOf, parseJson, unreadable, type WireObject, whyNotJson } from "./WireReader.ts"

/**
 * How far an answer has come. `open`: more is due, and an end of input cuts it short. `ended`: it said why it finished, so
 * an end of input completes it. `whole`: nothing else is due, though more may follow. `complete`: nothing can follow.
 */
export type Stage = "open" | "ended" | "whole" | "complete"

export abstract class EventDecoder implements StreamDecoder {
  protected stage: Stage = "open"
  protected rawFinishReason: string | undefined = undefined
  /** The provider's id of the answer, where a later request can go on from it. */
  protected responseId: string | undefined = undefined
  private servedModel: string | undefined = undefined
  private position = 0
  private begun = false

  protected abstract readonly reader: AnswerReader

  protected abstract read(event: WireObject, events: Array<LlmEvent>): Fault | undefined

  abstract usage(): Usage

  abstract billing(): Billing | undefined

  /** Why the answer ended, in this library's words. */
  protected finishReason(raw: string): FinishReason {
    return finishReasonOf(raw, this.reader)
  }

  /** `[DONE]` was read. Gateways that speak Chat Completions too end every stream with it, so it means nothing elsewhere. */
  protected done(): void {}

  /** The answer has begun. The first model named is the one that serves. */
  protected begin(model: unknown, events: Array<LlmEvent>): void {
    this.servedModel ??= nameOf(model)
    if (this.begun) return
    this.begun = true
    const { servedModel } = this
    events.push(servedModel === undefined ? { type: "response-start" } : { type: "response-start", servedModel })
  }

  push(name: string | undefined, data: string, events: Array<LlmEvent>): Fault | undefined {
    this.position++
    if (this.stage === "complete") return undefined
    // Before it is parsed: an exception costs more than an event, and gateways may write this one often.
    if (data.length < 12 && data.trim() === "[DONE]") {
      this.done()
      return undefined
    }
    const event = parseJson(data)
    if (!isWireObject(event)) return this.readOdd(name, data, event)
    if (name === "error" || event.type === "error" || reportsFailure(event.error)) return readFailure(event, undefined)
    const fault = this.read(event, events)
    return fault ?? this.reader.excess
  }

  isWhole(): boolean {
    return this.stage === "whole" || this.stage === "complete"
  }

  isComplete(): boolean {
    return this.stage === "complete"
  }

  end(events: Array<LlmEvent>): Ending | Fault | undefined {
    const { rawFinishReason, reader, responseId, servedModel } = this
    if (this.stage === "open" || rawFinishReason === undefined) return undefined
    reader.end(events)
    if (reader.excess !== undefined) return reader.excess
    const finishReason = this.finishReason(rawFinishReason)
    return conclude({
      rawFinishReason,
      finishReason,
      warnings: reader.warnings,
      usage: this.usage(),
      billing: this.billing(),
      servedModel,
      responseId,
    })
  }

  /** Data that is no JSON object: nothing at all, the words of a failure, or something unreadable. */
  private readOdd(name: string | undefined, data: string, value: unknown): Fault | undefined {
    if (value === null || data.trim() === "") return undefined
    if (name === "error") return readFailure(value === undefined ? data : value, undefined)
    const what = value === undefined ? whyNotJson(data) : "is not a JSON object"
    return failureUnderSuccess(value) ?? unreadable(`an event ${what}`, `event ${this.position}`, data)
  }
}
