/**
 * What a program of several calls emits, for `for await`, and what it comes to as a promise: the stream of `streamTools`
 * and `streamObject`. It knows neither tools nor schemas.
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LlmError, StreamInterruptedError } from "../../model/LlmError.ts"
import { LlmProvider } from "../../model/LlmProvider.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import type { CallInput } from "../CallInput.ts"
import { abortError, contextOf, refusal, type Session } from "../Session.ts"

/** What a program emits: something for the reader, or the response at its end. */
export type Emitted<Event, Success> =
  | { readonly event: Event; readonly response?: Success }
  | { readonly event?: undefined; readonly response: Success }

/** A program, and the failure of its kind. */
export interface Program<Event, Success, Failure> {
  readonly run: (request: LlmRequest) => Stream.Stream<Emitted<Event, Success>, LlmError, LlmProvider>
  readonly failure: (error: LlmError, request: LlmRequest | undefined) => Failure
}

type Batches<Event, Success> = Pull.Pull<Arr.NonEmptyReadonlyArray<Emitted<Event, Success>>, LlmError>

type End<Success, Failure> =
  | { readonly _tag: "Ended"; readonly response: Success | Failure; readonly error?: LlmError }
  | { readonly _tag: "Aborted"; readonly reason: unknown }

/** How many reads may follow each other in one turn of the event loop. */
const readsInTurn = 256

/**
 * The events of one program, to one reader. Nothing is sent before somebody reads. The iterator throws `LlmError` where a
 * call fails and the signal's reason where the caller aborts; leaving the loop ends the program. `response` reads what
 * nobody else reads.
 */
export class ProgramStream<Event, Success, Failure> implements AsyncIterableIterator<Event, undefined> {
  private readonly session: Session
  private readonly call: CallInput
  private readonly program: Program<Event, Success, Failure>
  private readonly scope = Scope.makeUnsafe()
  /** Ends the read under way: the caller's signal, a reader that leaves and `dispose` all come to this. */
  private readonly stop = new AbortController()
  private request: LlmRequest | undefined
  private letGo: (() => void) | undefined
  private pull: (() => Promise<Exit.Exit<ReadonlyArray<Emitted<Event, Success>>, LlmError | Cause.Done>>) | undefined
  private events: Array<Event> = []
  private position = 0
  private reading: Promise<void> | undefined
  private end: End<Success, Failure> | undefined
  private endTold = false
  private hasReader = false
  private whole: Promise<Success | Failure> | undefined
  private settle: ((end: End<Success, Failure>) => void) | undefined
  private last: Success | undefined

  constructor(session: Session, call: CallInput, program: Program<Event, Success, Failure>) {
    this.session = session
    this.call = call
    this.program = program
  }

  [Symbol.asyncIterator](): this {
    this.hasReader = true
    return this
  }

  /** The next event; readers that ask at the same time share one read. */
  async next(): Promise<IteratorResult<Event, undefined>> {
    this.hasReader = true
    while (this.position >= this.events.length && this.end === undefined) await this.read()
    const event = this.events[this.position]
    if (this.position < this.events.length && event !== undefined) {
      this.position += 1
      return { done: false, value: event }
    }
    const told = this.endTold
    this.endTold = true
    if (!told && this.end?._tag === "Aborted") throw this.end.reason
    if (!told && this.end?._tag === "Ended" && this.end.error !== undefined) throw this.end.error
    return { done: true, value: undefined }
  }

  /** Leaves the program: what runs is interrupted. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.endTold = true
    this.events = []
    this.position = 0
    await this.finish(this.failed(this.left()))
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** What the program comes to: a failure as data where a call failed or the reader left; rejects only where it is aborted. */
  get response(): Promise<Success | Failure> {
    if (this.whole === undefined) {
      this.whole = this.comeTo()
      // The iterator reports aborts too; a response that nobody awaits must not end the process.
      this.whole.catch(() => {})
    }
    return this.whole
  }

  private async comeTo(): Promise<Success | Failure> {
    // A loop that is begun in the same breath is the reader.
    await Promise.resolve()
    while (this.end === undefined && !this.hasReader) {
      await this.read()
      this.events = []
      this.position = 0
    }
    const end = this.end ?? (await new Promise<End<Success, Failure>>((resolve) => (this.settle = resolve)))
    if (end._tag === "Aborted") throw end.reason
    return end.response
  }

  private failed(error: LlmError): End<Success, Failure> {
    return { _tag: "Ended", response: this.program.failure(error, this.request), error }
  }

  private left(): LlmError {
    const message = "the program stopped reading the stream before its end"
    return new LlmError({ reason: new StreamInterruptedError({ message }), provider: "unknown", attempts: [] })
  }

  private read(): Promise<void> {
    return (this.reading ??= this.readNext().finally(() => (this.reading = undefined)))
  }

  private async readNext(): Promise<void> {
    try {
      const exit = await (this.pull === undefined ? this.open() : this.pull())
      if (Exit.isSuccess(exit)) return this.add(exit.value)
      if (Pull.isDoneCause(exit.cause)) {
        return await this.finish(
          this.last === undefined ? this.failed(this.left()) : { _tag: "Ended", response: this.last },
        )
      }
      const error = Cause.findErrorOption(exit.cause)
      if (Option.isSome(error) && !Cause.isDone(error.value)) {
        this.session.noteFailure(error.value)
        await this.finish(this.failed(error.value))
      } else await this.finish({ _tag: "Aborted", reason: Cause.squash(exit.cause) })
    } catch (reason) {
      await this.finish({ _tag: "Aborted", reason })
    }
  }

  private add(batch: ReadonlyArray<Emitted<Event, Success>>): void {
    if (this.end !== undefined) return
    if (this.position > 0) {
      this.events = this.events.slice(this.position)
      this.position = 0
    }
    for (const { event, response } of batch) {
      if (event !== undefined) this.events.push(event)
      if (response !== undefined) this.last = response
    }
  }

  private async open(): Promise<Exit.Exit<ReadonlyArray<Emitted<Event, Success>>, LlmError | Cause.Done>> {
    const { session } = this
    const { settings, signal } = this.call
    if (signal?.aborted === true) throw signal.reason
    signal?.addEventListener("abort", this.abort)
    const request = session.check(this.call.request instanceof Promise ? await this.call.request : this.call.request)
    const acquired = session.acquire(this.stop.signal)
    const built = acquired instanceof Promise ? await acquired : Exit.succeed(acquired)
    if (Exit.isFailure(built)) return Exit.failCause(built.cause)
    const { service } = built.value
    if (Result.isFailure(request)) return Exit.fail(refusal(service.name, request.failure))
    this.request = request.success
    if (this.end === undefined) this.letGo = session.hold(this.disposed)
    if (this.letGo === undefined) throw abortError("the interface was disposed of")
    const context = contextOf(built.value, settings)
    const run = <A, E>(effect: Effect.Effect<A, E>) => session.run(context, effect, this.stop.signal, (exit) => exit)
    const stream = Stream.provideService(this.program.run(request.success), LlmProvider, service)
    const opened = await run(Channel.toPullScoped(stream.channel, this.scope))
    if (Exit.isFailure(opened)) return Exit.failCause(opened.cause)
    const source: Batches<Event, Success> = opened.value
    let reads = 0
    // What has come already would be read without a turn of the event loop in between.
    this.pull = () => run(++reads % readsInTurn === 0 ? Effect.andThen(Effect.yieldNow, source) : source)
    return this.pull()
  }

  private readonly abort = (): void => {
    void this.finish({ _tag: "Aborted", reason: this.call.signal?.reason })
  }

  private readonly disposed = (): Promise<void> =>
    this.finish({ _tag: "Aborted", reason: abortError("the interface was disposed of before the stream's end") })

  /** The first end counts; whatever is open closes. */
  private async finish(end: End<Success, Failure>): Promise<void> {
    if (this.end !== undefined) return
    this.end = end
    this.letGo?.()
    this.call.signal?.removeEventListener("abort", this.abort)
    const aborted = end._tag === "Aborted"
    this.stop.abort(aborted ? end.reason : end.error)
    await Effect.runPromise(Scope.close(this.scope, aborted ? Exit.interrupt() : Exit.void))
    this.settle?.(end)
  }
}
