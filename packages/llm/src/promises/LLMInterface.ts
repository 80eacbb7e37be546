/**
 * The promise API: `generate` resolves with the answer or with a failure as data, `stream` is an async iterable. Behind it
 * stands the default stack, built at the first call, or a stack of the program's own.
 */
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { ResponseFormat } from "../model/LlmRequest.ts"
import { formatOf, objectOf } from "../tools/ObjectFormat.ts"
import { type CallInput, invalid, notAnObject, readCall } from "./CallInput.ts"
import * as DefaultStack from "./DefaultStack.ts"
import { EventStream } from "./EventStream.ts"
import type { InterfaceOptions, LogOptions } from "./InterfaceOptions.ts"
import type { GenerateObjectOptions, GenerateObjectResponse, GenerateOptions, Llm } from "./Llm.ts"
import { attempt, attempted, Uncopied } from "./OwnCopy.ts"
import { failure, type GenerateResponse } from "./PromiseResponse.ts"
import { contextOf, refusal, Session } from "./Session.ts"

/** A schema that a provider can be asked to hold to. */
interface ObjectSchema<A> {
  readonly schema: Schema.Codec<A, unknown>
  readonly format: ResponseFormat
}

/** The schema of a call and its response format, or why there is none. */
const readSchema = <A>(options: GenerateObjectOptions<A>): Result.Result<ObjectSchema<A>, Uncopied> =>
  attempted(() => {
    if (!Predicate.isObject(options)) throw notAnObject
    const { schema, schemaName } = options
    if (!Schema.isSchema(schema)) {
      throw new Uncopied("schema", "must be a Schema of effect/Schema, such as Schema.Struct({ name: Schema.String })")
    }
    return { schema, format: attempt(() => formatOf(schema, schemaName), "schema") }
  })

/**
 * One configured stack. `new LLMInterface()` is the environment's; options win over it. An open interface never keeps a
 * process alive; `dispose` (or `await using`) closes its connections.
 */
export class LLMInterface implements Llm {
  private readonly session: Session

  /** For this library alone: `fromLayer` is the public way to a stack of your own. */
  constructor(session: Session)
  constructor(options?: InterfaceOptions)
  constructor(given: InterfaceOptions | Session = {}) {
    this.session = given instanceof Session ? given : new Session(DefaultStack.layer(given), { rereads: true })
  }

  /**
   * Promises on a stack of your own: any Layer that provides `LlmProvider` and requires nothing. The first call builds it,
   * `dispose` closes it. A Layer that fails to build makes each call fail with its `LlmError`, or else with
   * `ConfigurationError`. `timeout` of a call bounds the whole call; `maxRetries` is for the `withRetry` of the Layer.
   */
  static fromLayer<E>(layer: Layer.Layer<LlmProvider, E>, options: LogOptions = {}): LLMInterface {
    return new LLMInterface(new Session(Layer.merge(DefaultStack.layerLogger(options), layer)))
  }

  /**
   * The answer, or `{ text: "", error, errorType, metadata }` for whatever a provider, the network, the configuration or
   * the arguments did. Rejects only where `signal` aborts the call, with the signal's reason, or where `dispose` does.
   */
  async generate(options: GenerateOptions): Promise<GenerateResponse> {
    return this.ask(readCall(options))
  }

  /**
   * The answer as a value of `schema`: asks the provider to hold to it, and checks. An answer that does not fit is
   * `InvalidResponseError`, with the text in `partialText`.
   */
  async generateObject<A>(options: GenerateObjectOptions<A>): Promise<GenerateObjectResponse<A>> {
    const startedMs = Date.now()
    const given = readSchema(options)
    if (Result.isFailure(given)) {
      return failure(refusal("configuration", invalid(given.failure)), {}, startedMs, Date.now())
    }
    const call = readCall(options, { responseFormat: given.success.format })
    const response = await this.ask(call)
    if ("error" in response) return response
    const object = objectOf(given.success.schema, response)
    return Result.isSuccess(object)
      ? { ...response, object: object.success }
      : failure(object.failure, call.summary, startedMs, Date.now())
  }

  /**
   * The answer piece by piece. Nothing is sent before the first piece, or `response`, is asked for; what is sent is what
   * was passed here, whatever the program changes meanwhile.
   */
  stream(options: GenerateOptions): EventStream {
    return new EventStream(this.session, readCall(options))
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

  private async ask(call: CallInput): Promise<GenerateResponse> {
    const startedMs = Date.now()
    const { session } = this
    const { settings, signal, summary } = call
    if (signal?.aborted === true) throw signal.reason
    const request = call.request instanceof Promise ? await call.request : call.request
    const acquired = session.acquire(signal)
    const built = acquired instanceof Promise ? await acquired : Exit.succeed(acquired)
    const exit = Exit.isFailure(built)
      ? Exit.failCause(built.cause)
      : Result.isFailure(request)
        ? Exit.fail(refusal(built.value.service.name, request.failure))
        : await session.run(contextOf(built.value, settings), built.value.service.generate(request.success), signal)
    if (Exit.isSuccess(exit)) return exit.value
    const error = Cause.findErrorOption(exit.cause)
    if (Option.isNone(error)) throw Cause.squash(exit.cause)
    session.noteFailure(error.value)
    return failure(error.value, summary, startedMs, Date.now())
  }
}

let shared: LLMInterface | undefined

const environment = (): LLMInterface => (shared ??= new LLMInterface())

/**
 * `LLMInterface.generate` on the stack from the environment, built once, at the first call. After a failure of the
 * configuration the next call reads the environment again.
 */
export const generate = (options: GenerateOptions): Promise<GenerateResponse> => environment().generate(options)

/** `LLMInterface.generateObject` on the stack from the environment, which `generate` shares. */
export const generateObject = <A>(options: GenerateObjectOptions<A>): Promise<GenerateObjectResponse<A>> =>
  environment().generateObject(options)

/** `LLMInterface.stream` on the stack from the environment, which `generate` shares. */
export const stream = (options: GenerateOptions): EventStream => environment().stream(options)
