/**
 * Reads a stream of Chat Completions. The answer has ended once a chunk said why the first choice finished (law 1);
 * `[DONE]` alone proves nothing, because proxies write it after a provider that died.
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { Billing, Usage } from "../../model/LlmResponse.ts"
import { openAiBilling } from "../BillingReader.ts"
import { EventDecoder } from "../EventDecoder.ts"
import { rawFinishReasonOf } from "../Ending.ts"
import { failureUnderSuccess } from "../failures/FailureReader.ts"
import type { Fault, StreamDecoder, StreamOptions } from "../Protocol.ts"
import { isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"
import { MessageReader } from "./Content.ts"
import { failureInChoice, firstChoice, rawUsageOf, usageOf } from "./Response.ts"

class ChatCompletionsDecoder extends EventDecoder {
  protected readonly reader = new MessageReader()
  private figures: WireObject | undefined = undefined
  private serviceTier: unknown = undefined
  private sawDelta = false
  private readonly asksForUsage: boolean

  constructor({ asksForUsage = true }: StreamOptions) {
    super()
    this.asksForUsage = asksForUsage
  }

  protected read(chunk: WireObject, events: Array<LlmEvent>): Fault | undefined {
    const { choices, model, service_tier: tier } = chunk
    if (tier !== undefined) this.serviceTier = tier
    if (choices === undefined) {
      const failure = failureUnderSuccess(chunk)
      if (failure !== undefined) return failure
    }
    const choice = firstChoice(choices)
    const figures = rawUsageOf(chunk, choice)
    if (figures !== undefined) this.figures = figures
    this.reader.readBeside(chunk, choice)
    if (choice !== undefined || nonEmpty(model) !== undefined) this.begin(model, events)
    const fault = choice === undefined ? undefined : this.readChoice(choice, events)
    if (this.stage === "ended" && (this.figures !== undefined || !this.asksForUsage)) this.stage = "whole"
    return fault
  }

  protected override done(): void {
    this.stage = "complete"
  }

  usage(): Usage {
    return usageOf(this.figures)
  }

  billing(): Billing | undefined {
    return openAiBilling(this.serviceTier, this.figures)
  }

  private readChoice(choice: WireObject, events: Array<LlmEvent>): Fault | undefined {
    const failure = failureInChoice(choice)
    if (failure !== undefined) return failure
    const before = events.length
    const { delta } = choice
    if (isWireObject(delta)) {
      this.sawDelta = true
      this.reader.read(delta, events)
    } else if (isWireObject(choice.message)) this.readMessage(choice.message, events)
    else if (typeof choice.text === "string") this.reader.read({ content: choice.text }, events)
    // Together finishes a first tool call before it writes the second: output after a finish reason opens the answer again.
    if (events.length > before) this.stage = "open"
    const finish = rawFinishReasonOf(choice.finish_reason)
    if (finish !== undefined) {
      this.rawFinishReason = finish
      this.stage = "ended"
    }
    return undefined
  }

  /** A message in place of a delta: a piece where no delta ever came, else the whole answer once more. */
  private readMessage(message: WireObject, events: Array<LlmEvent>): void {
    if (this.sawDelta) this.reader.readWhole(message, events)
    else this.reader.read(message, events)
  }
}

/** A decoder for one stream. */
export const decodeStream = (options: StreamOptions = {}): StreamDecoder => new ChatCompletionsDecoder(options)
