/**
 * A stream for `for await`, and its whole as a promise. It reads only as fast as it is read, so that a slow reader slows
 * the socket; leaving the loop, dropping the stream, or the caller's signal closes the connection.
 */
import { NodeInspectSymbol } from "effect/Inspectable"
import { InvalidRequestError, type LlmError } from "../model/LlmError.ts"
import type { LlmEvent } from "../model/LlmEvent.ts"
import type { CallInput } from "./CallInput.ts"
import type { LlmStream } from "./Llm.ts"
import type { GenerateResponse } from "./PromiseResponse.ts"
import { abortError, type Session } from "./Session.ts"
import { type End, StreamSource } from "./StreamSource.ts"

/**
 * What a stream that is collected leaves to be given back: nothing, once it has ended. The entries of a registry, also those
 * that were taken out, keep what they hold until old objects are collected: with the whole stream in it, garbage collection
 * took 20 µs for each.
 */
interface Remains {
  source: StreamSource | undefined
}

/** A stream that was collected with its answer unread gives its permit and its connection back. */
const dropped = new FinalizationRegistry<Remains>(({ source }) => source?.dropReader())

/**
 * The events of one answer, to one reader. Nothing is sent before somebody reads.
 *
 * - The iterator throws `LlmError` where the answer breaks, and the signal's reason where the caller aborts.
 * - A stream is read once. Further loops take what the first one has not taken; over a stream that is read to its end,
 *   broken or left, a further loop throws, so that none of them looks like an empty answer.
 * - Its permit and its connection have come back when the reader gets `response-finish`: a call may begin from within the loop.
 * - Leaving the loop ends the call: `response` resolves with a failure that holds what came (`partialText`).
 * - A stream that nobody holds any more is left in the same way when it is collected.
 */
export class EventStream implements LlmStream, AsyncIterableIterator<LlmEvent, undefined> {
  private readonly source: StreamSource
  private endTold = false
  private againTold: unknown

  constructor(session: Session, call: CallInput) {
    const remains: Remains = { source: undefined }
    this.source = new StreamSource(session, call, () => {
      remains.source = undefined
      dropped.unregister(remains)
    })
    remains.source = this.source
    dropped.register(this, remains, remains)
  }

  [Symbol.asyncIterator](): this {
    this.source.attachReader()
    if (this.endTold) this.againTold = this.again()
    return this
  }

  /** The next event; rejects where the answer breaks or is aborted. */
  next(): Promise<IteratorResult<LlmEvent, undefined>> {
    const { source } = this
    source.attachReader()
    if (this.againTold !== undefined) return this.tellAgain()
    const event = source.take()
    // With the last event the reader has what the answer held: its next call needs no turn of the event loop for a permit.
    if (event?.type === "response-finish") return source.settled().then(() => ({ done: false, value: event }))
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (source.isIncomplete && !this.endTold) return this.tellIncomplete()
    return source.end === undefined ? source.pull().then(this.nextRead) : this.tellEnd(source.end)
  }

  /** Holds the stream itself: one that is waited for is not dropped. */
  private readonly nextRead = () => this.next()

  /** Leaves the stream: an abort, unless it has ended. Events that nobody has taken yet go with it. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.endTold = true
    await this.source.leave()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /**
   * The whole answer as `generate` gives it: resolves with a failure where the answer breaks or where the program stops
   * reading; rejects only where the caller's signal, or `dispose`, aborts it. Where nobody reads the events it reads
   * them; beside a reader it reads up to 4,096 events ahead and then goes at the reader's pace.
   */
  get response(): Promise<GenerateResponse> {
    return this.source.response()
  }

  toJSON(): { readonly type: "EventStream" } {
    return { type: "EventStream" }
  }

  [NodeInspectSymbol](): string {
    return "EventStream {}"
  }

  /** Like every iterator: a failure is thrown once, and then it is done. */
  private tellEnd(end: End): Promise<IteratorReturnResult<undefined>> {
    const told = this.endTold
    this.endTold = true
    if (!told && end._tag === "Failed") return Promise.reject(end.error)
    if (!told && end._tag === "Aborted") return Promise.reject(end.reason)
    return this.source.settled().then(() => ({ done: true, value: undefined }))
  }

  private tellAgain(): Promise<never> {
    const { againTold } = this
    this.againTold = undefined
    return Promise.reject(againTold)
  }

  private tellIncomplete(): Promise<never> {
    this.endTold = true
    return Promise.reject(
      this.misuse("its first events are gone, because response has read them: begin to read the events before"),
    )
  }

  /** What a further loop over a stream throws that has nothing more to give. */
  private again(): unknown {
    const { end } = this.source
    if (end?._tag === "Failed") return end.error
    if (end?._tag === "Aborted") return end.reason
    if (end?._tag === "Left") return abortError("the stream was left before its end")
    return this.misuse("it has been read to its end already: the whole answer is in response")
  }

  private misuse(problem: string): LlmError {
    return this.source.refuse(new InvalidRequestError({ message: `invalid use of a stream: ${problem}` }))
  }
}
