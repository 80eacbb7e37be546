/**
 * Reads a stream of Chat Completions. The answer is whole once a chunk said why the first choice finished (law 1);
 * `[DONE]` alone proves nothing, because proxies write it after a provider that died.
 */
import type { LlmEvent } from "../LlmEvent.ts"
import type { Usage } from "../LlmResponse.ts"
import { MessageReader } from "./ChatCompletionsMessage.ts"
import { failureInChoice, firstChoice, rawUsageOf, usageOf } from "./ChatCompletionsResponse.ts"
import { finishReasonOf, usageStatusOf } from "./Ending.ts"
import { failureUnderSuccess, readFailure, reportsFailure } from "./FailureReader.ts"
import type { Ending, Fault, StreamDecoder } from "./Protocol.ts"
import { isWireObject, nonEmpty, parseJson, unreadable, type WireObject } from "./WireReader.ts"

class ChatCompletionsDecoder implements StreamDecoder {
  private readonly reader = new MessageReader()
  private position = 0
  private started = false
  private done = false
  private servedModel: string | undefined = undefined
  private finish: string | undefined = undefined
  /** True where output followed the finish reason: Together finishes a first tool call before it writes the second. */
  private resumed = false
  private figures: WireObject | undefined = undefined
  /** The text so far, for services that end with the whole message instead of its last piece. */
  private text = ""
  private sawDelta = false

  readonly push = (name: string | undefined, data: string, events: Array<LlmEvent>): Fault | undefined => {
    this.position++
    if (this.done) return undefined
    if (data.length < 12 && data.trim() === "[DONE]") {
      this.done = true
      return undefined
    }
    const chunk = parseJson(data)
    if (!isWireObject(chunk)) return this.oddData(name, data, chunk)
    if (reportsFailure(chunk.error) || name === "error") return readFailure(chunk, undefined)
    const { choices, model } = chunk
    if (!Array.isArray(choices) && chunk.choices === undefined) {
      const failure = failureUnderSuccess(chunk)
      if (failure !== undefined) return failure
    }
    if (this.servedModel === undefined) this.servedModel = nonEmpty(model)
    const choice = firstChoice(choices)
    const figures = rawUsageOf(chunk, choice)
    if (figures !== undefined) this.figures = figures
    if (!this.started && (choice !== undefined || this.servedModel !== undefined)) this.start(events)
    return choice === undefined ? undefined : this.readChoice(choice, events)
  }

  readonly isComplete = (): boolean => this.done

  readonly end = (events: Array<LlmEvent>): Ending | undefined => {
    if (this.finish === undefined || (this.resumed && !this.done)) return undefined
    this.reader.end(events)
    const usage = this.usage()
    return {
      finishReason: finishReasonOf(this.finish, this.reader.refused),
      rawFinishReason: this.finish,
      usage,
      usageStatus: usageStatusOf(usage),
      servedModel: this.servedModel,
      warnings: this.reader.warnings,
    }
  }

  readonly usage = (): Usage => usageOf(this.figures)

  private start(events: Array<LlmEvent>): void {
    this.started = true
    events.push(
      this.servedModel === undefined
        ? { type: "response-start" }
        : { type: "response-start", servedModel: this.servedModel },
    )
  }

  private readChoice(choice: WireObject, events: Array<LlmEvent>): Fault | undefined {
    const failure = choice.error === undefined ? undefined : failureInChoice(choice)
    if (failure !== undefined) return failure
    const before = events.length
    const { delta } = choice
    if (isWireObject(delta)) {
      this.sawDelta = true
      this.reader.read(delta, events)
      if (typeof delta.content === "string") this.text += delta.content
    } else if (isWireObject(choice.message)) this.readMessage(choice.message, events)
    else if (typeof choice.text === "string") this.reader.read({ content: choice.text }, events)
    if (this.finish !== undefined && events.length > before) this.resumed = true
    const finish = choice.finish_reason
    if (typeof finish === "string" && finish !== "") {
      this.finish = finish
      this.resumed = false
    }
    return undefined
  }

  /** A message in place of a delta: a piece where no delta ever came, else the whole answer once more. */
  private readMessage(message: WireObject, events: Array<LlmEvent>): void {
    if (!this.sawDelta) return this.reader.read(message, events)
    const { content } = message
    if (typeof content === "string" && content.startsWith(this.text)) {
      const rest = content.slice(this.text.length)
      this.text = content
      this.reader.read({ content: rest }, events)
    }
  }

  private oddData(name: string | undefined, data: string, value: unknown): Fault | undefined {
    if (value === null || data.trim() === "") return undefined
    if (name === "error") return readFailure(value === undefined ? data : value, undefined)
    return unreadable(
      value === undefined ? "an event is not JSON" : "a chunk is not an object",
      `event ${this.position}`,
      data,
    )
  }
}

/** A decoder for one stream. */
export const decodeStream = (): StreamDecoder => new ChatCompletionsDecoder()
