/**
 * A provider of your own, from functions: it has the same rights as a built-in one. Requests are checked before a function
 * sees them, each attempt stands in the ledger, and metadata and errors are made of what the functions return.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Channel from "effect/Channel"
import * as Scope from "effect/Scope"
import { InvalidResponseError, type LlmError, type LlmErrorReason, StreamInterruptedError } from "../model/LlmError.ts"
import { assemble, eventsOf, type LlmEvent } from "../model/LlmEvent.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import {
  type Billing,
  type FinishReason,
  fromParts,
  type LlmResponse,
  type ResponsePart,
  type Usage,
} from "../model/LlmResponse.ts"
import { validateRequest } from "../model/RequestValidation.ts"
import { type Attempt, type AttemptTarget, failBefore, openAttempt } from "./Attempt.ts"
import type { OwnPrices } from "../prices/OwnPrices.ts"
import { type CallContext, joinCall, joins } from "./CallContext.ts"

/** How an answer ended. Only `finishReason` is required; usage that is left out is unknown, never 0. */
export interface ReplyEnd {
  /** Why the answer ended. */
  readonly finishReason: FinishReason
  /** The tokens; unknown where absent. A bucket that is below 0 or not finite is left out. */
  readonly usage?: Usage | undefined
  /** How it was billed: a `costUsd` here of 0 or more is the answer's cost, whatever `prices` say. */
  readonly billing?: Billing | undefined
  /** The model that answered, where it is not the one asked for. */
  readonly servedModel?: string | undefined
  /** Why the answer ended, in the service's own word. */
  readonly rawFinishReason?: string | undefined
  /** What was dropped or changed, in words for the caller. */
  readonly warnings?: ReadonlyArray<string> | undefined
}

/** A whole answer: its parts in order, and how it ended. */
export interface Reply extends ReplyEnd {
  /** The parts, in order. */
  readonly parts: ReadonlyArray<ResponsePart>
}

/** A piece of a streamed answer, or its end. An answer without an `end` did not succeed. */
export type ReplyPiece =
  | Exclude<LlmEvent, { readonly type: "response-start" | "response-finish" }>
  | (ReplyEnd & { readonly type: "end" })

/**
 * What a provider is made of. Give `generate`, `stream`, or both: what is missing is made of the other. The functions fail
 * with a reason (`RateLimitError`, `ServerError` …), which decides about retries and fallbacks; a defect stays a defect.
 * `model` is the one to ask: the request's own, or the provider's.
 */
export interface ProviderDefinition {
  /** What it is called in errors, attempts, metadata and logs. */
  readonly name: string
  /** The model for requests that name none. */
  readonly model?: string | undefined
  /** What its answers cost: rates by the names of models, or a function. Without it only a cost that `billing` tells is known. */
  readonly prices?: OwnPrices | undefined
  /** Gives the whole answer. */
  readonly generate?:
    | ((request: LlmRequest, model: string | undefined) => Effect.Effect<Reply, LlmErrorReason>)
    | undefined
  /** Gives the answer piece by piece, and then its `end`. */
  readonly stream?:
    | ((request: LlmRequest, model: string | undefined) => Stream.Stream<ReplyPiece, LlmErrorReason>)
    | undefined
}

/** The service that a definition makes. */
export const make = (definition: ProviderDefinition): LlmProvider["Service"] => {
  const { model, name } = definition
  const streamed = definition.stream ?? pieces(definition)
  return joins({
    name,
    model,
    generate: (request) =>
      Effect.suspend(() => {
        let attempt: Attempt | undefined
        const answer = asked(definition, request, (sent) => {
          attempt = sent.attempt
          const reply = definition.generate?.(sent.request, sent.attempt.model)
          return reply === undefined ? folded(streamed(sent.request, sent.attempt.model), sent) : whole(reply, sent)
        })
        // Laid down before the attempt begins, so that no interruption can come between and leave it open.
        return Effect.onExitPrimitive(answer, (exit) => {
          attempt?.close(exit)
          return undefined
        })
      }),
    stream: (request) =>
      Stream.fromChannel(
        Channel.fromTransform((_, scope) => {
          let attempt: Attempt | undefined
          // Laid down before the attempt begins, as above.
          const closing = Scope.addFinalizer(
            scope,
            Effect.sync(() => attempt?.close()),
          )
          const opening = asked(definition, request, (sent) => {
            attempt = sent.attempt
            const reply = Stream.suspend(() => streamed(sent.request, sent.attempt.model))
            return Channel.toPullScoped(events(reply, sent).channel, scope)
          })
          return Effect.andThen(closing, opening)
        }),
      ),
  })
}

/** A Layer of `LlmProvider` from functions. */
export const layer = (definition: ProviderDefinition): Layer.Layer<LlmProvider> =>
  Layer.sync(LlmProvider, () => make(definition))

/** A request on its way to the functions. */
interface Asked {
  readonly request: LlmRequest
  readonly attempt: Attempt
}

const asked = <A>(
  { model, name, prices }: ProviderDefinition,
  input: LlmRequest,
  send: (sent: Asked) => Effect.Effect<A, LlmError>,
): Effect.Effect<A, LlmError> =>
  joinCall((context: CallContext, fiber: Fiber.Fiber<unknown, unknown>) => {
    const valid = validateRequest(input)
    if (Result.isFailure(valid)) {
      return Effect.fail(failBefore(context, { provider: name, model: model }, valid.failure))
    }
    const request = valid.success
    const { maxTokens, temperature } = request
    const pricing = prices === undefined ? undefined : { prices }
    const target: AttemptTarget = { provider: name, model: request.model ?? model, temperature, maxTokens, pricing }
    const attempt = openAttempt(context, fiber, target, request)
    return Result.isFailure(attempt) ? Effect.fail(attempt.failure) : send({ request, attempt: attempt.success })
  })

const ended = (end: ReplyEnd) => {
  const usage = end.usage === undefined ? undefined : told(end.usage)
  return {
    ...end,
    usage: usage ?? {},
    usageStatus: usage === undefined ? ("unknown" as const) : ("reported" as const),
    billing: end.billing === undefined ? undefined : { ...end.billing, costUsd: amount(end.billing.costUsd) },
  }
}

/** An amount below 0 or not finite is unknown: a budget would give something back for it, and a ledger would hold `NaN`. */
const amount = (told: number | undefined): number | undefined =>
  Number.isFinite(told) && Number(told) >= 0 ? told : undefined

/** The usage without what tells nothing; undefined where nothing is left of it. */
const told = (usage: Usage): Usage | undefined => {
  const known = Object.entries(usage).filter(([, tokens]) => amount(tokens) !== undefined)
  return known.length === 0 ? undefined : Object.fromEntries(known)
}

const whole = (reply: Effect.Effect<Reply, LlmErrorReason>, { attempt }: Asked): Effect.Effect<LlmResponse, LlmError> =>
  Effect.matchEffect(reply, {
    onFailure: (reason) => Effect.fail(attempt.fail(reason)),
    onSuccess: ({ parts, ...end }) => {
      attempt.sawOutput()
      return Effect.succeed(fromParts(parts, end.finishReason, attempt.finish(ended(end))))
    },
  })

const folded = (reply: Stream.Stream<ReplyPiece, LlmErrorReason>, sent: Asked): Effect.Effect<LlmResponse, LlmError> =>
  Effect.suspend(() => {
    const assembly = assemble()
    const read = Stream.runForEach(events(reply, sent), (event) => Effect.sync(() => assembly.add(event)))
    return Effect.flatMap(read, () => {
      const response = assembly.response()
      return response === undefined ? Effect.die("an answer ended without its end") : Effect.succeed(response)
    })
  })

/** The parts of a whole answer as pieces. */
const pieces =
  ({ generate, name }: ProviderDefinition) =>
  (request: LlmRequest, model: string | undefined): Stream.Stream<ReplyPiece, LlmErrorReason> =>
    generate === undefined
      ? Stream.fail(new InvalidResponseError({ message: `the provider ${name} has neither generate nor stream` }))
      : Stream.unwrap(
          Effect.map(generate(request, model), ({ parts, ...end }) =>
            Stream.fromIterable<ReplyPiece>([...eventsOf(parts), { type: "end", ...end }]),
          ),
        )

/** The pieces as events: they begin with `response-start`, and end with `response-finish` or a failure (law 1). */
const events = (
  reply: Stream.Stream<ReplyPiece, LlmErrorReason>,
  { attempt }: Asked,
): Stream.Stream<LlmEvent, LlmError> => {
  let text = ""
  let isEnded = false
  const read = (piece: ReplyPiece): LlmEvent => {
    if (piece.type === "end") {
      isEnded = true
      return { type: "response-finish", finishReason: piece.finishReason, metadata: attempt.finish(ended(piece)) }
    }
    attempt.sawOutput()
    if (piece.type === "text-delta") text += piece.delta
    return piece
  }
  const start: LlmEvent = { type: "response-start" }
  return Stream.succeed(start).pipe(
    Stream.concat(
      reply.pipe(
        Stream.takeUntil((piece) => piece.type === "end"),
        Stream.map(read),
        Stream.mapError((reason) => attempt.fail(reason, undefined, text)),
        Stream.tapCause((cause) => Effect.sync(() => attempt.close(Exit.failCause(cause)))),
      ),
    ),
    Stream.concat(
      Stream.suspend(() =>
        isEnded
          ? Stream.empty
          : Stream.fail(
              attempt.fail(
                new StreamInterruptedError({ message: "the stream ended before the answer did" }),
                undefined,
                text,
              ),
            ),
      ),
    ),
  )
}
