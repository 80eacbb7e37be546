/**
 * Every service of this library, one row each: its tag, and its methods in terms of what is done around a call. What
 * surrounds services, falls back or balances goes over this table, so that no policy can forget a service or a method.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { joins } from "../../call/CallContext.ts"
import { EmbeddingProvider, type EmbeddingRequest } from "../../model/EmbeddingProvider.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import { LlmProvider } from "../../model/LlmProvider.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import { ModelInfo } from "../../model/ModelInfo.ts"
import type { Answered, Asked, AskedAbout, AskedKind, Identity } from "./Around.ts"
import { smallerLimits } from "./Shares.ts"

/** Any service of this library. */
export type AnyService = LlmProvider | EmbeddingProvider | ModelInfo

/**
 * What becomes of the methods of a service. `run` asks one of the services within; it is called for each call, so it makes
 * nothing but the call. The functions of this interface themselves are called once for each service.
 */
export interface Calls<S> {
  /** A method that answers at once. */
  readonly effect: <Q extends Asked, A extends Answered>(
    kind: AskedKind,
    run: (one: S, request: Q) => Effect.Effect<A, LlmError>,
  ) => (request: Q) => Effect.Effect<A, LlmError>
  /** A method that answers piece by piece. */
  readonly stream: <Q extends Asked>(
    run: (one: S, request: Q) => Stream.Stream<LlmEvent, LlmError>,
  ) => (request: Q) => Stream.Stream<LlmEvent, LlmError>
  /** What is asked for without a request. */
  readonly question: <A extends Answered>(
    about: AskedAbout,
    run: (one: S) => Effect.Effect<A, LlmError>,
  ) => Effect.Effect<A, LlmError>
  /** What is known of a model without asking; `both` is for a model that either of two services may be asked for. */
  readonly known: <A>(
    of: (one: S, model: string | undefined) => A | undefined,
    both: (one: A | undefined, other: A | undefined) => A | undefined,
  ) => (model: string | undefined) => A | undefined
}

/** One service. */
export interface ServiceRow<I, S extends Identity> {
  /** What it is asked for by. */
  readonly tag: Context.Key<I, S>
  /** True where each answer of a service that a program wrote itself is made one call. */
  readonly isOneCall: boolean
  /** The service whose methods do what `calls` makes of them. */
  readonly make: (identity: Identity, calls: Calls<S>) => S
}

const row = <I, S extends Identity>(
  tag: Context.Key<I, S>,
  make: ServiceRow<I, S>["make"],
  isOneCall = false,
): ServiceRow<I, S> => ({ tag, make, isOneCall })

/** Answers. */
export const answers = row(
  LlmProvider,
  (identity, { effect, stream }) =>
    joins<LlmProvider["Service"]>({
      ...identity,
      generate: effect("answer", (one, request: LlmRequest) => one.generate(request)),
      stream: stream((one, request: LlmRequest) => one.stream(request)),
    }),
  true,
)

/** Vectors. */
export const embeddings = row(EmbeddingProvider, (identity, { effect, known }) => ({
  ...identity,
  batchLimits: known((one, model) => one.batchLimits?.(model), smallerLimits),
  embed: effect("embeddings", (one, request: EmbeddingRequest) => one.embed(request)),
}))

/** What is told of models. */
export const models = row(ModelInfo, (identity, { effect, question }) => ({
  ...identity,
  models: question("models", (one) => one.models),
  countTokens: effect("tokens", (one, request: LlmRequest) => one.countTokens(request)),
}))

/** Goes over every service: `visit` adds to what the services before it made. */
export const overServices = <A>(
  start: A,
  visit: <I extends AnyService, S extends Identity>(into: A, service: ServiceRow<I, S>) => A,
): A => visit(visit(visit(start, answers), embeddings), models)
