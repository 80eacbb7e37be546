/**
 * Law 16: one breaker per target and model. It opens on consecutive failures or on a failure rate, of final outcomes and
 * not of HTTP statuses; caller mistakes and aborts do not count, nor does being told to slow down. While it is open a call
 * fails at once with `CircuitOpenError` and no request, so that a fallback takes over; then one probe is let through. A
 * quota error pauses the target for a minute, whatever the model: money does not come back sooner. The breaker never
 * waits.
 *
 * Put it outside `withRetry`: it then judges calls. Inside, it judges attempts, and one call's four attempts may open it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { attemptsOf, type LlmCall, openAttempt, timeOf } from "../call/LlmCall.ts"
import {
  CircuitOpenError,
  type ErrorType,
  LlmError,
  type LlmErrorReason,
  QuotaExceededError,
} from "../model/LlmError.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import * as Policy from "./Policy.ts"

/** Opens after `failures` in a row, or when `rate` of at least `calls` calls within `window` failed; stays open for `openFor`. */
export interface CircuitBreakerOptions {
  readonly failures?: number | undefined
  readonly rate?: number | undefined
  readonly calls?: number | undefined
  readonly window?: Duration.Input | undefined
  readonly openFor?: Duration.Input | undefined
  readonly quotaPause?: Duration.Input | undefined
}

/** Outcomes that say the target is ill. */
const ill: ReadonlySet<ErrorType> = new Set<ErrorType>([
  "ConnectionError",
  "TimeoutError",
  "OverloadedError",
  "ServerError",
  "StreamInterruptedError",
  "InvalidResponseError",
])

/** Models a breaker remembers before it forgets the healthy ones. */
const maxModels = 1000

/** One model's health. */
interface Circuit {
  openUntilMs: number
  probing: boolean
  because: LlmErrorReason | undefined
  consecutive: number
  windowSinceMs: number
  succeeded: number
  failed: number
}

const healthy = (nowMs: number): Circuit => ({
  openUntilMs: 0,
  probing: false,
  because: undefined,
  consecutive: 0,
  windowSinceMs: nowMs,
  succeeded: 0,
  failed: 0,
})

interface Thresholds {
  readonly failures: number
  readonly rate: number
  readonly calls: number
  readonly windowMs: number
  readonly openMs: number
  readonly pauseMs: number
}

/** What a call holds while it runs: its circuit, and whether it is the probe. */
interface Pass {
  readonly circuit: Circuit
  readonly probe: boolean
}

/** Fails fast while a target is ill. Defaults: 10 failures in a row or half of 20 calls in 30 s; open for 5 s; quota pause 60 s. */
export const withCircuitBreaker = (options: CircuitBreakerOptions = {}): Policy.Policy => {
  const { openFor, quotaPause, window } = options
  const wrong = Policy.misconfiguredDuration("withCircuitBreaker", { openFor, quotaPause, window })
  if (wrong !== undefined) return wrong
  const ms = (input: Duration.Input | undefined, otherwise: number) =>
    input === undefined ? otherwise : Duration.toMillis(Duration.fromInputUnsafe(input))
  const thresholds: Thresholds = {
    failures: options.failures ?? 10,
    rate: options.rate ?? 0.5,
    calls: options.calls ?? 20,
    windowMs: ms(window, 30_000),
    openMs: ms(openFor, 5000),
    pauseMs: ms(quotaPause, 60_000),
  }
  return Policy.make((inner) =>
    Effect.sync(() => {
      const key = healthy(0)
      const models = new Map<string, Circuit>()
      return Policy.aroundAnswer(
        inner,
        (call, request, fiber) => admit(key, models, inner.name, call, request, timeOf(fiber)),
        (pass, outcome, call, fiber) => {
          judge(pass, key, outcome, call, thresholds, timeOf(fiber))
          return undefined
        },
      )
    }),
  )
}

const circuitOf = (models: Map<string, Circuit>, model: string, nowMs: number): Circuit => {
  const known = models.get(model)
  if (known !== undefined) return known
  if (models.size >= maxModels) {
    for (const [name, circuit] of models) if (circuit.openUntilMs === 0) models.delete(name)
  }
  const circuit = healthy(nowMs)
  models.set(model, circuit)
  return circuit
}

const admit = (
  key: Circuit,
  models: Map<string, Circuit>,
  name: string,
  call: LlmCall,
  request: LlmRequest,
  nowMs: number,
): Result.Result<Pass, LlmError> => {
  const circuit = key.openUntilMs === 0 ? circuitOf(models, request.model ?? "", nowMs) : key
  if (circuit.openUntilMs === 0) return Result.succeed({ circuit, probe: false })
  if (nowMs >= circuit.openUntilMs && !circuit.probing) {
    circuit.probing = true
    return Result.succeed({ circuit, probe: true })
  }
  const reason = refusal(circuit, name, Math.max(0, circuit.openUntilMs - nowMs))
  const attempt = openAttempt(call, nowMs, { provider: name, model: request.model })
  attempt.errorType = reason._tag
  attempt.retryAfterMs = reason.retryAfterMs
  call.openSinceMs = undefined
  return Result.fail(new LlmError({ reason, provider: name, model: request.model, attempts: attemptsOf(call, nowMs) }))
}

const refusal = (circuit: Circuit, name: string, retryAfterMs: number): CircuitOpenError | QuotaExceededError => {
  const { because } = circuit
  return because?._tag === "QuotaExceededError"
    ? new QuotaExceededError({
        message: `no request made: ${name} said its quota is used up (${because.message})`,
        code: because.code,
        retryAfterMs,
      })
    : new CircuitOpenError({
        message: `no request made: ${name} failed too often (last ${because?._tag ?? "unknown"}), its circuit is open`,
        retryAfterMs,
      })
}

const judge = (
  { circuit, probe }: Pass,
  key: Circuit,
  outcome: Policy.Outcome,
  call: LlmCall,
  thresholds: Thresholds,
  nowMs: number,
): void => {
  if (probe) circuit.probing = false
  if (nowMs - circuit.windowSinceMs >= thresholds.windowMs) {
    circuit.windowSinceMs = nowMs
    circuit.succeeded = 0
    circuit.failed = 0
  }
  if (outcome._tag === "Answered") {
    circuit.succeeded += 1
    circuit.consecutive = 0
    if (probe) close(circuit)
    return
  }
  // A deadline or an idle clock around the breaker ends a call like an abort, but the target was too slow.
  const reason = outcome._tag === "Failed" ? outcome.error.reason : call.cutShort
  if (reason === undefined) return
  if (reason._tag === "QuotaExceededError") return open(key, reason, nowMs + thresholds.pauseMs)
  // The target answered, if only to say that the request is wrong or too early: it is not ill.
  if (!ill.has(reason._tag) || (reason._tag === "TimeoutError" && reason.clock === "queue")) {
    return probe ? close(circuit) : undefined
  }
  circuit.failed += 1
  circuit.consecutive += 1
  const total = circuit.succeeded + circuit.failed
  const tooMany = total >= thresholds.calls && circuit.failed / total >= thresholds.rate
  if (probe || circuit.consecutive >= thresholds.failures || tooMany) open(circuit, reason, nowMs + thresholds.openMs)
}

const open = (circuit: Circuit, because: LlmErrorReason, untilMs: number): void => {
  circuit.openUntilMs = untilMs
  circuit.because = because
}

const close = (circuit: Circuit): void => {
  circuit.openUntilMs = 0
  circuit.because = undefined
  circuit.consecutive = 0
  circuit.succeeded = 0
  circuit.failed = 0
}
