/**
 * Providers for tests that play recordings of true answers: one JSON file for each request, made once with a key and a
 * network and then played without. They are strict: a request that is not recorded fails, and nothing is sent.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { joins } from "../call/CallContext.ts"
import * as Provider from "../call/Provider.ts"
import { EmbeddingProvider, type EmbeddingRequest } from "../model/EmbeddingProvider.ts"
import { jsonProblem } from "../model/JsonCopy.ts"
import { ConfigurationError, type ErrorType, LlmError } from "../model/LlmError.ts"
import { isOutput, type LlmEvent } from "../model/LlmEvent.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { ResponseMetadata } from "../model/LlmResponse.ts"
import { recordedMetadata } from "./Cassette.ts"
import { layerEmbeddings as scriptedEmbeddings } from "./ScriptedEmbeddings.ts"
import { load, modeOf, type Played, type RecordingOptions, type Tape } from "./Tape.ts"

/** Recordings, and whom to ask where they are made. */
export interface RecordedOptions<I, E = never, R = never> extends RecordingOptions {
  /** Whom to ask. It is built only where recordings are made: playing them needs no key. */
  readonly layer?: Layer.Layer<I, E, R> | undefined
}

/**
 * Answers from the recordings of a folder. A request that is not recorded fails with `InvalidRequestError`, which names the
 * file that is missing and the nearest recording. With `RECORD=1` it asks `layer` instead and writes what comes: answers,
 * streams with their pieces, and failures that the request itself causes. A request that is asked several times gets its
 * answers in turn, and then the last one again. Requests are compared as they arrive here, in all their fields.
 */
export const layer = <E = never, R = never>(
  options: RecordedOptions<LlmProvider, E, R>,
): Layer.Layer<LlmProvider, E | LlmError, R> =>
  Layer.effect(
    LlmProvider,
    Effect.gen(function* () {
      const mode = yield* modeOf(options)
      const tape = yield* load(options, mode)
      if (mode === "replay") return player(tape)
      const inner = Context.get(yield* built(options.layer), LlmProvider)
      const recording = recorder(tape, inner)
      return mode === "record" ? recording : preferring(tape, recording)
    }),
  )

/** The same for embeddings. */
export const layerEmbeddings = <E = never, R = never>(
  options: RecordedOptions<EmbeddingProvider, E, R>,
): Layer.Layer<EmbeddingProvider, E | LlmError, R> =>
  Layer.effect(
    EmbeddingProvider,
    Effect.gen(function* () {
      const mode = yield* modeOf(options)
      const tape = yield* load(options, mode)
      const find = (request: EmbeddingRequest) => (isPlain(request) ? tape.next(request) : undefined)
      if (mode === "replay") {
        return {
          name: "recorded",
          embed: (request) => Effect.suspend(() => playVectors(find(request), tape, request)),
        }
      }
      const inner = Context.get(yield* built(options.layer), EmbeddingProvider)
      const record = (request: EmbeddingRequest) =>
        Effect.tap(inner.embed(request), ({ embeddings, metadata }) =>
          tape.write(request, metadata.provider, metadata.model, { embeddings, end: recordedMetadata(metadata) }),
        )
      return {
        name: inner.name,
        model: inner.model,
        embed: (request) =>
          Effect.suspend(() => {
            const played = mode === "new" ? find(request) : undefined
            return played === undefined ? record(request) : playVectors(played, tape, request)
          }),
      }
    }),
  )

const built = <I, E, R>(given: Layer.Layer<I, E, R> | undefined) =>
  given === undefined
    ? Effect.fail(
        new LlmError({
          reason: new ConfigurationError({ setting: "layer", message: "whom to record is missing: pass layer" }),
          provider: "recorded",
          attempts: [],
        }),
      )
    : Layer.build(given)

const isPlain = (request: unknown): boolean => jsonProblem(request, "") === undefined

/** What answers one request: its recording, or its error. What is no request at all is refused by the check of requests. */
const serviceFor = (played: Played | undefined, tape: Tape, request: LlmRequest): LlmProvider["Service"] => {
  const name = played?.provider ?? "recorded"
  const missing = Effect.suspend(() => Effect.fail(tape.missing(request)))
  if (played === undefined) return Provider.make({ name, generate: () => missing })
  const { answer, model } = played
  const definition = { name, model: model ?? request.model }
  if ("error" in answer) {
    const pieces = (answer.pieces ?? []).filter(isOutput)
    return Provider.make({
      ...definition,
      stream: () => Stream.concat(Stream.fromIterable(pieces), Stream.fail(answer.error)),
    })
  }
  if ("embeddings" in answer) return Provider.make({ name, generate: () => missing })
  const { costUsd, finishReason, rawFinishReason, servedModel, usage, warnings } = answer.end
  const billing = costUsd === undefined ? undefined : { costUsd }
  const end: Provider.ReplyEnd = {
    finishReason,
    rawFinishReason,
    servedModel,
    usage,
    billing,
    warnings: warnings ?? [],
  }
  if ("parts" in answer) {
    return Provider.make({ ...definition, generate: () => Effect.succeed({ parts: answer.parts, ...end }) })
  }
  const pieces: ReadonlyArray<Provider.ReplyPiece> = [...answer.pieces.filter(isOutput), { type: "end", ...end }]
  return Provider.make({ ...definition, stream: () => Stream.fromIterable(pieces) })
}

const player = (tape: Tape): LlmProvider["Service"] => {
  const find = (request: LlmRequest) => serviceFor(isPlain(request) ? tape.next(request) : undefined, tape, request)
  return joins({
    name: "recorded",
    generate: (request) => Effect.suspend(() => find(request).generate(request)),
    stream: (request) => Stream.suspend(() => find(request).stream(request)),
  })
}

/** Plays what is recorded, and records the rest. */
const preferring = (tape: Tape, recording: LlmProvider["Service"]): LlmProvider["Service"] => {
  const find = (request: LlmRequest) => {
    const played = isPlain(request) ? tape.next(request) : undefined
    return played === undefined ? recording : serviceFor(played, tape, request)
  }
  return {
    name: recording.name,
    model: recording.model,
    targets: recording.targets,
    generate: (request) => Effect.suspend(() => find(request).generate(request)),
    stream: (request) => Stream.suspend(() => find(request).stream(request)),
  }
}

/** Failures that the same request meets each time. Others are of the day, of the account or of the network. */
const isOfRequest: ReadonlySet<ErrorType> = new Set([
  "ContentFilterError",
  "ContextLengthExceededError",
  "InvalidRequestError",
  "ModelNotFoundError",
])

const recorder = (tape: Tape, inner: LlmProvider["Service"]): LlmProvider["Service"] => {
  const writeFailure = (request: LlmRequest, error: LlmError, pieces: ReadonlyArray<LlmEvent> = []) => {
    const { attempts, model, provider, reason } = error
    // Without an attempt it was refused before it was sent.
    if (!isOfRequest.has(reason._tag) || attempts.length === 0) return Effect.void
    return tape.write(request, provider, model, { ...(pieces.length === 0 ? {} : { pieces }), error: reason })
  }
  const endOf = (finishReason: Provider.ReplyEnd["finishReason"], metadata: ResponseMetadata) => ({
    finishReason,
    ...(metadata.rawFinishReason === undefined ? {} : { rawFinishReason: metadata.rawFinishReason }),
    ...recordedMetadata(metadata),
  })
  return {
    name: inner.name,
    model: inner.model,
    targets: inner.targets,
    generate: (request) =>
      inner.generate(request).pipe(
        Effect.tap(({ finishReason, metadata, parts }) =>
          tape.write(request, metadata.provider, metadata.model, { parts, end: endOf(finishReason, metadata) }),
        ),
        Effect.tapError((error) => writeFailure(request, error)),
      ),
    stream: (request) =>
      Stream.suspend(() => {
        const pieces: Array<LlmEvent> = []
        return inner.stream(request).pipe(
          Stream.tap((event) => {
            if (event.type === "response-start") return Effect.void
            if (event.type !== "response-finish") {
              pieces.push(event)
              return Effect.void
            }
            const { finishReason, metadata } = event
            return tape.write(request, metadata.provider, metadata.model, {
              pieces,
              end: endOf(finishReason, metadata),
            })
          }),
          Stream.tapError((error) => writeFailure(request, error, pieces)),
        )
      }),
  }
}

/** Recorded vectors through the same door as scripted ones: it checks the request, and keeps the call's ledger. */
const playVectors = (played: Played | undefined, tape: Tape, request: EmbeddingRequest) => {
  const name = played?.provider ?? "recorded"
  const answer = played?.answer
  const problem = answer !== undefined && "error" in answer ? answer.error : undefined
  const script =
    answer !== undefined && "embeddings" in answer
      ? [{ embeddings: answer.embeddings, usage: answer.end.usage }]
      : // What is no request at all is refused before its error is looked at.
        isPlain(request)
        ? [{ error: problem ?? tape.missing(request) }]
        : []
  const given = scriptedEmbeddings(script, { name, model: played?.model ?? request.model })
  return Effect.flatMap(Effect.provide(EmbeddingProvider, given), (embeddings) => embeddings.embed(request))
}
