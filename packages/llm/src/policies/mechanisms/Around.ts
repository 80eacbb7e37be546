/**
 * What a policy is told of a request, and what it does around a method. A mechanism works on plain effects and streams;
 * `Surround.ts` puts it around every method of every service, so what serves one service serves all.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Stream from "effect/Stream"
import { type CallContext, joinCall, joinStream, openWithin, within } from "../../call/CallContext.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import type { ResponseMetadata } from "../../model/LlmResponse.ts"
import { startStream } from "./StreamStart.ts"

/**
 * What a policy may know of a request, whatever the service. It has not been checked yet: that is for the provider, so a
 * program without types may have put anything into its fields.
 */
export interface Asked extends Partial<LlmRequest> {
  /** The texts of a request for embeddings; absent where an answer is asked for. */
  readonly inputs?: ReadonlyArray<string> | undefined
  /** What is asked for where it is no answer and no embedding, such as the list of models or the tokens of a request. */
  readonly about?: AskedAbout | undefined
}

/** What a request asks for. */
export type AskedKind = "answer" | "embeddings" | "models" | "tokens"

/** The kinds that are told in `about`: a request with `inputs` and nothing else is for embeddings, one without for an answer. */
export type AskedAbout = Exclude<AskedKind, "answer" | "embeddings">

/** True for a kind that is told in `about`. */
export const isAbout = (kind: AskedKind): kind is AskedAbout => kind !== "answer" && kind !== "embeddings"

/** What policies must know of what is asked for. */
export interface AskedTraits {
  /** Whether the service takes tokens for it: they are reserved in rates, and counted. */
  readonly usesTokens: boolean
  /** Whether the service writes tokens, so that some are reserved for its output. */
  readonly hasOutput: boolean
  /** Whether a cache keeps what was answered. */
  readonly isKept: boolean
  /** `gen_ai.operation.name` of its spans and metrics. The conventions have none for the last two: named after the method. */
  readonly operation: "chat" | "embeddings" | "count_tokens" | "list_models"
  /** The kind of whole answers that its time is compared with. */
  readonly latency: "generate" | "embed" | "about"
}

/** What policies must know of each kind of request. No policy tells kinds apart in another way. */
export const kinds = {
  answer: { usesTokens: true, hasOutput: true, isKept: true, operation: "chat", latency: "generate" },
  embeddings: { usesTokens: true, hasOutput: false, isKept: true, operation: "embeddings", latency: "embed" },
  // What a service tells of its models is cheap, and changes.
  models: { usesTokens: false, hasOutput: false, isKept: false, operation: "list_models", latency: "about" },
  tokens: { usesTokens: false, hasOutput: false, isKept: false, operation: "count_tokens", latency: "about" },
} as const satisfies Readonly<Record<AskedKind, AskedTraits>>

/** The kinds whose answers a cache keeps: `cache/CacheEntry.ts` says of each what makes an answer whole. */
export type KeptKind = { [K in AskedKind]: (typeof kinds)[K]["isKept"] extends true ? K : never }[AskedKind]

/** True for a kind whose answers a cache keeps. */
export const isKept = (kind: AskedKind): kind is KeptKind => kinds[kind].isKept

/** What a request asks for. */
export const kindOf = ({ about, inputs }: Asked): AskedKind => {
  if (about !== undefined && isKind(about)) return about
  return inputs === undefined ? "answer" : "embeddings"
}

/** A program without types may have put anything there. */
const isKind = (about: unknown): about is AskedKind => typeof about === "string" && Object.hasOwn(kinds, about)

/** What a policy must know of what a request asks for. Throws only where reading a field of the request throws. */
export const traitsOf = (request: Asked): AskedTraits => kinds[kindOf(request)]

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

/** Everything that happens within is one call, also what a stream asks for when it is read. */
export const oneCall: Around = {
  effect: (request, run) => joinCall(() => run(request)),
  stream: (request, run) =>
    joinStream((scope, context, fiber) =>
      Effect.map(openWithin(run(request), scope, fiber), (pull) => within(pull, context)),
    ),
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
    joinStream((scope, context, fiber) => start(startStream(run(request), scope), context, request, fiber)),
})
