/**
 * Exact cache and single flight: the same question is answered from a store, and equal questions under way share one
 * request. Only whole answers are kept: never a failure, an aborted or cut stream, an answer that ended at a limit or by a
 * filter, a degraded one, or one of another target than the first. Answers to questions that models may answer differently
 * each time (a `temperature` above 0) are kept too: the second call gets the first one's answer.
 *
 * Put it inside `withTelemetry` and a deadline, so that each call waits under its own, and outside `withFallback` and
 * `withRetry`: one request with its retries then serves every call.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type CallContext, endingWith, joinCall, joinStream, openWithin, within } from "../../call/CallContext.ts"
import { CallOptions } from "../../call/CallOptions.ts"
import { monotonicMs } from "../../call/Time.ts"
import { shownValue } from "../../model/KeyShape.ts"
import type { LlmError } from "../../model/LlmError.ts"
import { assemble, type LlmEvent } from "../../model/LlmEvent.ts"
import {
  type Answered,
  type Around,
  type Asked,
  type Identity,
  isKept,
  type KeptKind,
  kindOf,
} from "../mechanisms/Around.ts"
import * as Policy from "../Policy.ts"
import { decodeEntry, encodeEntry, isEntry } from "./CacheEntry.ts"
import { keyOf } from "./CacheKey.ts"
import * as CacheStore from "./CacheStore.ts"
import { Flight, type Landing, type Seat } from "./Flight.ts"
import { guarded, type GuardedStore } from "./GuardedStore.ts"
import { type Boarded, failureFor, mayBeginAnew, ofCall, Reading, unfinished } from "./SharedAnswer.ts"

/** What is kept, where, and for how long. */
export interface CacheOptions<R = never> {
  /** Where answers are kept. Default: in memory, for this layer. An Effect is run once, when the layer is built. */
  readonly store?: CacheStore.CacheStore | Effect.Effect<CacheStore.CacheStore, LlmError, R> | undefined
  /** How long an answer is kept. Default 1 hour. */
  readonly ttl?: Duration.Input | undefined
  /** The most answers of the default store. Default 1000. Not together with `store`. */
  readonly maxEntries?: number | undefined
  /** The most bytes of the default store, two for each character. Default 64 MiB. Not together with `store`. */
  readonly maxBytes?: number | undefined
  /** Tells apart stacks that share a store and would answer the same question differently. */
  readonly namespace?: string | undefined
  /**
   * What stands for a request in place of all its fields: calls with the same text, provider and model get the same answer.
   * Undefined where the call is neither cached nor shared. Default: everything of the request.
   */
  readonly key?: ((request: Asked) => string | undefined) | undefined
  /** False for a whole answer that is not to be kept. */
  readonly isCacheable?: ((answer: Answered) => boolean) | undefined
  /** How long one access to the store may take; after it the call goes on without. Default 250 milliseconds. */
  readonly storeTimeout?: Duration.Input | undefined
}

/** Answers a question that was answered before from a store, and makes one request for equal calls under way. */
export const withCache = <R = never>(options: CacheOptions<R> = {}): Policy.ServicePolicy<LlmError, R> => {
  const { maxBytes, maxEntries, storeTimeout = "250 millis", ttl = "1 hour" } = options
  const wrong = Policy.refusedDuration("withCache", { ttl, storeTimeout }, "above 0") ?? refusedLimit(options)
  if (wrong !== undefined) return wrong
  // Made with each Layer: one that was closed, or another one, may have answered differently.
  const { store = Effect.sync(() => CacheStore.memory({ maxBytes, maxEntries })) } = options
  return Policy.mechanism((inner) =>
    Effect.map(Effect.isEffect(store) ? store : Effect.succeed(store), (built) => {
      const kept = guarded(built, Duration.fromInputUnsafe(ttl), Duration.fromInputUnsafe(storeTimeout))
      return new Cache(kept, inner, options).around
    }),
  )
}

const refusedLimit = ({ maxBytes, maxEntries, store }: CacheOptions<unknown>) => {
  for (const [name, limit] of Object.entries({ maxEntries, maxBytes })) {
    if (limit === undefined) continue
    if (store !== undefined) return Policy.refused("withCache", `${name} is a limit of the default store: leave it out`)
    if (!(typeof limit === "number" && limit >= 1))
      return Policy.refused("withCache", `${name} must be a number, 1 or more, not ${shownValue(limit)}`)
  }
  return undefined
}

type CallFiber = Fiber.Fiber<unknown, unknown>

/** What stands for a request, and what it asks for. */
interface Question {
  readonly key: string
  readonly kind: KeptKind
}

class Cache {
  private readonly store: GuardedStore
  private readonly inner: Identity
  private readonly options: CacheOptions<unknown>
  private readonly flights = new Map<string, Flight>()

  constructor(store: GuardedStore, inner: Identity, options: CacheOptions<unknown>) {
    this.store = store
    this.inner = inner
    this.options = options
  }

  readonly around: Around = {
    effect: (request, run) =>
      joinCall((context, fiber) => {
        const question = this.questionOf(request, fiber)
        if (question === undefined) return run(request)
        const boarded: Partial<Boarded> = {}
        return endingWith(
          () => this.answered(question, request, run, context, fiber, boarded),
          () => boarded.seat?.flight.leave(boarded.seat),
        )
      }),
    stream: (request, run) =>
      joinStream((scope, context, fiber) => {
        const question = this.questionOf(request, fiber)
        if (question === undefined)
          return Effect.map(openWithin(run(request), scope, fiber), (pull) => within(pull, context))
        let boarded: Boarded | undefined
        let isClosed = false
        const closing = Effect.suspend(() => {
          isClosed = true
          return boarded?.seat.flight.leave(boarded.seat) ?? Effect.void
        })
        const source = run(request)
        const board = (reader: CallFiber) =>
          this.board(question, context, reader, true, (flight) => this.read(question, source, context, flight))
        return Effect.flatMap(Scope.addFinalizer(scope, closing), () => {
          // The stream's scope was closed already: nobody would leave.
          if (isClosed) return Effect.interrupt
          boarded = { seat: board(fiber) }
          return Effect.succeed(new Reading(boarded, board, context).pull)
        })
      }),
  }

  private questionOf(request: Asked, fiber: CallFiber): Question | undefined {
    const { cache, headers } = fiber.getRef(CallOptions)
    if (cache === false) return undefined
    const { key: own, namespace } = this.options
    const question = () => {
      const kind = kindOf(request)
      if (!isKept(kind)) return undefined
      const key = keyOf(request, this.inner, { namespace, own, headers })
      return key === undefined ? undefined : { key, kind }
    }
    // The program's own function may throw: then nothing is known of the question.
    return Result.getOrUndefined(Result.try(question))
  }

  /** Joins the flight of a question, or begins one: it asks the store first. */
  private board(
    { key, kind }: Question,
    context: CallContext,
    fiber: CallFiber,
    wantsEvents: boolean,
    ask: (flight: Flight) => Effect.Effect<Landing, LlmError>,
  ): Seat {
    const isRefresh = fiber.getRef(CallOptions).cache === "refresh"
    const place = isRefresh ? `${key} anew` : key
    const known = this.flights.get(place)
    if (known !== undefined) return known.board(context, fiber, wantsEvents)
    const flight: Flight = new Flight(context, () => {
      if (this.flights.get(place) === flight) this.flights.delete(place)
    })
    this.flights.set(place, flight)
    const seat = flight.board(context, fiber, wantsEvents)
    const kept = (entry: string): Option.Option<Landing> =>
      isEntry(entry, key, kind) ? Option.some({ _tag: "Answered", entry, metadata: undefined }) : Option.none()
    const asked = Effect.suspend(() => ask(flight))
    const begun = isRefresh
      ? asked
      : Effect.flatMap(this.store.get(key), (found) =>
          Option.match(Option.flatMap(found, kept), {
            onSome: (landing): Effect.Effect<Landing, LlmError> => Effect.succeed(landing),
            onNone: () =>
              // Another process has sent the request: the call's deadline runs.
              this.store.alone(key, asked, kept, (waiting) => context.permit.came(monotonicMs(waiting))),
          }),
        )
    flight.start(fiber, begun)
    return seat
  }

  /** The whole answer, from whichever flight brings it. */
  private answered<Q extends Asked, A extends Answered>(
    question: Question,
    request: Q,
    run: (request: Q) => Effect.Effect<A, LlmError>,
    context: CallContext,
    fiber: CallFiber,
    boarded: Partial<Boarded>,
  ): Effect.Effect<A, LlmError> {
    let own: A | undefined
    const ask = () =>
      Effect.flatMap(run(request), (answer) => {
        own = answer
        return this.landed(question, answer, context)
      })
    const seat = this.board(question, context, fiber, false, ask)
    boarded.seat = seat
    return Effect.flatMap(seat.end, (landing) => {
      if (seat.isLeader && own !== undefined) return Effect.succeed(own)
      if (landing._tag === "Answered") {
        return Effect.succeed(decodeEntry<A>(landing.entry, ofCall(seat, landing.metadata, context, fiber)))
      }
      return mayBeginAnew(seat, landing, monotonicMs(fiber))
        ? Effect.andThen(
            seat.flight.leave(seat) ?? Effect.void,
            Effect.suspend(() => this.answered(question, request, run, context, fiber, boarded)),
          )
        : failureFor(
            seat,
            landing._tag === "Failed" ? landing.cause : Cause.die("an answer that cannot be shared"),
            context,
          )
    })
  }

  /** Reads a stream to its end, and hands its events on. */
  private read(
    question: Question,
    source: Stream.Stream<LlmEvent, LlmError>,
    context: CallContext,
    flight: Flight,
  ): Effect.Effect<Landing, LlmError> {
    const assembly = assemble()
    const reading = Stream.runForEachArray(
      Stream.takeUntil(source, ({ type }) => type === "response-finish"),
      (events) => {
        for (const event of events) assembly.add(event)
        return flight.hand(events)
      },
    )
    return Effect.flatMap(reading, () => {
      const answer = assembly.response()
      return answer === undefined
        ? Effect.fail(unfinished(this.inner.name, context))
        : this.landed(question, answer, context)
    })
  }

  /** Keeps an answer that may be kept. */
  private landed({ key, kind }: Question, answer: Answered, context: CallContext): Effect.Effect<Landing> {
    const { metadata } = answer
    const entry = encodeEntry(key, answer)
    if (entry === undefined) return Effect.succeed({ _tag: "Unshared" })
    const landing: Landing = { _tag: "Answered", entry, metadata }
    const isWorthKeeping =
      isEntry(entry, key, kind) &&
      (metadata.attempts.at(-1)?.targetIndex ?? context.targetIndex) === context.targetIndex &&
      this.isCacheable(answer)
    return isWorthKeeping ? Effect.as(this.store.set(key, entry), landing) : Effect.succeed(landing)
  }

  /** What the program's own function says; where it throws, the answer is not kept. */
  private isCacheable(answer: Answered): boolean {
    const { isCacheable } = this.options
    return (
      isCacheable === undefined ||
      Result.getOrElse(
        Result.try(() => isCacheable(answer)),
        () => false,
      )
    )
  }
}
