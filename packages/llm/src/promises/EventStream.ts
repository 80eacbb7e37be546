/**
 * A stream for `for await`, and its whole as a promise. It reads only as fast as it is read, so that a slow reader slows
 * the socket; leaving the loop, or the caller's signal, closes the connection.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import type { LlmError } from "../model/LlmError.ts"
import { assemble, type LlmEvent } from "../model/LlmEvent.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import { type Events, openStream } from "../policies/Policy.ts"
import { failure, type GenerateResponse } from "./PromiseResponse.ts"
import { abortError, type Session } from "./Session.ts"

/** How a stream ended. */
type End =
  | { readonly _tag: "Answered" }
  | { readonly _tag: "Failed"; readonly error: LlmError }
  | { readonly _tag: "Aborted"; readonly reason: unknown }

/**
 * The events of one answer, to one reader. Nothing is sent before somebody reads. The iterator throws `LlmError` where the
 * answer breaks, and the signal's reason where the caller aborts; `response` resolves with what `generate` would have.
 */
export class EventStream implements AsyncIterableIterator<LlmEvent, undefined> {
  private readonly session: Session
  private readonly request: LlmRequest
  private readonly signal: AbortSignal | undefined
  private readonly startedMs = Date.now()
  private readonly assembly = assemble()
  private readonly scope = Scope.makeUnsafe()
  private context: Context.Context<never> = Context.empty()
  private source: Events | undefined
  private events: Array<LlmEvent> = []
  private position = 0
  private pulling: Promise<void> | undefined
  private running: Fiber.Fiber<unknown, unknown> | undefined
  private end: End | undefined
  private endTold = false
  private whole: Promise<GenerateResponse> | undefined

  constructor(session: Session, request: LlmRequest, signal: AbortSignal | undefined) {
    this.session = session
    this.request = request
    this.signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<LlmEvent, undefined>> {
    const taken = this.take()
    if (taken !== undefined) return Promise.resolve(taken)
    return this.end === undefined ? this.pull().then(this.takeOrNext) : this.tellEnd(this.end)
  }

  /** The next event of those that have come. */
  private take(): IteratorYieldResult<LlmEvent> | undefined {
    const event = this.events[this.position]
    if (event === undefined) return undefined
    this.position += 1
    return { done: false, value: event }
  }

  private readonly takeOrNext = () => this.take() ?? this.next()

  /** Leaves the stream: an abort, unless it has ended. Events that nobody has taken yet go with it. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.endTold = true
    this.events = []
    this.position = 0
    await this.finish({ _tag: "Aborted", reason: abortError("the stream was left before its end") })
    return { done: true, value: undefined }
  }

  /** The session is disposed of: a stream that nobody reads at the moment has nothing running that this would end. */
  private readonly leave = (): Promise<void> =>
    this.finish({ _tag: "Aborted", reason: abortError("the interface was disposed of before the stream's end") })

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /**
   * The whole answer as `generate` gives it: resolves with the error where the answer breaks, rejects only where the
   * caller aborted or left. It reads the stream to its end where nobody else does.
   */
  get response(): Promise<GenerateResponse> {
    if (this.whole === undefined) {
      this.whole = this.readAll()
      // Who also reads the events learns of an abort there: a promise that nobody looks at again must not end the process.
      this.whole.catch(() => {})
    }
    return this.whole
  }

  private async readAll(): Promise<GenerateResponse> {
    let { end } = this
    while (end === undefined) {
      await this.pull()
      end = this.end
    }
    if (end._tag === "Aborted") throw end.reason
    if (end._tag === "Failed") return failure(end.error, this.request, this.startedMs, Date.now())
    const response = this.assembly.response()
    if (response === undefined) throw new Error("a provider ended a stream without response-finish")
    return response
  }

  /** Like every iterator: a failure is thrown once, and then it is done. */
  private tellEnd(end: End): Promise<IteratorReturnResult<undefined>> {
    const told = this.endTold
    this.endTold = true
    if (told || end._tag === "Answered") return Promise.resolve({ done: true, value: undefined })
    return Promise.reject(end._tag === "Failed" ? end.error : end.reason)
  }

  /** Brings the next events, or the end; readers that ask at the same time share one read. */
  private pull(): Promise<void> {
    return (this.pulling ??= this.read())
  }

  private async read(): Promise<void> {
    try {
      const exit = await (this.source === undefined ? this.open() : this.run(this.source))
      if (Exit.isSuccess(exit)) {
        this.add(exit.value)
        // Nobody need ask once more for the permit and the connection to come back.
        if (exit.value.at(-1)?.type === "response-finish") await this.finish({ _tag: "Answered" })
      } else if (Pull.isDoneCause(exit.cause)) await this.finish({ _tag: "Answered" })
      else await this.fail(exit.cause)
    } catch (reason) {
      await this.finish({ _tag: "Aborted", reason })
    } finally {
      this.pulling = undefined
    }
  }

  /** The signal ends what runs, and a stream that is half read and has nothing running. */
  private readonly abort = (): void => {
    void this.finish({ _tag: "Aborted", reason: this.signal?.reason })
  }

  private async open(): Promise<Exit.Exit<ReadonlyArray<LlmEvent>, LlmError | Cause.Done>> {
    if (this.signal?.aborted === true) {
      this.abort()
      return Exit.interrupt()
    }
    this.signal?.addEventListener("abort", this.abort)
    const acquired = this.session.acquire()
    const built = acquired instanceof Promise ? await acquired : Exit.succeed(acquired)
    if (Exit.isFailure(built)) return Exit.failCause(built.cause)
    // Left while the stack was being built: then nothing is sent.
    if (this.end !== undefined) return Exit.interrupt()
    this.context = built.value.context
    if (!this.session.hold(this.leave)) {
      await this.leave()
      return Exit.interrupt()
    }
    return this.run(
      Effect.flatMap(openStream(built.value.service.stream(this.request), this.scope), (pull) => {
        this.source = pull
        return pull
      }),
    )
  }

  /** Runs one read; it is at its end at once where its events have come already. */
  private run<A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> | Promise<Exit.Exit<A, E>> {
    const fiber = Effect.runForkWith(this.context)(effect)
    const ready = fiber.pollUnsafe()
    if (ready !== undefined) return ready
    this.running = fiber
    // Aborted by what ran just now.
    if (this.end !== undefined) fiber.interruptUnsafe()
    return new Promise((resolve) => fiber.addObserver(resolve))
  }

  private add(events: ReadonlyArray<LlmEvent>): void {
    if (this.end !== undefined) return
    for (const event of events) this.assembly.add(event)
    if (this.position === this.events.length) {
      this.events = [...events]
      this.position = 0
    } else this.events.push(...events)
  }

  private async fail(cause: Cause.Cause<LlmError | Cause.Done>): Promise<void> {
    const error = Cause.findErrorOption(cause)
    if (Option.isSome(error) && !Cause.isDone(error.value)) await this.finish({ _tag: "Failed", error: error.value })
    else {
      const reason = Cause.hasInterruptsOnly(cause) ? abortError("the call was interrupted") : Cause.squash(cause)
      await this.finish({ _tag: "Aborted", reason })
    }
  }

  /** The first end counts. An abort closes the socket, whatever is under way. */
  private async finish(end: End): Promise<void> {
    if (this.end !== undefined) return
    this.end = end
    this.session.letGo(this.leave)
    this.signal?.removeEventListener("abort", this.abort)
    const aborted = end._tag === "Aborted"
    if (aborted) this.running?.interruptUnsafe()
    // What closes logs too, and does it as the stack was told to.
    const close = Scope.close(this.scope, aborted ? Exit.interrupt() : Exit.void)
    await Effect.runPromiseWith(this.context)(close)
  }
}
