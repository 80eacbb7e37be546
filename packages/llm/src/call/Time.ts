/**
 * The time of a call. Durations and deadlines count monotonic milliseconds, so that a corrected wall clock neither ends
 * nor prolongs anything; only what a person reads is wall time.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"

const platformClock = Context.get(Context.empty(), Clock.Clock)

/** True where a fiber runs on the platform's own clock, and not on a test's. */
export const isPlatformTime = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(Clock.Clock) === platformClock

/** Monotonic milliseconds by a fiber's clock; only differences mean something. */
export const monotonicMs = (fiber: Fiber.Fiber<unknown, unknown>): number => clockMs(fiber.getRef(Clock.Clock))

/** Monotonic milliseconds by a clock. The platform's is read without the detour over nanoseconds as a `bigint`. */
export const clockMs = (clock: Clock.Clock): number =>
  clock === platformClock ? performance.now() : Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** Whole microseconds: what waits are summed in. */
export const microseconds = (ms: number): number => Math.round(ms * 1000)

/** Milliseconds since the epoch by a fiber's clock. */
export const epochMs = (fiber: Fiber.Fiber<unknown, unknown>): number =>
  fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()

/** The last second that was written, up to its point. */
let lastSecond = { startMs: Number.NaN, text: "" }

/** A moment in ISO 8601. The second of the last one is remembered: calls come many to a second. */
export const isoTime = (ms: number): string => {
  const wholeMs = Math.trunc(ms)
  const sinceMs = wholeMs - lastSecond.startMs
  if (sinceMs >= 0 && sinceMs < 1000) return `${lastSecond.text}${`${sinceMs}`.padStart(3, "0")}Z`
  const text = new Date(ms).toISOString()
  lastSecond = { startMs: Math.floor(wholeMs / 1000) * 1000, text: text.slice(0, -4) }
  return text
}

/** False where nobody receives a line at DEBUG. */
export const logsDebug = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  !LogLevel.isGreaterThan(fiber.getRef(References.MinimumLogLevel), "Debug")
