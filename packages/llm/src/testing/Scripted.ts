/**
 * A provider for tests that answers from a script, in turn, and opens no socket. It refuses bad requests as the real ones
 * do, keeps the call's ledger as they do, and remembers what it was asked.
 */
import * as Arr from "effect/Array"
import * as Channel from "effect/Channel"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { attemptsOf, joinCall, type LlmCall, openAttempt, type OpenAttempt } from "../call/LlmCall.ts"
import { type ErrorType, InvalidRequestError, isLlmError, LlmError, LlmErrorReason } from "../model/LlmError.ts"
import { assemble, isOutput, type LlmEvent } from "../model/LlmEvent.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { FinishReason, LlmResponse, ToolCall, Usage } from "../model/LlmResponse.ts"
import { validateRequest } from "../model/RequestValidation.ts"

/**
 * A failure to play: a reason, a whole `LlmError`, or only what matters of a reason, `"RateLimitError"` or
 * `{ _tag: "RateLimitError", retryAfterMs: 500 }`.
 */
export type ScriptedError = LlmError | LlmErrorReason | ErrorType | { readonly _tag: ErrorType }

const isReason = Schema.is(LlmErrorReason)
const decodeReason = Schema.decodeUnknownSync(LlmErrorReason)

/** The reason that is meant, with something said for every field that the script leaves out. */
export const reasonOf = (error: ScriptedError): LlmErrorReason => {
  if (isLlmError(error)) return error.reason
  if (isReason(error)) return error
  const told = typeof error === "string" ? { _tag: error } : error
  const unsaid = {
    message: `a scripted ${told._tag}`,
    clock: "total",
    limitMs: 0,
    categories: [],
    setting: "scripted",
    tool: "scripted",
    toolCallId: "scripted",
  }
  return decodeReason({ ...unsaid, ...told })
}

/**
 * One answer. A string is a text. `text` as a list is emitted piece by piece; `error` fails the call, after the pieces if
 * there are any; `delay` passes before the first piece, `pause` before each further one; `stall` never ends.
 */
export type Answer =
  | string
  | {
      /** The text; a list is emitted piece by piece. */
      readonly text?: string | ReadonlyArray<string> | undefined
      /** What the model thinks before. */
      readonly reasoning?: string | undefined
      /** The functions that the model wants called; an `id` is made up where none is given. */
      readonly toolCalls?: ReadonlyArray<Omit<ToolCall, "id"> & { readonly id?: string }> | undefined
      /** Default `stop`, or `tool-calls` where there are any. */
      readonly finishReason?: FinishReason | undefined
      /** The tokens of the answer. Default: none are reported. */
      readonly usage?: Usage | undefined
      /** The failure that ends the answer. */
      readonly error?: ScriptedError | undefined
      /** How long the first piece takes. */
      readonly delay?: Duration.Input | undefined
      /** How long each further piece takes. */
      readonly pause?: Duration.Input | undefined
      /** True for an answer that never ends. */
      readonly stall?: boolean | undefined
    }

/** What the script is called in metadata and errors. */
export interface ScriptedOptions {
  /** The provider's name. Default `scripted`. */
  readonly name?: string | undefined
  /** The model of requests that name none. Default `scripted`. */
  readonly model?: string | undefined
}

/** A Layer of `LlmProvider`, and the requests it has been asked, in order. */
export interface ScriptedLayer extends Layer.Layer<LlmProvider> {
  /** The requests in the order in which they were asked. */
  readonly requests: ReadonlyArray<LlmRequest>
}

/** Answers each request with the next answer; one that finds none left fails with `InvalidRequestError`. */
export const layer = (answers: ReadonlyArray<Answer>, options: ScriptedOptions = {}): ScriptedLayer => {
  const requests: Array<LlmRequest> = []
  const perform = (request: LlmRequest): Effect.Effect<Stream.Stream<LlmEvent, LlmError>> =>
    joinCall((call) =>
      Effect.map(Clock.Clock, (clock) => {
        const performance = new Performance(call, clock, options, request)
        const valid = validateRequest(request)
        if (Result.isFailure(valid)) return Stream.fail(performance.refuse(valid.failure))
        requests.push(valid.success)
        const answer = answers[requests.length - 1]
        if (answer === undefined) {
          const message = `the script has ${answers.length} answers and was asked ${requests.length} times`
          return Stream.fail(performance.refuse(new InvalidRequestError({ message })))
        }
        return performance.play(answer)
      }),
    )
  // The attempt belongs to the call that opens the stream: it begins there, not at the first read.
  const play = (request: LlmRequest): Stream.Stream<LlmEvent, LlmError> =>
    Stream.fromChannel(
      Channel.fromTransform((_, scope) =>
        Effect.flatMap(perform(request), (stream) => Channel.toPullScoped(stream.channel, scope)),
      ),
    )
  const service = {
    name: options.name ?? "scripted",
    stream: play,
    generate: (request: LlmRequest): Effect.Effect<LlmResponse, LlmError> =>
      Effect.suspend(() => {
        const assembly = assemble()
        return Effect.flatMap(
          Stream.runForEach(play(request), (event) => Effect.sync(() => assembly.add(event))),
          () => {
            const response = assembly.response()
            return response === undefined
              ? Effect.die("a script ended without response-finish")
              : Effect.succeed(response)
          },
        )
      }),
  }
  return Object.assign(Layer.succeed(LlmProvider, service), { requests })
}

/** One answer being given. */
class Performance {
  private readonly call: LlmCall
  private readonly clock: Clock.Clock
  private readonly provider: string
  private readonly request: LlmRequest
  private readonly model: string
  private record: OpenAttempt | undefined
  private text = ""

  constructor(call: LlmCall, clock: Clock.Clock, options: ScriptedOptions, request: LlmRequest) {
    this.call = call
    this.clock = clock
    this.provider = options.name ?? "scripted"
    this.model = request.model ?? options.model ?? "scripted"
    this.request = request
  }

  /** A refusal before anything is sent: no attempt. */
  refuse(reason: LlmErrorReason): LlmError {
    return new LlmError({ reason, provider: this.provider, model: this.model, attempts: [...this.call.attempts] })
  }

  play(answer: Answer): Stream.Stream<LlmEvent, LlmError> {
    const script = typeof answer === "string" ? { text: answer } : answer
    const startedMs = this.clock.currentTimeMillisUnsafe()
    const record = openAttempt(this.call, startedMs, { provider: this.provider, model: this.model })
    this.record = record
    const begin = script.delay === undefined ? Effect.void : Effect.sleep(script.delay)
    const pieces = Stream.fromArray(piecesOf(script)).pipe(
      Stream.mapEffect((event, index) =>
        Effect.as(script.pause === undefined || index === 0 ? Effect.void : Effect.sleep(script.pause), event),
      ),
      Stream.tap((event) => Effect.sync(() => this.note(event, startedMs))),
    )
    return Stream.fromEffectDrain(begin).pipe(
      Stream.concat(Stream.succeed<LlmEvent>({ type: "response-start", servedModel: this.model })),
      Stream.concat(pieces),
      Stream.concat(this.ending(script, startedMs)),
      Stream.ensuring(Effect.sync(() => this.close(startedMs))),
    )
  }

  private ending(script: Exclude<Answer, string>, startedMs: number): Stream.Stream<LlmEvent, LlmError> {
    if (script.stall === true) return Stream.never
    return Stream.unwrap(
      Effect.sync(() => {
        this.close(startedMs)
        const { error } = script
        if (error !== undefined) return Stream.fail(this.fail(reasonOf(error)))
        return Stream.succeed<LlmEvent>(this.finish(script))
      }),
    )
  }

  private note(event: LlmEvent, startedMs: number): void {
    if (event.type === "text-delta") this.text += event.delta
    if (isOutput(event) && this.record !== undefined) {
      this.record.firstOutputMs ??= this.clock.currentTimeMillisUnsafe() - startedMs
    }
  }

  private close(startedMs: number): void {
    if (this.record === undefined) return
    this.record.durationMs = this.clock.currentTimeMillisUnsafe() - startedMs
    this.record = undefined
    this.call.openSinceMs = undefined
  }

  private fail(reason: LlmErrorReason): LlmError {
    const last = this.call.attempts.at(-1)
    if (last !== undefined) {
      const retryAfterMs = reason._tag === "ConfigurationError" ? undefined : reason.retryAfterMs
      this.call.attempts[this.call.attempts.length - 1] = { ...last, errorType: reason._tag, retryAfterMs }
    }
    const text = this.text === "" ? {} : { text: this.text }
    return new LlmError({
      reason,
      provider: this.provider,
      model: this.model,
      attempts: [...this.call.attempts],
      ...text,
    })
  }

  private finish(script: Exclude<Answer, string>): LlmEvent {
    const nowMs = this.clock.currentTimeMillisUnsafe()
    const { request } = this
    return {
      type: "response-finish",
      finishReason: script.finishReason ?? (script.toolCalls === undefined ? "stop" : "tool-calls"),
      metadata: {
        provider: this.provider,
        model: this.model,
        servedModel: this.model,
        temperature: request.temperature,
        maxTokens: request.maxTokens,
        usage: script.usage ?? {},
        usageStatus: script.usage === undefined ? "unknown" : "reported",
        latencyMs: nowMs - this.call.startedMs,
        timestamp: this.call.started,
        costUsd: null,
        attempts: attemptsOf(this.call, nowMs),
        warnings: [],
        degraded: false,
      },
    }
  }
}

const piecesOf = (script: Exclude<Answer, string>): ReadonlyArray<LlmEvent> => {
  const events: Array<LlmEvent> = []
  let index = 0
  if (script.reasoning !== undefined) events.push({ type: "reasoning-delta", index: index++, delta: script.reasoning })
  const texts = script.text === undefined ? [] : Arr.ensure(script.text)
  for (const delta of texts) events.push({ type: "text-delta", index, delta })
  if (texts.length > 0) index++
  for (const [position, { arguments: args, id = `call_${position}`, name }] of (script.toolCalls ?? []).entries()) {
    events.push({ type: "tool-call-start", index, id, name })
    events.push({ type: "tool-call-end", index, id, name, arguments: args })
    index++
  }
  return events
}
