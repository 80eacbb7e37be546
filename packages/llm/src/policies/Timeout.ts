/**
 * Law 10: the clocks of a call. `queue` is the wait for the first permit, `attempt` one request from its sending to its end,
 * `headers` the wait for its response headers, `firstOutput` and `idle` the silences of a stream before and between its
 * pieces (pings and comments are silence too), `reader` the silence of a program that holds a stream and does not read on,
 * and `total` the deadline over attempts, waits, fallbacks and the whole of a
 * stream. None is set unless given: models that reason are silent for long.
 *
 * Put `total` and `queue` outermost: they bound everything. Inside `withRetry`, `total` bounds each attempt and is
 * retried, so that `times: 3` and 60 seconds may last four minutes and more. `attempt`, `firstOutput` and `headers` belong
 * inside `withRetry`, whose next attempt they lead to.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { type CallContext, joinCall, joinStream, openWithin, within } from "../call/CallContext.ts"
import { CallClock } from "../call/CallClock.ts"
import { FirstPermit } from "../call/FirstPermit.ts"
import { CallOptions } from "../call/CallOptions.ts"
import { monotonicMs } from "../call/Time.ts"
import type { LlmError, TimeoutClock } from "../model/LlmError.ts"
import type { Around } from "./mechanisms/Around.ts"
import { bounded } from "./mechanisms/Bounded.ts"
import { openStream, startStream } from "./mechanisms/StreamStart.ts"
import { type StreamClocks, timedStream } from "./mechanisms/TimedStream.ts"
import * as Policy from "./Policy.ts"

/** Each an Effect `Duration.Input`: `"60 seconds"`, or milliseconds as a number. */
export interface Clocks {
  /** The deadline of the whole call. */
  readonly total?: Duration.Input | undefined
  /** When `total` begins: with the call (the default), or with its first permit, so that a queue costs no time. */
  readonly totalFrom?: "call" | "first-permit" | undefined
  /** The longest that one request may take, from its sending to the end of its answer. */
  readonly attempt?: Duration.Input | undefined
  /** The longest silence between two pieces of a stream. */
  readonly idle?: Duration.Input | undefined
  /**
   * The longest that a stream may be held by a program that does not read on. It then gives back its connection and its
   * permit; a reader who is only slow should stay well below it.
   */
  readonly reader?: Duration.Input | undefined
  /** The longest wait for the first piece of a stream. */
  readonly firstOutput?: Duration.Input | undefined
  /** The longest wait for the response headers of one request. */
  readonly headers?: Duration.Input | undefined
  /** The longest wait for the first permit. */
  readonly queue?: Duration.Input | undefined
}

/** The same in milliseconds; absent means no limit. */
interface Limits {
  readonly totalMs: number | undefined
  readonly fromFirstPermit: boolean
  readonly attemptMs: number | undefined
  readonly idleMs: number | undefined
  readonly readerMs: number | undefined
  readonly firstOutputMs: number | undefined
  readonly headersMs: number | undefined
  readonly queueMs: number | undefined
}

const names = ["total", "totalFrom", "attempt", "idle", "reader", "firstOutput", "headers", "queue"]

const isClocks = (limit: Duration.Input | Clocks): limit is Clocks =>
  typeof limit === "object" &&
  !Duration.isDuration(limit) &&
  !Array.isArray(limit) &&
  // An empty object means no limit, not a duration of zero.
  (Object.keys(limit).length === 0 || names.some((clock) => clock in limit))

const milliseconds = (limit: Duration.Input | undefined): number | undefined => {
  if (limit === undefined) return undefined
  return finite(Duration.toMillis(Duration.fromInputUnsafe(limit)))
}

/** No limit is no clock. */
const finite = (ms: number): number | undefined => (Number.isFinite(ms) ? ms : undefined)

/** Fails with `TimeoutError` when a clock runs out; one duration is the `total` clock. */
export const withTimeout = (limit: Duration.Input | Clocks): Policy.ServicePolicy<LlmError> => {
  const { totalFrom, ...durations } = isClocks(limit) ? limit : { total: limit, totalFrom: undefined }
  const wrong = Policy.refusedDuration("withTimeout", { ...durations }, "above 0")
  if (wrong !== undefined) return wrong
  const clocks: Clocks = durations
  const limits: Limits = {
    totalMs: milliseconds(clocks.total),
    fromFirstPermit: totalFrom === "first-permit",
    attemptMs: milliseconds(clocks.attempt),
    idleMs: milliseconds(clocks.idle),
    readerMs: milliseconds(clocks.reader),
    firstOutputMs: milliseconds(clocks.firstOutput),
    headersMs: milliseconds(clocks.headers),
    queueMs: milliseconds(clocks.queue),
  }
  return Policy.mechanism(({ name }) => Effect.succeed(timed(limits, name)))
}

const timed = (limits: Limits, name: string): Around => ({
  effect: (request, run) =>
    joinCall((outer, fiber) => {
      const { clocks, context } = start(limits, outer, fiber, false)
      return clocks.whole.length === 0
        ? within(run(request), context)
        : bounded(run(request), context, clocks.whole, name)
    }),
  stream: (request, run) =>
    joinStream((scope, outer, fiber) => {
      const { clocks, context } = start(limits, outer, fiber, true)
      const stream = run(request)
      const { firstOutput, idle, reader, whole } = clocks
      if (whole.length === 0 && firstOutput === undefined && idle === undefined && reader === undefined) {
        return within(openStream(stream, scope), context)
      }
      const open: typeof openWithin = firstOutput === undefined ? openWithin : startStream
      return timedStream((source, own) => open(stream, source, own), scope, context, clocks, name)
    }),
})

const none: ReadonlyArray<CallClock> = []

/** Those that are, as a list of just that length: it is held as long as the call. */
const listed = (one: CallClock | undefined, other: CallClock | undefined): ReadonlyArray<CallClock> =>
  one === undefined ? (other === undefined ? none : [other]) : other === undefined ? [one] : [one, other]

/** Starts the clocks of one call, and hands them down. A call's own deadline stands in for the `total` of the stack, not of an attempt. */
const start = (
  limits: Limits,
  outer: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
  isStream: boolean,
): { readonly clocks: StreamClocks; readonly context: CallContext } => {
  const isAwaited = limits.fromFirstPermit || limits.queueMs !== undefined
  const permit = isAwaited ? new FirstPermit(outer.permit) : outer.permit
  const nowMs = monotonicMs(fiber)
  let { clock } = outer
  const started = (name: TimeoutClock, limitMs: number | undefined, from: number | "first-permit" | "silence") => {
    if (limitMs === undefined) return undefined
    clock = new CallClock({ name, limitMs, outer: clock, permit, from })
    return clock
  }
  const own = outer.deadline === "around" ? undefined : fiber.getRef(CallOptions).timeoutMs
  const standsIn = limits.totalMs !== undefined && own !== undefined
  const totalMs = standsIn ? finite(own) : limits.totalMs
  const total = started("total", totalMs, limits.fromFirstPermit ? "first-permit" : nowMs)
  const attempt = started("attempt", limits.attemptMs, nowMs)
  const idle = isStream ? started("idle", limits.idleMs, "silence") : undefined
  const reader = isStream ? started("reader", limits.readerMs, "silence") : undefined
  const firstOutput = isStream ? started("first-output", limits.firstOutputMs, nowMs) : undefined
  const isBounding = total !== undefined || attempt !== undefined || firstOutput !== undefined
  // Written out, in the order in which a call begins: in some processes a copy by spread takes 4 µs, in every call.
  const context: CallContext = {
    ledger: outer.ledger,
    permit,
    clock,
    targetIndex: outer.targetIndex,
    deployment: outer.deployment,
    targetsAfter: outer.targetsAfter,
    shared: isBounding && clock !== undefined ? { clock, targetsAfter: 0 } : outer.shared,
    deadline: standsIn ? "own" : outer.deadline,
    headersMs: limits.headersMs ?? outer.headersMs,
    queue: limits.queueMs === undefined ? outer.queue : { endsMs: nowMs + limits.queueMs, limitMs: limits.queueMs },
    queuedUs: outer.queuedUs,
    waitedMs: outer.waitedMs,
    onLimits: outer.onLimits,
    gates: outer.gates,
    observers: outer.observers,
  }
  return {
    clocks: { whole: listed(total, attempt), idle, reader, firstOutput },
    context,
  }
}
