/**
 * The one shape of every policy: a Layer of `LlmProvider` in, a Layer of `LlmProvider` out, so that policies compose in
 * any order and none can forget `generate` or `stream`. Two mechanisms serve them all: `aroundStart` for what may happen
 * again (an answer that has not begun), `aroundAnswer` for what lasts from the first moment of a call to its end.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { attemptsOf, joinCall, type LlmCall, timeOf } from "../call/LlmCall.ts"
import { ConfigurationError, LlmError } from "../model/LlmError.ts"
import { isOutput, type LlmEvent } from "../model/LlmEvent.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { LlmResponse } from "../model/LlmResponse.ts"

/** What a Layer of `LlmProvider` provides. */
export type Service = LlmProvider["Service"]

/** A policy: put it around a provider with `pipe`. */
export type Policy<EX = never, RX = never> = <E, R>(
  layer: Layer.Layer<LlmProvider, E, R>,
) => Layer.Layer<LlmProvider, E | EX, R | Exclude<RX, Scope.Scope>>

/** A policy from what it makes of the service within. */
export const make =
  <EX = never, RX = never>(wrap: (inner: Service) => Effect.Effect<Service, EX, RX>): Policy<EX, RX> =>
  (layer) =>
    Layer.provide(Layer.effect(LlmProvider, Effect.flatMap(LlmProvider, wrap)), layer)

/**
 * What a policy becomes whose settings cannot be meant: each call fails with a `ConfigurationError` that says so, and
 * nothing is sent.
 */
export const misconfigured = (setting: string, problem: string): Policy => {
  const reason = new ConfigurationError({ setting, message: `${setting}: ${problem}` })
  return make((inner) => {
    const refused = joinCall((call, fiber) =>
      Effect.fail(new LlmError({ reason, provider: inner.name, attempts: attemptsOf(call, timeOf(fiber)) })),
    )
    return Effect.succeed({ name: inner.name, generate: () => refused, stream: () => Stream.fromEffect(refused) })
  })
}

/** The misconfigured policy of a setting that is no duration, if one is not. */
export const misconfiguredDuration = (
  policy: string,
  durations: Readonly<Record<string, Duration.Input | undefined>>,
): Policy | undefined => {
  for (const [name, input] of Object.entries(durations)) {
    if (input === undefined || Option.isSome(Duration.fromInput(input))) continue
    const problem = `${name} is no duration: ${JSON.stringify(input)}; write for example "10 seconds", or milliseconds`
    return misconfigured(policy, problem)
  }
  return undefined
}

/** The events of one stream, as they are pulled. */
export type Events = Pull.Pull<Arr.NonEmptyReadonlyArray<LlmEvent>, LlmError>

/** A stream from the effect that opens it; the scope is the stream's own and closes with it. */
export const streamFrom = (
  open: (scope: Scope.Scope) => Effect.Effect<Events, LlmError>,
): Stream.Stream<LlmEvent, LlmError> => Stream.fromChannel(Channel.fromTransform((_, scope) => open(scope)))

/** Opens a stream within a scope. */
export const openStream = (stream: Stream.Stream<LlmEvent, LlmError>, scope: Scope.Scope): Effect.Effect<Events> =>
  Channel.toPullScoped(stream.channel, scope)

/**
 * Opens a stream and waits for its first output: succeeds with everything from the beginning, or fails with nothing
 * emitted and everything closed. This is the moment up to which an attempt may be repeated (law 14).
 */
export const startStream = (
  stream: Stream.Stream<LlmEvent, LlmError>,
  parent: Scope.Scope,
): Effect.Effect<Events, LlmError> =>
  Effect.suspend(() => {
    const scope = Scope.forkUnsafe(parent)
    return Effect.onError(
      Effect.flatMap(openStream(stream, scope), (pull) => untilOutput(pull, [])),
      (cause) => Scope.close(scope, Exit.failCause(cause)),
    )
  })

const untilOutput = (pull: Events, before: ReadonlyArray<LlmEvent>): Effect.Effect<Events, LlmError> =>
  Pull.matchEffect(pull, {
    onSuccess: (events) => {
      const begun = before.length === 0 ? events : Arr.appendAll(before, events)
      return events.some((event) => isOutput(event) || event.type === "response-finish") &&
        Arr.isReadonlyArrayNonEmpty(begun)
        ? Effect.succeed(resume(begun, pull))
        : untilOutput(pull, begun)
    },
    onFailure: (cause) => Effect.failCause(cause),
    onDone: () => Effect.succeed(Arr.isReadonlyArrayNonEmpty(before) ? resume(before, Cause.done()) : Cause.done()),
  })

const resume = (begun: Arr.NonEmptyReadonlyArray<LlmEvent>, rest: Events): Events => {
  let first: Arr.NonEmptyReadonlyArray<LlmEvent> | undefined = begun
  return Effect.suspend(() => {
    if (first === undefined) return rest
    const events = first
    first = undefined
    return Effect.succeed(events)
  })
}

/**
 * A service whose answers begin through `start`. It receives the beginning of an answer as an effect that it may run
 * never, once or again: the whole of `generate`, and of `stream` what comes before the first output.
 */
export const aroundStart = (
  inner: Service,
  start: <A>(begin: Effect.Effect<A, LlmError>, call: LlmCall, request: LlmRequest) => Effect.Effect<A, LlmError>,
): Service => ({
  name: inner.name,
  generate: (request) => joinCall((call) => start(inner.generate(request), call, request)),
  stream: (request) =>
    streamFrom((scope) => joinCall((call) => start(startStream(inner.stream(request), scope), call, request))),
})

/** How an answer ended: whole, with an error, or because nobody wants it any more. */
export type Outcome =
  | { readonly _tag: "Answered"; readonly finish: Pick<LlmResponse, "finishReason" | "metadata"> }
  | { readonly _tag: "Failed"; readonly error: LlmError }
  | { readonly _tag: "Aborted" }

const aborted: Outcome = { _tag: "Aborted" }

const outcomeOf = (exit: Exit.Exit<LlmResponse, LlmError>): Outcome => {
  if (Exit.isSuccess(exit)) return { _tag: "Answered", finish: exit.value }
  const error = Cause.findErrorOption(exit.cause)
  return error._tag === "Some" ? { _tag: "Failed", error: error.value } : aborted
}

type Begin<Held> = (
  call: LlmCall,
  request: LlmRequest,
  fiber: Fiber.Fiber<unknown, unknown>,
) => Result.Result<Held, LlmError>

type End<Held> = (
  held: Held,
  outcome: Outcome,
  call: LlmCall,
  fiber: Fiber.Fiber<unknown, unknown>,
) => Effect.Effect<void> | undefined

/**
 * A service whose every answer is held between `begin` and `end`. `begin` may refuse; `end` runs exactly once for each
 * `begin` that did not, with how the answer ended. Neither waits. The end is laid down before the beginning, so that no
 * interruption can come between the two.
 */
export const aroundAnswer = <Held>(inner: Service, begin: Begin<Held>, end: End<Held>): Service => ({
  name: inner.name,
  generate: (request) =>
    joinCall((call, fiber) => {
      const answer = new HeldAnswer(begin, end, call)
      return Effect.onExitPrimitive(
        Effect.suspend(() => answer.begin(request, fiber, () => inner.generate(request))),
        (exit) => answer.end(outcomeOf(exit), fiber),
      )
    }),
  stream: (request) =>
    streamFrom((scope) =>
      joinCall((call, fiber) => {
        const answer = new HeldAnswer(begin, end, call)
        // A stream may end in another fiber than it began in.
        const settle = (outcome: Outcome) =>
          Effect.withFiber((endingFiber) => answer.end(outcome, endingFiber) ?? Effect.void)
        const opened = () => Effect.map(openStream(inner.stream(request), scope), (pull) => settling(pull, settle))
        return Effect.andThen(
          Scope.addFinalizer(scope, settle(aborted)),
          Effect.suspend(() => answer.begin(request, fiber, opened)),
        )
      }),
    ),
})

/** What one answer holds, from its beginning to the first of its ends. */
class HeldAnswer<Held> {
  private readonly onBegin: Begin<Held>
  private readonly onEnd: End<Held>
  private readonly call: LlmCall
  private held: Result.Success<Held, LlmError> | undefined
  private ended = false

  constructor(onBegin: Begin<Held>, onEnd: End<Held>, call: LlmCall) {
    this.onBegin = onBegin
    this.onEnd = onEnd
    this.call = call
  }

  begin<A>(
    request: LlmRequest,
    fiber: Fiber.Fiber<unknown, unknown>,
    answer: () => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> {
    // The scope of a stream was closed already: nobody would come to end this.
    if (this.ended) return Effect.interrupt
    const begun = this.onBegin(this.call, request, fiber)
    if (Result.isFailure(begun)) return refuse(begun.failure)
    this.held = begun
    return answer()
  }

  end(outcome: Outcome, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> | undefined {
    this.ended = true
    const { held } = this
    this.held = undefined
    return held === undefined ? undefined : this.onEnd(held.success, outcome, this.call, fiber)
  }
}

const refuse = (error: LlmError): Effect.Effect<never, LlmError> =>
  Effect.andThen(Effect.logDebug(error.message, { errorType: error.reason._tag }), Effect.fail(error))

/** The same events, settling with the last of them or with the failure. */
const settling = (pull: Events, settle: (outcome: Outcome) => Effect.Effect<void>): Events =>
  Pull.matchEffect(pull, {
    onSuccess: (events) => {
      const last = Arr.lastNonEmpty(events)
      return last.type === "response-finish"
        ? Effect.as(settle({ _tag: "Answered", finish: last }), events)
        : Effect.succeed(events)
    },
    onFailure: (cause) => {
      const error = Cause.findErrorOption(cause)
      return Effect.andThen(
        settle(error._tag === "Some" ? { _tag: "Failed", error: error.value } : aborted),
        Effect.failCause(cause),
      )
    },
    onDone: () => Cause.done(),
  })
