/**
 * How a policy surrounds the methods of a service. A mechanism works on plain effects and streams; one adapter for each
 * service applies it to every method, so that no policy can forget one, and what serves one service serves all.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Stream from "effect/Stream"
import { type CallContext, isJoining, joinCall, joins, within } from "../../call/CallContext.ts"
import { EmbeddingProvider } from "../../model/EmbeddingProvider.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import { LlmProvider } from "../../model/LlmProvider.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import { type CountedTokens, ModelInfo, type ModelList } from "../../model/ModelInfo.ts"
import { ownRequest } from "./OwnRequest.ts"
import type { ResponseMetadata } from "../../model/LlmResponse.ts"
import { openStream, startStream, streamFrom } from "./StreamStart.ts"

/**
 * What a policy may know of a request, whatever the service. It has not been checked yet: that is for the provider, so a
 * program without types may have put anything into its fields.
 */
export interface Asked extends Partial<LlmRequest> {
  /** The texts of a request for embeddings; absent where an answer is asked for. */
  readonly inputs?: ReadonlyArray<string> | undefined
  /** What is asked of models, where it is no answer and no embedding: their list, or the tokens of a request. */
  readonly about?: "models" | "tokens" | undefined
}

/** What a request asks for. */
export type AskedKind = "answer" | "embeddings" | "models" | "tokens"

/** What tells the services apart, where a policy has to know. */
export const kindOf = ({ about, inputs }: Asked): AskedKind => about ?? (inputs === undefined ? "answer" : "embeddings")

/** What a policy may know of an answer, whatever the service. */
export interface Answered {
  /** What surrounds the answer. */
  readonly metadata: ResponseMetadata
}

/** What a policy may know of a service. */
export interface Identity {
  /** What it is called in errors, attempts and logs. */
  readonly name: string
  /** The model for requests that name none. */
  readonly model?: string | undefined
  /** How many targets may be asked one after another; 1 where absent. */
  readonly targets?: number | undefined
}

/** What a policy does around a method that answers at once, and around one that answers piece by piece. */
export interface Around {
  /** Surrounds a method that answers at once; `run` asks the service within, as often as it is called. */
  readonly effect: <Q extends Asked, A extends Answered>(
    request: Q,
    run: (request: Q) => Effect.Effect<A, LlmError>,
  ) => Effect.Effect<A, LlmError>
  /** Surrounds a method that answers piece by piece. */
  readonly stream: <Q extends Asked>(
    request: Q,
    run: (request: Q) => Stream.Stream<LlmEvent, LlmError>,
  ) => Stream.Stream<LlmEvent, LlmError>
}

type LlmService = LlmProvider["Service"]
type EmbeddingService = EmbeddingProvider["Service"]
type ModelService = ModelInfo["Service"]

/** A service whose every method runs inside `around`, with a request of its own from the call on. */
export const surroundLlm = (inner: LlmService, around: Around): LlmService => {
  // Made once: each call would hold its own until it ends.
  const generate = (asked: LlmRequest) => inner.generate(asked)
  const stream = (asked: LlmRequest) => inner.stream(asked)
  return joins({
    name: inner.name,
    model: inner.model,
    targets: inner.targets,
    generate: (request) => around.effect(ownRequest(request), generate),
    stream: (request) => around.stream(ownRequest(request), stream),
  })
}

/** Everything that happens within is one call, also what a stream asks for when it is read. */
export const oneCall: Around = {
  effect: (request, run) => joinCall(() => run(request)),
  stream: (request, run) =>
    streamFrom((scope) =>
      joinCall((context) => Effect.map(openStream(run(request), scope), (pull) => within(pull, context))),
    ),
}

/** The service as one call for each of its answers: one that a program wrote itself is made so. */
export const asOneCall = (service: LlmService): LlmService =>
  isJoining(service) ? service : surroundLlm(service, oneCall)

/** A service of embeddings that runs inside `around`. */
export const surroundEmbedding = (inner: EmbeddingService, around: Around): EmbeddingService => ({
  name: inner.name,
  model: inner.model,
  targets: inner.targets,
  batchLimits: inner.batchLimits,
  embed: (request) => around.effect(ownRequest(request), (asked) => inner.embed(asked)),
})

/** What a policy may know of a request whose tokens are counted. */
const aboutTokens = (request: LlmRequest): Asked => {
  try {
    return { ...request, about: "tokens" }
  } catch {
    // A getter that throws: the check of requests tells of it.
    return { about: "tokens" }
  }
}

/** What tells of models, running inside `around`. */
export const surroundModels = (inner: ModelService, around: Around): ModelService => ({
  name: inner.name,
  model: inner.model,
  targets: inner.targets,
  models: Effect.suspend(() => around.effect<Asked, ModelList>({ about: "models" }, () => inner.models)),
  countTokens: (request) => {
    const own = ownRequest(request)
    return around.effect<Asked, CountedTokens>(aboutTokens(own), () => inner.countTokens(own))
  },
})

/** The identity that the services of a context share. */
export const identityOf = (context: Context.Context<never>): Identity =>
  Context.getOrUndefined(context, LlmProvider) ??
  Context.getOrUndefined(context, EmbeddingProvider) ??
  Context.getOrUndefined(context, ModelInfo) ?? { name: "none" }

/** Surrounds every service of this library that a context holds; everything else in it stays as it is. */
export const surround = <R>(context: Context.Context<R>, around: Around): Context.Context<R> => {
  const llm = Context.getOrUndefined(context, LlmProvider)
  const embedding = Context.getOrUndefined(context, EmbeddingProvider)
  let surrounded = context
  if (llm !== undefined)
    surrounded = Context.merge(surrounded, Context.make(LlmProvider, surroundLlm(asOneCall(llm), around)))
  if (embedding !== undefined) {
    surrounded = Context.merge(surrounded, Context.make(EmbeddingProvider, surroundEmbedding(embedding, around)))
  }
  const models = Context.getOrUndefined(context, ModelInfo)
  if (models !== undefined) {
    surrounded = Context.merge(surrounded, Context.make(ModelInfo, surroundModels(models, around)))
  }
  return surrounded
}

/** The beginning of an answer, which a mechanism may run never, once or again, within whatever context it hands down. */
export type Start = <A>(
  begin: Effect.Effect<A, LlmError>,
  context: CallContext,
  request: Asked,
  fiber: Fiber.Fiber<unknown, unknown>,
) => Effect.Effect<A, LlmError>

/**
 * Answers that begin through `start`: the whole of an answer that comes at once, and of a stream what comes before its
 * first output.
 */
export const aroundStart = (start: Start): Around => ({
  effect: (request, run) => joinCall((context, fiber) => start(run(request), context, request, fiber)),
  stream: (request, run) =>
    streamFrom((scope) =>
      joinCall((context, fiber) => start(startStream(run(request), scope), context, request, fiber)),
    ),
})
