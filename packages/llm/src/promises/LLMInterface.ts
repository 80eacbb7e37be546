/**
 * The library for who writes no Effect: `generate` returns a promise that resolves with the answer or with the error as
 * data, `stream` an async iterable. Behind it stands the default stack, built at the first call.
 */
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { LogLevel } from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { InvalidRequestError, LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import * as Setting from "../settings/Setting.ts"
import { withFiles } from "../settings/SettingsFile.ts"
import { EventStream } from "./EventStream.ts"
import { type InterfaceOptions, toSettings, unknownOption } from "./InterfaceOptions.ts"
import * as LlmConfig from "../compose/LlmConfig.ts"
import * as LlmStack from "../compose/LlmStack.ts"
import { formatOf, objectOf } from "../tools/ObjectFormat.ts"
import { failure, type GenerateFailure, type GenerateResponse, type GenerateSuccess } from "./PromiseResponse.ts"
import { Session } from "./Session.ts"
import * as StderrLogger from "./StderrLogger.ts"

/** A request, and the signal that aborts it. */
export type GenerateOptions = LlmRequest & { readonly signal?: AbortSignal | undefined }

/** A request for a value: the response format is the schema's. `schemaName` is what the provider is told it is called. */
export type GenerateObjectOptions<A> = Omit<GenerateOptions, "responseFormat"> & {
  readonly schema: Schema.Codec<A, unknown>
  readonly schemaName?: string | undefined
}

/** A whole answer and its value, or a failure. */
export type GenerateObjectResponse<A> = (GenerateSuccess & { readonly object: A }) | GenerateFailure

const levels: Readonly<Record<string, LogLevel>> = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal",
  none: "None",
}

const notASchema = new LlmError({
  reason: new InvalidRequestError({
    message:
      'invalid request: "schema" must be a Schema of effect/Schema, such as Schema.Struct({ name: Schema.String })',
    parameter: "schema",
  }),
  provider: "configuration",
  attempts: [],
})

const words = ["info", "debug", "warning", "error", "none", "trace", "warn", "fatal"] as const

/** The default stack with explicit options in front of the environment and the files, logging to stderr. */
const stack = (options: InterfaceOptions): Layer.Layer<LlmProvider, LlmError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const problem = unknownOption(options)
      if (problem !== undefined) return yield* problem
      const explicit = ConfigProvider.orElse(toSettings(options), ConfigProvider.fromEnv())
      const found = yield* withFiles(explicit, { dotEnv: true })
      const keyOwner = yield* Effect.provideService(LlmConfig.keyOwner, ConfigProvider.ConfigProvider, found)
      const settings = ConfigProvider.orElse(toSettings(options, keyOwner), found)
      const provided = Effect.provideService(ConfigProvider.ConfigProvider, settings)
      const config = yield* provided(LlmConfig.read)
      const level = yield* provided(Setting.oneOf("WISEFLOW_LOG_LEVEL", words))
      const [first] = config.targets
      const fallbacks =
        options.fallbacks === undefined
          ? config.targets.slice(1)
          : yield* provided(Effect.forEach(options.fallbacks, LlmConfig.completed))
      return LlmStack.layer({ ...config, targets: [first, ...fallbacks] }).pipe(
        Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, settings)),
        Layer.merge(StderrLogger.layer(levels[level ?? "info"] ?? "Info")),
      )
    }),
  )

/**
 * One configured stack. `new LLMInterface()` is the environment's; options win over it. An open interface never keeps a
 * process alive; `dispose` (or `await using`) closes its connections.
 */
export class LLMInterface {
  private readonly session: Session

  constructor(options: InterfaceOptions = {}) {
    this.session = new Session(stack(options))
  }

  /**
   * The answer, or `{ text: "", error, errorType, metadata }` for whatever a provider, the network or the configuration
   * did. Rejects only where `signal` aborts the call, with the signal's reason.
   */
  async generate({ signal, ...request }: GenerateOptions): Promise<GenerateResponse> {
    const startedMs = Date.now()
    if (signal?.aborted === true) throw signal.reason
    const acquired = this.session.acquire()
    const built = acquired instanceof Promise ? await acquired : Exit.succeed(acquired)
    const exit = Exit.isSuccess(built)
      ? await this.session.run(built.value, built.value.service.generate(request), signal)
      : Exit.failCause(built.cause)
    if (Exit.isSuccess(exit)) return exit.value
    const error = Cause.findErrorOption(exit.cause)
    if (Option.isNone(error)) throw Cause.squash(exit.cause)
    return failure(error.value, request, startedMs, Date.now())
  }

  /**
   * The answer as a value of `schema`: asks the provider to hold to it, and checks. An answer that does not fit is
   * `InvalidResponseError`, with the text in `partialText`.
   */
  async generateObject<A>({
    schema,
    schemaName,
    ...options
  }: GenerateObjectOptions<A>): Promise<GenerateObjectResponse<A>> {
    const startedMs = Date.now()
    if (!Schema.isSchema(schema)) return failure(notASchema, options, startedMs, Date.now())
    const { signal, ...request } = { ...options, responseFormat: formatOf(schema, schemaName) }
    const response = await this.generate({ ...request, signal })
    if ("error" in response) return response
    const object = objectOf(schema, response)
    return Result.isSuccess(object)
      ? { ...response, object: object.success }
      : failure(object.failure, request, startedMs, Date.now())
  }

  /** The answer piece by piece. Nothing is sent before the first piece is asked for. */
  stream({ signal, ...request }: GenerateOptions): EventStream {
    return new EventStream(this.session, request, signal)
  }

  /** Aborts what still runs and closes every connection. */
  dispose(): Promise<void> {
    return this.session.dispose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

let shared: LLMInterface | undefined

const environment = (): LLMInterface => (shared ??= new LLMInterface())

/** `LLMInterface.generate` on the stack from the environment, built once, at the first call. */
export const generate = (options: GenerateOptions): Promise<GenerateResponse> => environment().generate(options)

/** `LLMInterface.generateObject` on the stack from the environment, built once, at the first call. */
export const generateObject = <A>(options: GenerateObjectOptions<A>): Promise<GenerateObjectResponse<A>> =>
  environment().generateObject(options)

/** `LLMInterface.stream` on the stack from the environment, built once, at the first call. */
export const stream = (options: GenerateOptions): EventStream => environment().stream(options)
