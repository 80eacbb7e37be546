/**
 * Law 10, five clocks: `queue` (waiting for a permit), `headers`, `firstOutput` (of a stream), `idle` (between pieces of a
 * stream; pings and comments do not reset it) and `total`, the whole call's deadline over queue, attempts, waits,
 * fallbacks and the whole of a stream. None is set unless given: models that reason are silent for long.
 *
 * Put `total` outermost, and it bounds everything; inside `withRetry` it bounds each attempt, so that `times: 3` and 60
 * seconds may last four minutes and more. `firstOutput`, `headers` and `queue` belong inside `withRetry`, whose next
 * attempt they lead to.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { GrowingText } from "../model/GrowingText.ts"
import { attemptsOf, joinCall, type LlmCall, noteTimeout, targetOf, timeOf } from "../call/LlmCall.ts"
import { type TimeoutClock, LlmError, TimeoutError } from "../model/LlmError.ts"
import { isOutput, type LlmEvent } from "../model/LlmEvent.ts"
import * as Policy from "./Policy.ts"
import { startTimer } from "./Timer.ts"

/** Each an Effect `Duration.Input`: `"60 seconds"`, or milliseconds as a number. */
export interface Clocks {
  readonly total?: Duration.Input | undefined
  readonly idle?: Duration.Input | undefined
  readonly firstOutput?: Duration.Input | undefined
  readonly headers?: Duration.Input | undefined
  readonly queue?: Duration.Input | undefined
}

/** The same in milliseconds; absent is no limit. */
interface Limits {
  readonly totalMs: number | undefined
  readonly idleMs: number | undefined
  readonly firstOutputMs: number | undefined
  readonly headersMs: number | undefined
  readonly queueMs: number | undefined
}

const isClocks = (limit: Duration.Input | Clocks): limit is Clocks =>
  typeof limit === "object" &&
  !Duration.isDuration(limit) &&
  !Array.isArray(limit) &&
  // No clock at all is no limit, not a duration of nothing.
  (Object.keys(limit).length === 0 ||
    ["total", "idle", "firstOutput", "headers", "queue"].some((clock) => clock in limit))

const milliseconds = (limit: Duration.Input | undefined): number | undefined => {
  if (limit === undefined) return undefined
  const ms = Duration.toMillis(Duration.fromInputUnsafe(limit))
  return Number.isFinite(ms) ? ms : undefined
}

/** Fails with `TimeoutError` when a clock runs out; one duration is the `total` clock. */
export const withTimeout = (limit: Duration.Input | Clocks): Policy.Policy => {
  const clocks = isClocks(limit) ? limit : { total: limit }
  const wrong = Policy.misconfiguredDuration("withTimeout", { ...clocks })
  if (wrong !== undefined) return wrong
  const limits: Limits = {
    totalMs: milliseconds(clocks.total),
    idleMs: milliseconds(clocks.idle),
    firstOutputMs: milliseconds(clocks.firstOutput),
    headersMs: milliseconds(clocks.headers),
    queueMs: milliseconds(clocks.queue),
  }
  return Policy.make((inner) => Effect.succeed(limited(inner, limits)))
}

const limited = (inner: Policy.Service, limits: Limits): Policy.Service => ({
  name: inner.name,
  generate: (request) =>
    joinCall((call, fiber) => {
      const withdraw = announce(call, limits, timeOf(fiber))
      const answer = Effect.onExitPrimitive(inner.generate(request), (exit) => {
        if (Exit.isFailure(exit)) withdraw()
        return undefined
      })
      return limits.totalMs === undefined ? answer : within(answer, limits.totalMs, call, inner.name, "total", fiber)
    }),
  stream: (request) =>
    Policy.streamFrom((scope) =>
      joinCall((call, fiber) => {
        const nowMs = timeOf(fiber)
        const withdraw = announce(call, limits, nowMs)
        const stream = inner.stream(request)
        const { firstOutputMs, idleMs, totalMs } = limits
        const source = Scope.forkUnsafe(scope)
        const opened =
          firstOutputMs === undefined
            ? Policy.openStream(stream, source)
            : within(Policy.startStream(stream, source), firstOutputMs, call, inner.name, "first-output", fiber)
        const first = Effect.andThen(Scope.addFinalizer(source, Effect.sync(withdraw)), opened)
        if (totalMs === undefined && idleMs === undefined) return first
        const started = totalMs === undefined ? first : within(first, totalMs, call, inner.name, "total", fiber)
        const deadlineMs = totalMs === undefined ? undefined : nowMs + totalMs
        return Effect.map(started, (pull) => new Watch(limits, deadlineMs, call, inner.name, scope, source).over(pull))
      }),
    ),
})

/** Tells the policies within how much time there is; what it returns takes that back, for the next attempt or target. */
const announce = (call: LlmCall, limits: Limits, nowMs: number): (() => void) => {
  const { deadlineMs, headersLimitMs, queueLimitMs } = call
  if (limits.totalMs !== undefined) {
    call.deadlineMs = Math.min(nowMs + limits.totalMs, call.deadlineMs ?? Number.POSITIVE_INFINITY)
  }
  call.headersLimitMs = limits.headersMs ?? call.headersLimitMs
  call.queueLimitMs = limits.queueMs ?? call.queueLimitMs
  return () => {
    call.deadlineMs = deadlineMs
    call.headersLimitMs = headersLimitMs
    call.queueLimitMs = queueLimitMs
  }
}

const expired = (call: LlmCall, name: string, clock: TimeoutClock, limitMs: number, nowMs: number, text: string) => {
  const what: Record<TimeoutClock, string> = {
    queue: "no free place",
    attempt: "not answered",
    headers: "no response headers",
    "first-output": "no output",
    idle: "no further output",
    total: "not finished",
  }
  const reason = new TimeoutError({ clock, limitMs, message: `${what[clock]} within ${limitMs} ms (${clock} timeout)` })
  noteTimeout(call, reason)
  return new LlmError({
    reason,
    ...targetOf(call, name),
    attempts: attemptsOf(call, nowMs),
    ...(text === "" ? {} : { text }),
  })
}

/**
 * Runs an effect for so long and no longer, in a fiber of its own; one that is quick starts no timer. The fiber begins
 * where the wait for it begins, so that no interruption can come between and leave it to itself.
 */
const within = <A>(
  effect: Effect.Effect<A, LlmError>,
  limitMs: number,
  call: LlmCall,
  name: string,
  clock: "total" | "first-output",
  fiber: Fiber.Fiber<unknown, unknown>,
): Effect.Effect<A, LlmError> =>
  Effect.callback((resume) => {
    const running = Effect.runForkWith(fiber.context)(effect)
    const ready = running.pollUnsafe()
    if (ready !== undefined) return resume(ready)
    const stop = startTimer(fiber, limitMs, () => {
      const late = expired(call, name, clock, limitMs, timeOf(fiber), "")
      resume(Effect.andThen(Fiber.interrupt(running), Effect.fail(late)))
    })
    running.addObserver((exit) => {
      stop()
      resume(exit)
    })
    return Effect.suspend(() => {
      stop()
      return Fiber.interrupt(running)
    })
  })

/**
 * Watches one stream with one sleeping fiber, so that a piece costs no timer. The time that a slow reader takes is not
 * the provider's silence: `idle` runs only while a piece is awaited.
 */
class Watch {
  private readonly limits: Limits
  private readonly deadlineMs: number | undefined
  private readonly call: LlmCall
  private readonly name: string
  private readonly scope: Scope.Scope
  private readonly source: Scope.Closeable
  private readonly text = new GrowingText()
  private output = false
  /** True once the answer is whole: from then on no clock has anything to say. */
  private whole = false
  private waitingSinceMs: number | undefined
  private cry: ((late: LlmError) => void) | undefined
  private watching = false

  constructor(
    limits: Limits,
    deadlineMs: number | undefined,
    call: LlmCall,
    name: string,
    scope: Scope.Scope,
    source: Scope.Closeable,
  ) {
    this.limits = limits
    this.deadlineMs = deadlineMs
    this.call = call
    this.name = name
    this.scope = scope
    this.source = source
  }

  /** The same events, or the first clock to run out. */
  over(pull: Policy.Events): Policy.Events {
    return Effect.withFiber((fiber) => {
      if (this.whole) return Cause.done()
      const nowMs = timeOf(fiber)
      this.waitingSinceMs = nowMs
      const late = this.late(nowMs)
      if (late !== undefined) return Effect.fail(late)
      if (this.deadlineMs !== undefined) this.start(fiber)
      return Effect.callback((resume) => {
        const running = Effect.runForkWith(fiber.context)(pull)
        const ready = running.pollUnsafe()
        if (ready !== undefined) return resume(this.noted(ready))
        running.addObserver((exit) => resume(this.noted(exit)))
        this.cry = (late) => resume(Effect.andThen(Fiber.interrupt(running), Effect.fail(late)))
        this.start(fiber)
        // A reader that leaves waits for nothing any more: the next clock that runs out closes the source.
        return Effect.suspend(() => {
          this.waitingSinceMs = undefined
          this.cry = undefined
          return Fiber.interrupt(running)
        })
      })
    })
  }

  /** Starts the sleeper, once: with a deadline at the first read, since nobody may ever read again. */
  private start(fiber: Fiber.Fiber<unknown, unknown>): void {
    if (this.watching) return
    this.watching = true
    const watcher = Effect.runForkWith(fiber.context)(this.watch)
    Effect.runSync(Scope.addFinalizer(this.scope, Fiber.interrupt(watcher)))
  }

  private noted<Exited extends Exit.Exit<ReadonlyArray<LlmEvent>, unknown>>(exit: Exited): Exited {
    if (Exit.isFailure(exit)) return exit
    this.waitingSinceMs = undefined
    for (const event of exit.value) {
      if (event.type === "text-delta") this.text.add(event.delta)
      if (!this.output && isOutput(event)) this.output = true
      if (event.type === "response-finish") this.whole = true
    }
    return exit
  }

  /** When to look up next: when a limit passes, or when it may have if a piece is awaited from now on. */
  private nextMs(nowMs: number): number {
    const { idleMs } = this.limits
    const idleAtMs = idleMs === undefined ? Infinity : (this.output ? (this.waitingSinceMs ?? nowMs) : nowMs) + idleMs
    return Math.min(idleAtMs, this.deadlineMs ?? Infinity)
  }

  /** The error of the clock that has run out, if one has. */
  private late(nowMs: number): LlmError | undefined {
    if (this.whole) return undefined
    const { idleMs, totalMs } = this.limits
    const { deadlineMs } = this
    if (totalMs !== undefined && deadlineMs !== undefined && nowMs >= deadlineMs) {
      return expired(this.call, this.name, "total", totalMs, nowMs, `${this.text}`)
    }
    if (idleMs === undefined || !this.output || this.waitingSinceMs === undefined) return undefined
    return nowMs >= this.waitingSinceMs + idleMs
      ? expired(this.call, this.name, "idle", idleMs, nowMs, `${this.text}`)
      : undefined
  }

  /** Sleeps until something may be late; the deadline ends the stream even while nobody reads it. */
  private readonly watch: Effect.Effect<void> = Effect.withFiber((fiber) => {
    const nowMs = timeOf(fiber)
    return Effect.flatMap(Effect.sleep(Math.max(1, this.nextMs(nowMs) - nowMs)), () => {
      if (this.whole) return Effect.void
      const late = this.late(timeOf(fiber))
      if (late === undefined) return this.watch
      if (this.waitingSinceMs !== undefined) return Effect.sync(() => this.cry?.(late))
      return Scope.close(this.source, Exit.fail(late))
    })
  })
}
