/**
 * One streamed answer as it is read: it pulls events where somebody waits for them, and ends once. It knows no reader:
 * `EventStream` is what a program holds, so that a stream which nobody holds any more can be noticed.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { joinCall } from "../call/CallContext.ts"
import type { Ledger } from "../call/Ledger.ts"
import { LlmError, StreamInterruptedError } from "../model/LlmError.ts"
import { assemble, type LlmEvent } from "../model/LlmEvent.ts"
import { type Events, openStream } from "../policies/Policy.ts"
import type { CallInput } from "./CallInput.ts"
import { ownEvent } from "./OwnCopy.ts"
import { failure, type GenerateResponse } from "./PromiseResponse.ts"
import { abortError, contextOf, refusal, type Session } from "./Session.ts"

/** How a stream ended. `Left` is a reader that stopped reading. */
export type End =
  | { readonly _tag: "Answered" }
  | { readonly _tag: "Left" }
  | { readonly _tag: "Failed"; readonly error: LlmError }
  | { readonly _tag: "Aborted"; readonly reason: unknown }

/** How many events `response` reads ahead of a reader that is slower: enough for most answers, and a bound for all. */
const readAhead = 4096

export class StreamSource {
  private readonly session: Session
  private readonly call: CallInput
  private readonly onClosing: () => void
  private readonly startedMs = Date.now()
  private readonly assembly = assemble()
  private readonly scope = Scope.makeUnsafe()
  private context: Context.Context<never> = Context.empty()
  private service = "unknown"
  private ledger: Ledger | undefined
  private events: Array<LlmEvent> = []
  private position = 0
  /** How many of `events` the assembly has. */
  private assembled = 0
  private source: Events | undefined
  private pulling: Promise<void> | undefined
  private running: Fiber.Fiber<unknown, unknown> | undefined
  private letGo: (() => void) | undefined
  private closing: Promise<void> | undefined
  private whole: Promise<GenerateResponse> | undefined
  private wakeReadAhead: (() => void) | undefined
  /** True while a reader takes the events; without one `response` keeps no more of them than `readAhead`. */
  private hasReader = false
  /** True where events were given up before any reader came. */
  isIncomplete = false
  end: End | undefined

  /** `onClosing` is called once, before the scope closes. */
  constructor(session: Session, call: CallInput, onClosing: () => void) {
    this.session = session
    this.call = call
    this.onClosing = onClosing
  }

  /** Somebody reads the events from now on. */
  attachReader(): void {
    this.hasReader = true
  }

  /** The next event of those that have come. */
  take(): LlmEvent | undefined {
    const event = this.events[this.position]
    if (event === undefined) return undefined
    this.position += 1
    this.assembleTo(this.position)
    if (this.wakeReadAhead !== undefined) this.wakeReadAhead()
    return event
  }

  /** Brings the next events, or the end; readers that ask at the same time share one read. */
  pull(): Promise<void> {
    return (this.pulling ??= this.read())
  }

  /** The reader is gone for good. What `response` was asked for is still read; else the connection closes. */
  dropReader(): void {
    this.hasReader = false
    if (this.whole === undefined) void this.finish({ _tag: "Left" })
    else this.wakeReadAhead?.()
  }

  /** The reader leaves before the end: an abort. Events that nobody has taken go with it. */
  async leave(): Promise<void> {
    this.forget()
    await this.finish({ _tag: "Left" })
  }

  /** The error of something that was asked of this stream and cannot be given. */
  refuse(error: Parameters<typeof refusal>[1]): LlmError {
    return refusal(this.service, error)
  }

  response(): Promise<GenerateResponse> {
    if (this.whole === undefined) {
      this.whole = this.readAll()
      // The iterator reports aborts too; a response that nobody awaits must not end the process.
      this.whole.catch(() => {})
    }
    return this.whole
  }

  private async readAll(): Promise<GenerateResponse> {
    let { end } = this
    while (end === undefined) {
      await (this.events.length - this.position < readAhead ? this.pull() : this.untilRoom())
      this.assembleTo(this.events.length)
      end = this.end
    }
    this.assembleTo(this.events.length)
    await this.settled()
    if (end._tag === "Aborted") throw end.reason
    if (end._tag === "Failed") return this.failure(end.error)
    if (end._tag === "Left") return this.failure(this.left())
    const response = this.assembly.response()
    if (response === undefined) throw new Error("a provider ended a stream without response-finish")
    return response
  }

  /** Waits for a reader to take events; without a reader they are not needed. */
  private untilRoom(): Promise<void> {
    if (!this.hasReader) {
      this.isIncomplete = true
      this.forget()
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      this.wakeReadAhead = () => {
        this.wakeReadAhead = undefined
        resolve()
      }
    })
  }

  private failure(error: LlmError): GenerateResponse {
    return failure(error, this.call.summary, this.startedMs, Date.now())
  }

  /** The part of an answer that came before its reader left. */
  private left(): LlmError {
    const attempts = this.ledger?.attempts() ?? []
    const text = this.assembly.text()
    return new LlmError({
      reason: new StreamInterruptedError({ message: "the program stopped reading the stream before its end" }),
      provider: attempts.at(-1)?.provider ?? this.service,
      model: attempts.at(-1)?.model,
      attempts: [...attempts],
      ...(text === "" ? {} : { text }),
    })
  }

  private async read(): Promise<void> {
    try {
      const exit = await (this.source === undefined ? this.open() : this.run(this.source))
      if (Exit.isSuccess(exit)) {
        this.add(exit.value)
        if (exit.value.at(-1)?.type === "response-finish") this.finishNext()
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
    void this.finish({ _tag: "Aborted", reason: this.call.signal?.reason })
  }

  /** The session is disposed of: a stream that nobody reads at the moment has nothing running that this would end. */
  private readonly disposed = (): Promise<void> =>
    this.finish({ _tag: "Aborted", reason: abortError("the interface was disposed of before the stream's end") })

  private async open(): Promise<Exit.Exit<ReadonlyArray<LlmEvent>, LlmError | Cause.Done>> {
    const { request: given, settings, signal } = this.call
    if (signal?.aborted === true) {
      this.abort()
      return Exit.interrupt()
    }
    signal?.addEventListener("abort", this.abort)
    const request = this.session.check(given instanceof Promise ? await given : given)
    const acquired = this.session.acquire(signal)
    const built = acquired instanceof Promise ? await acquired : Exit.succeed(acquired)
    if (Exit.isFailure(built)) return Exit.failCause(built.cause)
    // Left while the stack was being built: then nothing is sent.
    if (this.end !== undefined) return Exit.interrupt()
    const { service } = built.value
    this.service = service.name
    if (Result.isFailure(request)) return Exit.fail(this.refuse(request.failure))
    this.context = contextOf(built.value, settings)
    this.letGo = this.session.hold(this.disposed)
    if (this.letGo === undefined) {
      await this.disposed()
      return Exit.interrupt()
    }
    return this.run(this.begin(service.stream(request.success)))
  }

  /** Opens the stream within a call of its own, whose ledger it keeps: it tells what was tried where nobody waits. */
  private begin(stream: Stream.Stream<LlmEvent, LlmError>): Events {
    return joinCall(({ ledger }) => {
      this.ledger = ledger
      return Effect.flatMap(openStream(stream, this.scope), (pull) => {
        this.source = pull
        return pull
      })
    })
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
    if (this.position === this.events.length) {
      this.forget()
      this.events = [...events]
    } else for (const event of events) this.events.push(event)
  }

  /** Gives the assembly copies of the events before this place: made as late as may be, so that the first piece is not kept back. */
  private assembleTo(place: number): void {
    for (; this.assembled < place; this.assembled++) {
      const event = this.events[this.assembled]
      if (event !== undefined) this.assembly.add(ownEvent(event))
    }
  }

  /** Gives up the events that nobody has taken. */
  private forget(): void {
    this.assembleTo(this.events.length)
    this.events = []
    this.position = 0
    this.assembled = 0
  }

  private async fail(cause: Cause.Cause<LlmError | Cause.Done>): Promise<void> {
    const error = Cause.findErrorOption(cause)
    if (Option.isSome(error) && !Cause.isDone(error.value)) {
      this.session.noteFailure(error.value)
      await this.finish({ _tag: "Failed", error: error.value })
    } else {
      const reason = Cause.hasInterruptsOnly(cause) ? abortError("the call was interrupted") : Cause.squash(cause)
      await this.finish({ _tag: "Aborted", reason })
    }
  }

  /** The answer is whole: its reader gets the last events, and right after the permit and the connection come back. */
  private finishNext(): void {
    this.end ??= { _tag: "Answered" }
    Effect.runForkWith(this.context)(Effect.map(Effect.yieldNow, () => void this.settled()))
  }

  /** The first end counts. An abort closes the socket, whatever is under way. */
  private finish(end: End): Promise<void> {
    this.end ??= end
    return (this.closing ??= this.close(this.end).then(this.letGo))
  }

  /** Gives back what an answer that has ended holds, and waits for it. */
  async settled(): Promise<void> {
    if (this.end !== undefined) await this.finish(this.end)
  }

  private async close(end: End): Promise<void> {
    this.onClosing()
    this.wakeReadAhead?.()
    this.call.signal?.removeEventListener("abort", this.abort)
    const early = end._tag === "Aborted" || end._tag === "Left"
    if (early) this.running?.interruptUnsafe()
    // What goes wrong with closing is no part of the answer: it is logged, through the logger of the stack.
    const close = Effect.catchCause(Scope.close(this.scope, early ? Exit.interrupt() : Exit.void), (cause) =>
      Effect.logError("a stream was not closed", cause),
    )
    await Effect.runPromiseWith(this.context)(close)
  }
}
