/**
 * What one call may still do, handed down to everything that runs within it: an immutable value in the fiber's context. A
 * policy that changes a limit hands a changed copy to what is within it, and to nothing else.
 */
import type * as Arr from "effect/Array"
import * as Channel from "effect/Channel"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AttemptGate } from "./AttemptGate.ts"
import type { CallClock } from "./CallClock.ts"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmEvent } from "../model/LlmEvent.ts"
import type { AttemptRecord, RateLimits } from "../model/LlmResponse.ts"
import type { CallEvent, CallObserver } from "./CallEvent.ts"
import { FirstPermit } from "./FirstPermit.ts"
import { Ledger } from "./Ledger.ts"

/** Which deployment was chosen for a request, and why. */
export interface ChosenDeployment {
  /** The name that the program gave it. */
  readonly name: string
  /** What it was chosen by. */
  readonly chosenBy: NonNullable<AttemptRecord["chosenBy"]>
}

/** The limits of a call at one place of its stack. */
export interface CallContext {
  /** What the call has been through so far. */
  readonly ledger: Ledger
  /** When the call was admitted, for what is around this place. */
  readonly permit: FirstPermit
  /** The innermost clock around this place. */
  readonly clock: CallClock | undefined
  /** Which fallback target is being tried; the first is 0. */
  readonly targetIndex: number
  /** Which of several deployments of a model is asked, and why; undefined where there are not several. */
  readonly deployment: ChosenDeployment | undefined
  /** How many targets may still be asked after this one. */
  readonly targetsAfter: number
  /** The time that fallback targets share: the clock around them, and how many of them may still be asked within it. */
  readonly shared: { readonly clock: CallClock; readonly targetsAfter: number } | undefined
  /**
   * Where the call's own deadline (`CallOptions.timeoutMs`) stands in for a `total` of the stack: it may still (`unset`), it
   * does (`own`), or it does so around something that may ask again, within which a `total` bounds one attempt (`around`).
   */
  readonly deadline: "unset" | "own" | "around"
  /** The longest wait for response headers, in milliseconds. */
  readonly headersMs: number | undefined
  /** Until when the first permit must have come, in monotonic milliseconds, and the limit that this comes from. */
  readonly queue: { readonly endsMs: number; readonly limitMs: number } | undefined
  /**
   * Microseconds of waiting for a permit or a pace, which belong to the next attempt. Whole ones: V8 lays out an object with
   * another number otherwise, and once it has seen one it rebuilds the contexts of every call after it, at 1 µs each.
   */
  readonly queuedUs: number
  /** Milliseconds of waiting before a retry, which belong to the next attempt. Whole ones, for the same reason. */
  readonly waitedMs: number
  /** Told what a response's head says of the account's limits, for a policy that keeps to them. */
  readonly onLimits: ((limits: RateLimits) => void) | undefined
  /** Those that let each request go or refuse it, from the outside in. */
  readonly gates: ReadonlyArray<AttemptGate>
  /** Those that are told what happens. */
  readonly observers: ReadonlyArray<CallObserver>
}

const Current = Context.Reference<CallContext | undefined>("@wiseflow/llm/CallContext", {
  defaultValue: () => undefined,
})

const nobody: ReadonlyArray<never> = []

/**
 * Runs `use` within the call that is under way, or within a new one: the outermost policy begins the call, and everything
 * inside joins it. `use` gets the fiber too, so that it can tell the time without another step.
 */
export const joinCall = <A, E, R>(
  use: (context: CallContext, fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const current = fiber.getRef(Current)
    if (current !== undefined) return use(current, fiber)
    const context: CallContext = {
      ledger: new Ledger(fiber),
      permit: new FirstPermit(),
      clock: undefined,
      targetIndex: 0,
      deployment: undefined,
      targetsAfter: 0,
      shared: undefined,
      deadline: "unset",
      headersMs: undefined,
      queue: undefined,
      queuedUs: 0,
      waitedMs: 0,
      onLimits: undefined,
      gates: nobody,
      observers: nobody,
    }
    return Effect.provideService(use(context, fiber), Current, context)
  })

/** The events of one stream, as they are pulled. */
export type Events = Pull.Pull<Arr.NonEmptyReadonlyArray<LlmEvent>, LlmError>

/** Opens events that close with a scope, within a call, in the fiber that runs this. */
export type Opener = (
  scope: Scope.Scope,
  context: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
) => Effect.Effect<Events, LlmError>

const opener = Symbol("opener")

interface JoinedStream extends Stream.Stream<LlmEvent, LlmError> {
  readonly [opener]: Opener
}

const isJoined = (stream: Stream.Stream<LlmEvent, LlmError>): stream is JoinedStream => opener in stream

/** A stream that is opened within the call that is under way then, or within a new one; its scope is the stream's own. */
export const joinStream = (open: Opener): Stream.Stream<LlmEvent, LlmError> =>
  Object.assign(
    Stream.fromChannel(Channel.fromTransform((_, scope) => joinCall((context, fiber) => open(scope, context, fiber)))),
    { [opener]: open },
  )

/**
 * Opens a stream in `fiber`, which must be the one that runs this. One of this library's within a call that is under way is
 * opened without a step more, and fails where it cannot be opened; else it is the first pull that fails.
 */
export const openWithin = (
  stream: Stream.Stream<LlmEvent, LlmError>,
  scope: Scope.Scope,
  fiber: Fiber.Fiber<unknown, unknown>,
): Effect.Effect<Events, LlmError> => {
  // The outermost stream begins the call, whose context its fiber has only once this has returned.
  const context = fiber.getRef(Current)
  if (context === undefined || !isJoined(stream)) return Channel.toPullScoped(stream.channel, scope)
  try {
    return stream[opener](scope, context, fiber)
  } catch (defect) {
    return Effect.die(defect)
  }
}

/** Hands a changed context down to an effect. */
export const within = <A, E, R>(effect: Effect.Effect<A, E, R>, context: CallContext): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Current, context)

/** The context for one attempt of a policy that may ask again: the clocks within it are the attempt's. */
export const forAttempt = (context: CallContext): CallContext =>
  context.deadline === "own" ? { ...context, deadline: "around" } : context

/** A fiber's context with a changed call in it, for an effect that runs in a fiber of its own. */
export const contextWithin = (fiber: Fiber.Fiber<unknown, unknown>, context: CallContext): Context.Context<never> =>
  Context.add(fiber.context, Current, context)

/** Tells the observers of a call what happened. */
export const tell = (context: CallContext, event: CallEvent, fiber: Fiber.Fiber<unknown, unknown>): void => {
  for (const observer of context.observers) observer(event, fiber)
}

/**
 * Runs what `begin` makes, once, and then `end`, which is laid down first, so that no interruption comes between the two;
 * undefined from `end` where nothing remains to be done. While the answer is waited for, nothing of `begin` is held: a
 * request's body may be long, and a call may wait for minutes. `end` must be made apart from it.
 */
export const endingWith = <A, E>(
  begin: () => Effect.Effect<A, E>,
  end: (exit: Exit.Exit<A, E>) => Effect.Effect<void> | undefined,
): Effect.Effect<A, E> => {
  let next: (() => Effect.Effect<A, E>) | undefined = begin
  return Effect.onExitPrimitive(
    Effect.suspend(() => {
      const beginning = next
      next = undefined
      return beginning === undefined ? Effect.die("an effect that runs once was run again") : beginning()
    }),
    end,
  )
}

/**
 * Services whose every request joins the call around it, also while a stream is read on. One that a program wrote itself
 * may ask others when it likes: the first policy around it makes one call of that.
 */
const joining = new WeakSet<object>()

/** Notes that a service joins the call around it. */
export const joins = <S extends object>(service: S): S => {
  joining.add(service)
  return service
}

/** True for a service that joins the call around it by itself. */
export const isJoining = (service: object): boolean => joining.has(service)
