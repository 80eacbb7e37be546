/**
 * The promise API: `generate` resolves with the answer or with a failure as data, `stream` is an async iterable. Behind it
 * stands the default stack, built at the first call, or a stack of the program's own.
 */
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest, Message } from "../model/LlmRequest.ts"
import type { LlmResponse } from "../model/LlmResponse.ts"
import { withTimeout } from "../policies/Timeout.ts"
import { UsageLedger, type UsageReport } from "../policies/usage/UsageLedger.ts"
import type { AnySchema, OutputOf } from "../tools/schemas/AnySchema.ts"
import { type CallInput, type CheckedRequest, readCall } from "./CallInput.ts"
import * as DefaultStack from "./DefaultStack.ts"
import { EventStream } from "./EventStream.ts"
import { type InterfaceOptions, type ListenOptions, readGiven } from "./InterfaceOptions.ts"
import type {
  CountTokensResponse,
  EmbedOptions,
  EmbedResponse,
  GenerateObjectOptions,
  GenerateObjectResponse,
  GenerateOptions,
  Llm,
  SpendingOptions,
  ModelsOptions,
  ModelsResponse,
  WithPrompt,
} from "./Llm.ts"
import { objectOf, type ObjectStream, readObject, streamOf as streamObjectOf } from "./programs/ObjectPromises.ts"
import { ProgramStream } from "./programs/ProgramStream.ts"
import { failure, type GenerateFailure, type GenerateResponse } from "./PromiseResponse.ts"
import { countOf, embeddingsOf, modelsOf, readEmbed, readModels } from "./programs/ServicePromises.ts"
import { contextOf, type Ready, refusal, Session } from "./Session.ts"
import {
  readRun,
  runFailure,
  runOf,
  type RunToolsOptions,
  type RunToolsResponse,
  streamOf as streamToolsOf,
  type ToolStream,
} from "./programs/ToolPromises.ts"

/** What the interface itself reads in a request. */
type Asked = Pick<LlmRequest, "providerOptions">

/** What a call asks of the stack. */
type Program<A, Request = LlmRequest> = (
  request: Request,
  provider: LlmProvider["Service"],
) => Effect.Effect<A, LlmError, LlmProvider>

const answerOf: Program<LlmResponse> = (request, provider) => provider.generate(request)

/** The longest time that a timer can run: a deadline around any Layer, for the `timeout` of a call to stand in for. */
const longestMs = 2 ** 31 - 1

/** Never run: a call whose arguments could not be read has no request. */
const refusedAlready = Effect.die("a call whose arguments were refused")

/**
 * One configured stack. `new LLMInterface()` is the environment's; options win over it. An open interface never keeps a
 * process alive; `dispose` (or `await using`) closes its connections.
 */
export class LLMInterface implements Llm {
  private readonly session: Session
  private readonly ledger: UsageLedger

  /** For this library alone: `fromLayer` is the public way to a stack of your own. */
  constructor(session: Session, ledger: UsageLedger)
  constructor(options?: InterfaceOptions)
  constructor(given: InterfaceOptions | Session = {}, ledger = new UsageLedger()) {
    this.ledger = ledger
    this.session =
      given instanceof Session
        ? given
        : new Session(DefaultStack.layer(given, ledger), { rereads: true, isProvider: DefaultStack.isProvider })
  }

  /**
   * Promises on a stack of your own: any Layer that provides `LlmProvider` (and `EmbeddingProvider` for `embed`,
   * `ModelInfo` for `models` and `countTokens`) and requires nothing. The first call builds it,
   * `dispose` closes it. A Layer that fails to build makes each call fail with its `LlmError`, or else with
   * `ConfigurationError`. `timeout` of a call bounds the whole call; `maxRetries` is for the `withRetry` of the Layer.
   */
  static fromLayer<E>(layer: Layer.Layer<LlmProvider, E>, options: ListenOptions & SpendingOptions = {}): LLMInterface {
    const ledger = new UsageLedger()
    const read = readGiven(options)
    if (Result.isFailure(read)) return new LLMInterface(new Session(DefaultStack.failed(read.failure)), ledger)
    const bounded = layer.pipe(withTimeout(longestMs), DefaultStack.kept(read.success, ledger))
    const beside = Layer.merge(DefaultStack.layerLogger(read.success), DefaultStack.tagged(read.success))
    return new LLMInterface(new Session(Layer.merge(beside, bounded)), ledger)
  }

  /**
   * The answer, or `{ text: "", error, errorType, metadata }` for whatever a provider, the network, the configuration or
   * the arguments did. Rejects only where `signal` aborts the call, with the signal's reason, or where `dispose` does.
   */
  generate(options: GenerateOptions | WithPrompt<GenerateOptions>): Promise<GenerateResponse> {
    return this.ask(readCall(options), answerOf)
  }

  /**
   * The answer as a value of `schema`: asks the model to hold to it, checks, and asks again (`repairs`) where it does not
   * fit. What never fits is `InvalidResponseError`, with the text in `partialText`; an answer that was cut off is
   * `OutputLimitError`, one that was refused or filtered `ContentFilterError`.
   */
  async generateObject<const S extends AnySchema>(
    options: GenerateObjectOptions<S> | WithPrompt<GenerateObjectOptions<S>>,
  ): Promise<GenerateObjectResponse<OutputOf<S>>> {
    const { call, settings } = readObject(options)
    return this.ask(call, (request) => (settings === undefined ? refusedAlready : objectOf(settings, request)))
  }

  /**
   * The value as it comes: each value of the iterator is the whole so far, with what is not certain yet left out.
   * `response` is what `generateObject` gives. Nothing is sent before somebody reads.
   */
  streamObject<const S extends AnySchema>(
    options: GenerateObjectOptions<S> | WithPrompt<GenerateObjectOptions<S>>,
  ): ObjectStream<S> {
    const { call, settings } = readObject(options)
    return new ProgramStream(this.session, call, streamObjectOf(settings, call.summary))
  }

  /**
   * Asks the model, runs the tools that it calls, and asks again until it answers: what `generate` gives for the last step,
   * with `steps`, the conversation to go on with as `messages`, and `metadata` over all steps. A failure has both too.
   * Rejects also with what a hook of the program's (`approve`, `prepareStep`, `onStep`, `stopWhen`) throws.
   */
  async runTools(options: RunToolsOptions | WithPrompt<RunToolsOptions>): Promise<RunToolsResponse> {
    const startedMs = Date.now()
    const { call, settings } = readRun(options)
    let messages: ReadonlyArray<Message> = []
    return this.ask(
      call,
      (request) => {
        messages = request.messages
        return runOf(settings, request)
      },
      (error) => runFailure(error, call.summary, messages, startedMs),
    )
  }

  /** The same, event by event. `response` is what `runTools` gives. Leaving the loop aborts the tools that run. */
  streamTools(options: RunToolsOptions | WithPrompt<RunToolsOptions>): ToolStream {
    const { call, settings } = readRun(options)
    return new ProgramStream(this.session, call, streamToolsOf(settings, call.summary))
  }

  /**
   * The answer piece by piece. Nothing is sent before the first piece, or `response`, is asked for; what is sent is what
   * was passed here, whatever the program changes meanwhile.
   */
  stream(options: GenerateOptions | WithPrompt<GenerateOptions>): EventStream {
    return new EventStream(this.session, readCall(options))
  }

  /**
   * A vector for each text, in the order of the texts, with `embeddingModel` (`EMBEDDING_MODEL`) unless the call names a
   * model. Many texts are sent in as many requests as they need, each with its own retries. There is no fallback to another
   * model: vectors of different models do not mix.
   */
  async embed(options: EmbedOptions): Promise<EmbedResponse> {
    return this.ask(readEmbed(options), embeddingsOf)
  }

  /**
   * The models that the provider of this interface lists for its key, with what it says of each one: `{ models, metadata }`,
   * or a failure as data. A service that lists none fails as it answers, with a 404 mostly. `rateLimit`, `hedge` and
   * `adaptiveConcurrency` hold, as for `countTokens`; fallbacks are not asked, and caches and budgets see none of it.
   */
  models(options?: ModelsOptions): Promise<ModelsResponse> {
    return this.ask(readModels(options), modelsOf)
  }

  /**
   * How many tokens a request would be that `generate` would send, as `{ count, metadata }`: `exact` where the service counts,
   * an `estimate` with its error bound, or `unknown` with the reason. Nothing is generated.
   */
  async countTokens(options: GenerateOptions | WithPrompt<GenerateOptions>): Promise<CountTokensResponse> {
    return this.ask(readCall(options), countOf)
  }

  /** What the calls that have ended used since this interface was made: in all, by model, and by tag. Plain data. */
  usage(): UsageReport {
    return this.ledger.toJSON()
  }

  /** Aborts what still runs and closes every connection. */
  dispose(): Promise<void> {
    return this.session.dispose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  /** What JSON and Node's `inspect` show: no option, and nothing that was built of them. */
  toJSON(): { readonly type: "LLMInterface" } {
    return { type: "LLMInterface" }
  }

  [NodeInspectSymbol](): string {
    return "LLMInterface {}"
  }

  private ask<A, Request extends Asked>(
    call: CallInput<Request>,
    program: Program<A, Request>,
  ): Promise<A | GenerateFailure>
  private ask<A, F, Request extends Asked>(
    call: CallInput<Request>,
    program: Program<A, Request>,
    failed: (error: LlmError) => F,
  ): Promise<A | F>
  private ask<A, F, Request extends Asked>(
    call: CallInput<Request>,
    program: Program<A, Request>,
    failed?: (error: LlmError) => F,
  ): Promise<A | F | GenerateFailure> {
    const startedMs = Date.now()
    const { request, signal, summary } = call
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const settle = (exit: Exit.Exit<A, LlmError>): A | F | GenerateFailure => {
      if (Exit.isSuccess(exit)) return exit.value
      const error = Cause.findErrorOption(exit.cause)
      if (Option.isNone(error)) throw Cause.squash(exit.cause)
      this.session.noteFailure(error.value)
      return failed === undefined ? failure(error.value, summary, startedMs, Date.now()) : failed(error.value)
    }
    if (request instanceof Promise) return this.askLater(call, program, settle)
    const acquired = this.session.acquire(signal)
    // The usual case, in one step: what waits for an answer holds no more than it needs.
    return acquired instanceof Promise
      ? this.askLater(call, program, settle, acquired)
      : this.askNow(acquired, request, call, program, settle)
  }

  private async askLater<A, B, Request extends Asked>(
    call: CallInput<Request>,
    program: Program<A, Request>,
    settle: (exit: Exit.Exit<A, LlmError>) => B,
    acquiring?: Promise<Exit.Exit<Ready, LlmError>>,
  ): Promise<B> {
    const request = await call.request
    const acquired = acquiring ?? this.session.acquire(call.signal)
    const built = acquired instanceof Promise ? await acquired : Exit.succeed(acquired)
    return Exit.isFailure(built)
      ? settle(Exit.failCause(built.cause))
      : this.askNow(built.value, request, call, program, settle)
  }

  private askNow<A, B, Request extends Asked>(
    ready: Ready,
    given: CheckedRequest<Request>,
    { settings, signal }: CallInput<Request>,
    program: Program<A, Request>,
    settle: (exit: Exit.Exit<A, LlmError>) => B,
  ): Promise<B> {
    const { session } = this
    const request = session.check(given)
    return session.run(
      contextOf(ready, settings),
      Result.isFailure(request)
        ? Effect.fail(refusal(ready.service.name, request.failure))
        : program(request.success, ready.service),
      signal,
      settle,
    )
  }
}
