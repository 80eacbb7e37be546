/**
 * Reads a stream of Chat Completions. The answer is whole once a chunk said why the first choice finished (law 1);
 * `[DONE]` alone proves nothing, because proxies write it after a provider that died.
 */
import { GrowingText } from "../../model/GrowingText.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { Usage } from "../../model/LlmResponse.ts"
import { MessageReader } from "./Content.ts"
import { failureInChoice, firstChoice, rawUsageOf, usageOf } from "./Response.ts"
import { finishReasonOf, usageStatusOf } from "../Ending.ts"
import { failureUnderSuccess, readFailure, reportsFailure } from "../failures/FailureReader.ts"
import type { Ending, Fault, StreamDecoder } from "../Protocol.ts"
import { RepeatedPiece } from "../RepeatedPiece.ts"
import { isWireObject, nonEmpty, parseJson, unreadable, type WireObject } from "../WireReader.ts"

/** The one field of a delta that says something; undefined where none does, or more than one. */
const onlyText = (delta: WireObject): string | undefined => {
  let only: string | undefined
  for (const name in delta) {
    const value = delta[name]
    if (name === "role" || value === null || value === undefined || value === "") continue
    if (only !== undefined) return undefined
    only = name
  }
  return only
}

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
  private readonly text = new GrowingText()
  private sawDelta = false
  private readonly repeated = new RepeatedPiece()
  /** The delta of the chunk under way. */
  private delta: WireObject | undefined = undefined

  readonly push = (name: string | undefined, data: string, events: Array<LlmEvent>): Fault | undefined => {
    this.position++
    if (this.done) return undefined
    const again = name === "error" ? undefined : this.repeated.read(data)
    if (again !== undefined) {
      if (again.type === "text-delta") this.text.add(again.delta)
      events.push(again)
      return undefined
    }
    const before = events.length
    const fault = this.read(name, data, events)
    this.learn(data, events, before)
    return fault
  }

  private read(name: string | undefined, data: string, events: Array<LlmEvent>): Fault | undefined {
    this.delta = undefined
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

  /** Learns a chunk that said one piece and nothing else, so that the next like it need not be parsed. */
  private learn(data: string, events: ReadonlyArray<LlmEvent>, before: number): void {
    const [piece, ...more] = events.slice(before)
    const key = this.delta === undefined ? undefined : onlyText(this.delta)
    const isPiece = piece?.type === "text-delta" || piece?.type === "reasoning-delta"
    if (isPiece && more.length === 0 && key !== undefined && this.delta?.[key] === piece.delta) {
      this.repeated.learn(data, key, piece)
    } else this.repeated.forget()
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
      this.delta = delta
      this.reader.read(delta, events)
      if (typeof delta.content === "string") this.text.add(delta.content)
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
    const text = `${this.text}`
    if (typeof content === "string" && content.startsWith(text)) {
      const rest = content.slice(text.length)
      this.text.add(rest)
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
