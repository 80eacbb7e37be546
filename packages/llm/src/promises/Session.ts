/**
 * One stack behind promises: built at the first call, shared by all, closed by `dispose`. Together with `EventStream` the
 * only place of this library that runs effects.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { ConfigurationError, LlmError } from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"

/** A built stack: the service, and the context (loggers, levels) that its effects run in. */
export interface Ready {
  readonly service: LlmProvider["Service"]
  readonly context: Context.Context<LlmProvider>
}

const disposed = new LlmError({
  reason: new ConfigurationError({
    setting: "LLMInterface",
    message: "this interface has been disposed of; make a new one",
  }),
  provider: "configuration",
  attempts: [],
})

/** What an abort without a reason of its own looks like. */
export const abortError = (message: string): DOMException => new DOMException(message, "AbortError")

export class Session {
  private readonly layer: Layer.Layer<LlmProvider, LlmError>
  private readonly running = new Set<Fiber.Fiber<unknown, unknown>>()
  private readonly held = new Set<() => Promise<void>>()
  private scope: Scope.Closeable | undefined
  private ready: Ready | undefined
  private building: Promise<Exit.Exit<Ready, LlmError>> | undefined
  private closed = false

  constructor(layer: Layer.Layer<LlmProvider, LlmError>) {
    this.layer = layer
  }

  /** The stack, at once where it is built. A build that failed is tried anew by the next call. */
  acquire(): Ready | Promise<Exit.Exit<Ready, LlmError>> {
    if (this.closed) return Promise.resolve(Exit.fail(disposed))
    return this.ready ?? (this.building ??= this.build())
  }

  private async build(): Promise<Exit.Exit<Ready, LlmError>> {
    const scope = Scope.makeUnsafe()
    const built = await Effect.runPromiseExit(Layer.buildWithScope(this.layer, scope))
    this.building = undefined
    if (Exit.isFailure(built) || this.closed) {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      return Exit.isFailure(built) ? Exit.failCause(built.cause) : Exit.fail(disposed)
    }
    this.scope = scope
    this.ready = { service: Context.get(built.value, LlmProvider), context: built.value }
    return Exit.succeed(this.ready)
  }

  /** Runs one effect to its end. Rejects with the signal's reason where the signal ended it; its listener goes with the effect. */
  run<A, E>(ready: Ready, effect: Effect.Effect<A, E>, signal: AbortSignal | undefined): Promise<Exit.Exit<A, E>> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const fiber = Effect.runForkWith(ready.context)(effect)
    return new Promise<Exit.Exit<A, E>>((resolve, reject) => {
      const interrupt = signal === undefined ? undefined : () => fiber.interruptUnsafe()
      this.running.add(fiber)
      if (interrupt !== undefined) signal?.addEventListener("abort", interrupt)
      fiber.addObserver((ended) => {
        this.running.delete(fiber)
        if (interrupt !== undefined) signal?.removeEventListener("abort", interrupt)
        if (Exit.isSuccess(ended) || !Cause.hasInterruptsOnly(ended.cause)) resolve(ended)
        else reject(signal?.aborted === true ? signal.reason : abortError("the call was interrupted"))
      })
    })
  }

  /** Remembers what is open beyond one run, a half-read stream, for `dispose` to close; false once it has been disposed of. */
  hold(close: () => Promise<void>): boolean {
    if (!this.closed) this.held.add(close)
    return !this.closed
  }

  /** It closed by itself. */
  letGo(close: () => Promise<void>): void {
    this.held.delete(close)
  }

  /** Ends what still runs and closes every connection. Safe to call more than once. */
  async dispose(): Promise<void> {
    this.closed = true
    this.ready = undefined
    await Promise.all([...this.held].map((close) => close()))
    for (const fiber of this.running) fiber.interruptUnsafe()
    const { scope } = this
    this.scope = undefined
    if (scope !== undefined) await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
