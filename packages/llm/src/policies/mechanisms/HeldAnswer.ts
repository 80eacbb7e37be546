/**
 * What lasts from the first moment of an answer to its end: a span, a place in a circuit. The end is laid down before the
 * beginning, so that no interruption can come between the two, and it runs exactly once.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { type CallContext, endingWith, type Events, joinCall, joinStream, openWithin } from "../../call/CallContext.ts"
import type { LlmError } from "../../model/LlmError.ts"
import { isOutput, type LlmEvent } from "../../model/LlmEvent.ts"
import type { FinishReason, ResponseMetadata } from "../../model/LlmResponse.ts"
import type { Answered, Around, Asked } from "./Around.ts"

/**
 * How an answer ended: whole; with an error; with a defect, which is a bug and no answer; or because nobody wants it any
 * more. `exit` is how the call itself ended.
 */
export type Outcome = { readonly exit: Exit.Exit<unknown, LlmError> } & (
  | { readonly _tag: "Answered"; readonly metadata: ResponseMetadata; readonly finishReason?: FinishReason | undefined }
  | { readonly _tag: "Failed"; readonly error: LlmError }
  | { readonly _tag: "Died"; readonly defect: unknown }
  | { readonly _tag: "Aborted" }
)

/** What to do at both ends of an answer. */
export interface Holding<Held> {
  /** Runs before the answer begins; may refuse it. `isStream` says whether it comes piece by piece. */
  readonly begin: (
    context: CallContext,
    request: Asked,
    fiber: Fiber.Fiber<unknown, unknown>,
    isStream: boolean,
  ) => Result.Result<Held, LlmError>
  /** Runs once for each answer that began, with how it ended. */
  readonly end: (
    held: Held,
    outcome: Outcome,
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
  ) => Effect.Effect<void> | undefined
  /** The first output of a stream; not told where `pieces` are. */
  readonly output?: ((held: Held, fiber: Fiber.Fiber<unknown, unknown>, context: CallContext) => void) | undefined
  /** Each read of a stream, with what it brought. */
  readonly pieces?:
    | ((held: Held, events: ReadonlyArray<LlmEvent>, fiber: Fiber.Fiber<unknown, unknown>) => void)
    | undefined
  /** Hands something down to what runs within, or waits before it: the opening of an answer, and each read of a stream. */
  readonly inside?:
    | (<A, E>(effect: Effect.Effect<A, E>, held: Held, context: CallContext) => Effect.Effect<A, E | LlmError>)
    | undefined
}

const failed = (cause: Cause.Cause<LlmError>): Outcome => {
  const exit = Exit.failCause(cause)
  const error = Cause.findErrorOption(cause)
  if (error._tag === "Some") return { _tag: "Failed", error: error.value, exit }
  return Cause.hasInterruptsOnly(cause)
    ? { _tag: "Aborted", exit }
    : { _tag: "Died", defect: Cause.squash(cause), exit }
}

const aborted = failed(Cause.interrupt())

const outcomeOf = (exit: Exit.Exit<Answered & { readonly finishReason?: FinishReason }, LlmError>): Outcome =>
  Exit.isSuccess(exit)
    ? { _tag: "Answered", metadata: exit.value.metadata, finishReason: exit.value.finishReason, exit }
    : failed(exit.cause)

/** Answers that are held from their beginning to their end. */
export const aroundAnswer = <Held>(holding: Holding<Held>): Around => ({
  effect: (request, run) =>
    joinCall((context, fiber) => {
      const answer = new HeldAnswer(holding, context, false)
      return endingWith(() => answer.begin(request, fiber, () => run(request)), answer.ending(fiber))
    }),
  stream: (request, run) =>
    joinStream((scope, context, fiber) => {
      const answer = new HeldAnswer(holding, context, true)
      return Effect.flatMap(Scope.addFinalizer(scope, answer.settle(aborted)), () =>
        Effect.catchCause(
          Effect.suspend(() =>
            answer.begin(request, fiber, (held, own) =>
              Effect.map(openWithin(run(request), scope, own), (pull) => answer.settling(pull, held)),
            ),
          ),
          (cause) => answer.failing(cause),
        ),
      )
    }),
})

/** Stands for what is held before an answer has begun, and after its end. */
const nothing = Symbol("nothing")

class HeldAnswer<Held> {
  private readonly holding: Holding<Held>
  private readonly context: CallContext
  private readonly isStream: boolean
  private held: Held | typeof nothing = nothing
  private ended = false
  private sawOutput = false

  constructor(holding: Holding<Held>, context: CallContext, isStream: boolean) {
    this.holding = holding
    this.context = context
    this.isStream = isStream
  }

  begin<A>(
    request: Asked,
    fiber: Fiber.Fiber<unknown, unknown>,
    answer: (held: Held, fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> {
    // The stream's scope was closed already: nothing would end this.
    if (this.ended) return Effect.interrupt
    const begun = this.holding.begin(this.context, request, fiber, this.isStream)
    if (Result.isFailure(begun)) return refuse(begun.failure)
    this.held = begun.success
    const { inside } = this.holding
    // Opening a stream may die or fail: that is an end too.
    const held = begun.success
    return inside === undefined
      ? answer(held, fiber)
      : inside(
          // What hands something down may do it in a fiber of its own.
          Effect.withFiber((own) => answer(held, own)),
          held,
          this.context,
        )
  }

  end(outcome: Outcome, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> | undefined {
    this.ended = true
    const { held } = this
    this.held = nothing
    return held === nothing ? undefined : this.holding.end(held, outcome, this.context, fiber)
  }

  /** What ends it with an exit. Made here, so that it keeps this answer alone and not its request. */
  ending(
    fiber: Fiber.Fiber<unknown, unknown>,
  ): (exit: Exit.Exit<Answered, LlmError>) => Effect.Effect<void> | undefined {
    return (exit) => this.end(outcomeOf(exit), fiber)
  }

  /** Ends it in whatever fiber comes to its end: a stream may end in another than it began in. */
  settle(outcome: Outcome): Effect.Effect<void> {
    return Effect.withFiber((fiber) => this.end(outcome, fiber) ?? Effect.void)
  }

  /** The same events, ending with the last of them or with the failure. */
  settling(pull: Events, held: Held): Events {
    const { inside, output, pieces } = this.holding
    const source = inside === undefined ? pull : inside(pull, held, this.context)
    return Pull.matchEffect(source, {
      onSuccess: (events) => {
        if (pieces !== undefined && held !== undefined) {
          return Effect.withFiber((fiber) => {
            pieces(held, events, fiber)
            return this.settled(events)
          })
        }
        if (output !== undefined && !this.sawOutput && events.some(isOutput)) {
          this.sawOutput = true
          return Effect.withFiber((fiber) => {
            output(held, fiber, this.context)
            return this.settled(events)
          })
        }
        return this.settled(events)
      },
      onFailure: (cause) => this.failing(cause),
      onDone: () => Cause.done(),
    })
  }

  /** Ends it with a failure of its stream. */
  failing(cause: Cause.Cause<LlmError>): Effect.Effect<never, LlmError> {
    return Effect.andThen(this.settle(failed(cause)), Effect.failCause(cause))
  }

  private settled<Arrived extends Arr.NonEmptyReadonlyArray<Parameters<typeof isOutput>[0]>>(
    events: Arrived,
  ): Effect.Effect<Arrived> {
    const last = Arr.lastNonEmpty(events)
    if (last.type !== "response-finish") return Effect.succeed(events)
    const { finishReason, metadata } = last
    const outcome: Outcome = { _tag: "Answered", finishReason, metadata, exit: Exit.void }
    return Effect.withFiber((fiber) => {
      const ending = this.end(outcome, fiber)
      return ending === undefined ? Effect.succeed(events) : Effect.as(ending, events)
    })
  }
}

const refuse = (error: LlmError): Effect.Effect<never, LlmError> =>
  Effect.andThen(Effect.logDebug(error.message, { errorType: error.reason._tag }), Effect.fail(error))
