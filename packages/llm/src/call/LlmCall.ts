/**
 * What one call has been through so far: its clocks, its place in a fallback, its attempts. It travels in the fiber's
 * context, so that policies composed in any order tell one story, and an error at the end of it can tell all of it.
 * It decides nothing.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import type { TimeoutError } from "../model/LlmError.ts"
import type { AttemptRecord } from "../model/LlmResponse.ts"

/** The state of one call. Policies write to it while the call runs; nobody reads it afterwards but through copies. */
export interface LlmCall {
  /** Milliseconds since the epoch, by Effect's `Clock`, and the same in ISO 8601. */
  readonly startedMs: number
  readonly started: string
  /** When the call must have ended, if it has a deadline (law 10's `total` clock). */
  deadlineMs: number | undefined
  /** The longest wait for a permit, and for response headers, if limited. */
  queueLimitMs: number | undefined
  headersLimitMs: number | undefined
  /** Which fallback target is being tried; the first is 0. */
  targetIndex: number
  /** Waits that belong to the next attempt. */
  queuedMs: number
  waitedMs: number
  /** One record per request made or refused, in order (law 17). */
  readonly attempts: Array<OpenAttempt>
  /** When the last attempt began, while it runs. */
  openSinceMs: number | undefined
  /** What the provider asked last is called in traces, where that is not its name. */
  telemetryName: string | undefined
  /** The clock around all attempts that ended the one under way; to the policies within, that end looks like an abort. */
  cutShort: TimeoutError | undefined
}

let lastIso = { ms: Number.NaN, text: "" }

/** A moment in ISO 8601. The last one is remembered: calls come many to a millisecond. */
export const isoTime = (ms: number): string => {
  if (ms !== lastIso.ms) lastIso = { ms, text: new Date(ms).toISOString() }
  return lastIso.text
}

const Current = Context.Reference<LlmCall | undefined>("@wiseflow/llm/LlmCall", { defaultValue: () => undefined })

/** The time by a fiber's clock, in milliseconds since the epoch. */
export const timeOf = (fiber: Fiber.Fiber<unknown, unknown>): number =>
  fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()

/** False where a line at DEBUG would be made for nobody. */
export const hearsDebug = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  !LogLevel.isGreaterThan(fiber.getRef(References.MinimumLogLevel), "Debug")

/**
 * Runs `use` with the call that is under way, or with a new one if none is: the outermost policy begins the call, and
 * everything inside joins it. `use` gets the fiber too, so that it can tell the time without another step.
 */
export const joinCall = <A, E, R>(
  use: (call: LlmCall, fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const current = fiber.getRef(Current)
    if (current !== undefined) return use(current, fiber)
    const startedMs = timeOf(fiber)
    const call: LlmCall = {
      startedMs,
      started: isoTime(startedMs),
      deadlineMs: undefined,
      queueLimitMs: undefined,
      headersLimitMs: undefined,
      targetIndex: 0,
      queuedMs: 0,
      waitedMs: 0,
      attempts: [],
      openSinceMs: undefined,
      telemetryName: undefined,
      cutShort: undefined,
    }
    return Effect.provideService(use(call, fiber), Current, call)
  })

/** An attempt's record while the attempt runs; it is in `call.attempts` from the start, so that no end can lose it. */
export type OpenAttempt = { -readonly [Key in keyof AttemptRecord]: AttemptRecord[Key] }

/** Opens the record of one request about to be made or refused, and charges the waits before it to it. */
export const openAttempt = (
  call: LlmCall,
  nowMs: number,
  target: {
    readonly provider: string
    readonly model?: string | undefined
    readonly telemetryName?: string | undefined
  },
): OpenAttempt => {
  const attempt: OpenAttempt = {
    provider: target.provider,
    model: target.model,
    targetIndex: call.targetIndex,
    started: nowMs === call.startedMs ? call.started : isoTime(nowMs),
    queuedMs: call.queuedMs,
    waitedMs: call.waitedMs,
    durationMs: 0,
    costUsd: null,
  }
  call.telemetryName = target.telemetryName
  call.queuedMs = 0
  call.waitedMs = 0
  call.attempts.push(attempt)
  call.openSinceMs = nowMs
  return attempt
}

/** A clock ends what runs: an attempt that had not failed by itself failed by that. */
export const noteTimeout = (call: LlmCall, reason: TimeoutError): void => {
  const last = call.attempts.at(-1)
  if (last !== undefined) last.errorType ??= "TimeoutError"
  if (call.openSinceMs !== undefined && (reason.clock === "total" || reason.clock === "idle")) call.cutShort = reason
}

/** The story so far, for a response or an error to keep: an attempt that still runs is told up to now. */
export const attemptsOf = (call: LlmCall, nowMs: number): ReadonlyArray<AttemptRecord> => {
  const { openSinceMs } = call
  const last = call.attempts.at(-1)
  if (openSinceMs === undefined || last === undefined) return [...call.attempts]
  return [...call.attempts.slice(0, -1), { ...last, durationMs: nowMs - openSinceMs }]
}

/** Which target the call is at, for an error that belongs to no attempt. */
export const targetOf = (
  call: LlmCall,
  name: string,
): { readonly provider: string; readonly model: string | undefined } => {
  const last = call.attempts.at(-1)
  return { provider: last?.provider ?? name, model: last?.model }
}
