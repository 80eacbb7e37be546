/**
 * A wire format: it translates, it never sends. It does not know which URL, which headers or which key a request goes
 * with, and it does no I/O; given the same input it gives the same output.
 */
import type * as Result from "effect/Result"
import type { InvalidRequestError } from "../model/LlmError.ts"
import type { LlmEvent } from "../model/LlmEvent.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { Billing, FinishReason, ResponsePart, Usage, UsageStatus } from "../model/LlmResponse.ts"
import type { ModelCapabilities } from "./encoding/ModelCapabilities.ts"
import type { ProviderFailure } from "./failures/ProviderFailure.ts"

/** What encoding needs to know beside the request. */
export interface EncodeOptions {
  /** The model or deployment to ask, already chosen. */
  readonly model: string
  /** Whose `providerOptions` apply. */
  readonly provider: string
  /** True for a streamed answer. */
  readonly stream: boolean
  /** What the model refuses or renames, where the deployment says otherwise than the table for its name. */
  readonly capabilities?: Partial<ModelCapabilities> | undefined
}

/** A request body as the provider wants it, and what had to be dropped or moved for it, in words for the caller. */
export interface EncodedRequest {
  /** The body, before it is written as JSON. */
  readonly body: Record<string, unknown>
  /** What was dropped or moved, in words for the caller. */
  readonly warnings: ReadonlyArray<string>
  /** The limit of output tokens in the body, under whichever name; absent where it has none. */
  readonly maxTokens?: number | undefined
  /** The temperature in the body; absent where it has none. */
  readonly temperature?: number | undefined
  /** Set where the provider makes the answer in the background, so that it may have to be asked for again. */
  readonly background?: Background | undefined
}

/** Where an answer goes on: a path below the request's own address, and what its query says besides. */
export interface Continuation {
  /** Begins with a slash. */
  readonly path: string
  /** Without the question mark; empty where there is none. */
  readonly query: string
}

/** How far one answer has come that is made in the background. It holds state; one answer, one of these. */
export interface Background {
  /** Where to ask again for the answer with this body; undefined where that is final. */
  readonly pending: (body: string) => Continuation | undefined
  /** Notes the data of one event of a stream. */
  readonly note: (data: string) => void
  /** Where the stream goes on after the last event; undefined where it has ended, or cannot. */
  readonly resume: () => Continuation | undefined
}

/** How an answer ended, once the provider's own terminal signal has been seen. */
export interface Ending {
  /** Why it ended. */
  readonly finishReason: FinishReason
  /** The same in the provider's own word. */
  readonly rawFinishReason: string | undefined
  /** The tokens, as far as they were told. */
  readonly usage: Usage
  /** How far `usage` can be trusted. */
  readonly usageStatus: UsageStatus
  /** How it was billed, where the service says anything of it. */
  readonly billing?: Billing | undefined
  /** The model that answered, as the provider names it. */
  readonly servedModel: string | undefined
  /** The provider's id of the answer, where a later request can go on from it. */
  readonly responseId?: string | undefined
  /** What was odd about the answer, in words for the caller. */
  readonly warnings: ReadonlyArray<string>
}

/** A whole answer. */
export interface Answer extends Ending {
  /** The parts, in the order in which the model produced them. */
  readonly parts: ReadonlyArray<ResponsePart>
}

/** Something required that cannot be read: where it stood, and an excerpt of it (<= 500 characters). */
export interface Unreadable {
  readonly _tag: "Unreadable"
  /** What is wrong, in one line. */
  readonly message: string
  /** Where: a byte, an event's number, or a path in the body. */
  readonly position: string
  /** What stands there, at most 500 characters. */
  readonly excerpt: string
}

/** The provider gave up before the answer was whole, and says so where others say why they finished (law 1). */
export interface Abandoned {
  readonly _tag: "Abandoned"
  /** What the provider said, in one line. */
  readonly message: string
  /** The tokens so far. */
  readonly usage: Usage
  /** How it was billed, as far as that was said. */
  readonly billing?: Billing | undefined
  /** The text of an answer that came whole; the reader of a stream has it already. */
  readonly text: string
}

/** Why a body or an event is not an answer: the provider said so or gave up, or it cannot be read. */
export type Fault = ProviderFailure | Unreadable | Abandoned

/** Reads one stream. It holds state; one stream, one decoder. */
export interface StreamDecoder {
  /**
   * Reads one server-sent event and appends what it means to `events`; returns the fault that ends the stream, if it
   * carries one. Unknown events and fields mean nothing and fail nothing.
   */
  readonly push: (name: string | undefined, data: string, events: Array<LlmEvent>) => Fault | undefined
  /**
   * True once nothing else is due: the finish reason and the figures have come. What may still follow (`[DONE]`, a late
   * verdict of a filter) is worth a short wait, and no more.
   */
  readonly isWhole: () => boolean
  /** True once nothing more can follow: the provider's last signal (`[DONE]`, `message_stop`) has been read. */
  readonly isComplete: () => boolean
  /**
   * Ends every part still open, for the end of input. Undefined where the terminal signal is missing (law 1), a fault where
   * the signal says that the provider gave up.
   */
  readonly end: (events: Array<LlmEvent>) => Ending | Fault | undefined
  /** The figures so far, for an answer that is cut short. */
  readonly usage: () => Usage
  /** How they are billed, as far as that was said. */
  readonly billing: () => Billing | undefined
}

/** True for an end that is a failure. */
export const isFault = (end: Ending | Fault): end is Fault => "_tag" in end

/** What a decoder needs to know of the request. */
export interface StreamOptions {
  /** False where the request did not ask for figures, so that none are due after the finish reason. Default true. */
  readonly asksForUsage?: boolean | undefined
}

/** A wire format. */
export interface Protocol {
  /** What the format is called; parts that only it understands are kept under this name. */
  readonly name: string
  /** Writes a request, or names the field that it cannot write. */
  readonly encode: (request: LlmRequest, options: EncodeOptions) => Result.Result<EncodedRequest, InvalidRequestError>
  /** Reads a parsed 2xx body. An error body under 200 is that error (law 2). */
  readonly decode: (body: unknown) => Result.Result<Answer, Fault>
  /** Reads a body under a failing status: parsed JSON, or the text itself where it is not JSON. */
  readonly decodeFailure: (body: unknown, status: number) => ProviderFailure
  /** A reader for one stream. */
  readonly decodeStream: (options?: StreamOptions) => StreamDecoder
}
