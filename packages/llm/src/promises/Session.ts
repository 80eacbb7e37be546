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
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { ConfigurationError, InvalidRequestError, isLlmError, LlmError } from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import { CallOptions, CallTags } from "../call/CallOptions.ts"
import { Line } from "../model/Line.ts"
import { looksLikeKey } from "../model/KeyShape.ts"
import { suggestion } from "../model/NearestName.ts"
import * as Registry from "../providers/Registry.ts"
import type { CheckedRequest, OwnSettings } from "./CallInput.ts"
import { saidBy } from "./OwnCopy.ts"

/** A built stack: the service, and the context (loggers, levels) that its effects run in. */
export interface Ready {
  readonly service: LlmProvider["Service"]
  readonly context: Context.Context<LlmProvider>
}

/** An error of the configuration, by the setting that has to change. */
export const configurationError = (setting: string, message: string): LlmError =>
  new LlmError({ reason: new ConfigurationError({ setting, message }), provider: "configuration", attempts: [] })

const disposed = configurationError("LLMInterface", "this interface has been disposed of; make a new one")

/** What an abort without a reason of its own looks like. */
export const abortError = (message: string): DOMException => new DOMException(message, "AbortError")

/** A promise, or the signal's reason where that comes first. */
const orAborted = <A>(promise: Promise<A>, signal: AbortSignal | undefined): Promise<A> => {
  if (signal === undefined) return promise
  return new Promise<A>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener("abort", abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort))
  })
}

/** The error of a request that is refused before anything is sent. */
export const refusal = (provider: string, reason: InvalidRequestError): LlmError =>
  new LlmError({ reason, provider, attempts: [] })

/** What one call's effects run in. */
export const contextOf = ({ context }: Ready, settings: OwnSettings | undefined): Context.Context<LlmProvider> => {
  if (settings === undefined) return context
  const { tags, ...options } = settings
  const set = Context.add(context, CallOptions, options)
  return tags === undefined ? set : Context.add(set, CallTags, { ...Context.get(context, CallTags), ...tags })
}

/** True for a setting that may be right when it is read again; options and arguments do not change. */
const isVariable = (setting: string): boolean => /^[A-Z][A-Z\d_]*$/.test(setting)

export interface SessionOptions {
  /** True for the name of a provider that the stack may ask; without it any name may be one. */
  readonly isProvider?: (name: string) => boolean
  /** True where a new build may find other settings: then a configuration failure leads to one. */
  readonly rereads: boolean
}

export class Session {
  private readonly layer: Layer.Layer<LlmProvider, unknown>
  private readonly rereads: boolean
  private readonly isProvider: SessionOptions["isProvider"]
  private readonly running = new Line<Fiber.Fiber<unknown, unknown>>()
  private readonly held = new Line<() => Promise<void>>()
  private scope: Scope.Closeable | undefined
  private ready: Ready | undefined
  private building: Promise<Exit.Exit<Ready, LlmError>> | undefined
  private stale = false
  private closed = false

  constructor(layer: Layer.Layer<LlmProvider, unknown>, options: SessionOptions = { rereads: false }) {
    this.layer = layer
    this.rereads = options.rereads
    this.isProvider = options.isProvider
  }

  /**
   * The stack, at once where it is built; rejects with the signal's reason where that comes first. A build that failed is
   * tried again by the next call.
   */
  acquire(signal: AbortSignal | undefined): Ready | Promise<Exit.Exit<Ready, LlmError>> {
    if (this.closed) return Promise.resolve(Exit.fail(disposed))
    if (this.stale && this.running.size === 0 && this.held.size === 0) void this.forget()
    return this.ready ?? orAborted((this.building ??= this.build()), signal)
  }

  /** The request, or why this stack cannot be asked it though another might: options for a provider that does not exist. */
  check<Request extends Pick<LlmRequest, "providerOptions">>(
    request: CheckedRequest<Request>,
  ): CheckedRequest<Request> {
    const { isProvider } = this
    if (isProvider === undefined || Result.isFailure(request)) return request
    const { providerOptions } = request.success
    if (providerOptions === undefined) return request
    const name = Object.keys(providerOptions).find((given) => !isProvider(given))
    if (name === undefined) return request
    const parameter = looksLikeKey(name) ? "providerOptions" : `providerOptions.${name}`
    const meant = Registry.find(name)?.name
    const hint = meant === undefined ? suggestion(name, Registry.names) : `; did you mean "${meant}"?`
    const message = `invalid request: ${parameter} is for no provider${hint}`
    return Result.fail(new InvalidRequestError({ message, parameter }))
  }

  private async build(): Promise<Exit.Exit<Ready, LlmError>> {
    const scope = Scope.makeUnsafe()
    const built = await Effect.runPromiseExit(
      Effect.mapError(Layer.buildWithScope(this.layer, scope), (error) =>
        isLlmError(error) ? error : configurationError("layer", `the layer cannot be built: ${saidBy(error)}`),
      ),
    )
    this.building = undefined
    if (Exit.isFailure(built) || this.closed) {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      return Exit.isFailure(built) ? Exit.failCause(built.cause) : Exit.fail(disposed)
    }
    this.scope = scope
    this.ready = { service: Context.get(built.value, LlmProvider), context: built.value }
    return Exit.succeed(this.ready)
  }

  /** A call failed. After a configuration failure the settings are read again, by the next call that runs alone. */
  noteFailure({ reason }: LlmError): void {
    if (this.rereads && reason._tag === "ConfigurationError" && isVariable(reason.setting)) this.stale = true
  }

  private async forget(): Promise<void> {
    const { scope } = this
    this.stale = false
    this.ready = undefined
    this.scope = undefined
    if (scope !== undefined) await Effect.runPromise(Scope.close(scope, Exit.void))
  }

  /**
   * Runs one effect to its end, for what `settle` makes of its exit. Rejects with the signal's reason where the signal ended
   * it, and with what `settle` throws; its listener goes with the effect.
   */
  run<A, E, B, R = never>(
    context: Context.Context<R>,
    effect: Effect.Effect<A, E, R>,
    signal: AbortSignal | undefined,
    settle: (exit: Exit.Exit<A, E>) => B,
  ): Promise<B> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const fiber = Effect.runForkWith(context)(effect)
    return new Promise<B>((resolve, reject) => {
      const interrupt = signal === undefined ? undefined : () => fiber.interruptUnsafe()
      const place = this.running.add(fiber)
      if (interrupt !== undefined) signal?.addEventListener("abort", interrupt)
      // What ran just now, a tool for one, may have aborted before anybody listened.
      if (signal?.aborted === true) fiber.interruptUnsafe()
      fiber.addObserver((ended) => {
        this.running.remove(place)
        if (interrupt !== undefined) signal?.removeEventListener("abort", interrupt)
        if (Exit.isFailure(ended) && Cause.hasInterruptsOnly(ended.cause)) {
          return reject(signal?.aborted === true ? signal.reason : abortError("the call was interrupted"))
        }
        try {
          resolve(settle(ended))
        } catch (thrown) {
          reject(thrown)
        }
      })
    })
  }

  /**
   * Remembers what is open beyond one run, a half-read stream, for `dispose` to close; undefined once it has been disposed of.
   * What it returns is to be called when that has closed by itself.
   */
  hold(close: () => Promise<void>): (() => void) | undefined {
    if (this.closed) return undefined
    const place = this.held.add(close)
    return () => this.held.remove(place)
  }

  /** Ends what still runs and closes every connection. Safe to call more than once. */
  async dispose(): Promise<void> {
    this.closed = true
    await Promise.all([...this.held].map((close) => close()))
    for (const fiber of [...this.running]) fiber.interruptUnsafe()
    await this.forget()
  }
}
