/**
 * Law 16: one circuit per target and model. It opens on consecutive failures or on a failure rate, of final outcomes and
 * not of HTTP statuses; caller mistakes and aborts do not count, nor does being told to slow down. While it is open a call
 * fails at once with `CircuitOpenError` and no request, so that a fallback takes over; then one probe is let through. An
 * empty account pauses the target for a minute, whatever the model, where another target follows; the last one is always
 * asked, since the account may have been topped up. The breaker never waits.
 *
 * Put it outside `withRetry`: it then judges calls. Inside, it judges attempts, and one call's four attempts may open it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { refuseAttempt } from "../call/Attempt.ts"
import { type CallContext, tell } from "../call/CallContext.ts"
import { monotonicMs } from "../call/Time.ts"
import { CircuitOpenError, type LlmError, type LlmErrorReason, QuotaExceededError } from "../model/LlmError.ts"
import type { Asked, Identity } from "./mechanisms/Around.ts"
import { type Admission, Circuit, type OnChange, type Thresholds } from "./mechanisms/Circuit.ts"
import { aroundAnswer, type Outcome } from "./mechanisms/HeldAnswer.ts"
import { isUnhealthy } from "./mechanisms/Judgement.ts"
import * as Policy from "./Policy.ts"

/**
 * The circuit opens after `failures` in a row (10), or when `rate` (0.5) of at least `calls` (20) calls within `window` (30
 * seconds) failed; it stays open for `openFor` (5 seconds). `quotaPause` (1 minute) is how long a target whose account is
 * empty is passed over. Each circuit lives as long as the Layer.
 */
export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. Default 10. */
  readonly failures?: number | undefined
  /** The share of failures within `window` that opens it, between 0 and 1. Default 0.5. */
  readonly rate?: number | undefined
  /** The fewest calls within `window` for `rate` to count. Default 20. */
  readonly calls?: number | undefined
  /** The time over which `rate` is counted. Default 30 seconds. */
  readonly window?: Duration.Input | undefined
  /** How long an open circuit refuses calls before it lets one through to try. Default 5 seconds. */
  readonly openFor?: Duration.Input | undefined
  /** How long a target without money or budget is passed over, where another follows. Default 1 minute. */
  readonly quotaPause?: Duration.Input | undefined
}

/** Models a breaker remembers before it forgets those whose circuits are closed. */
const maxModels = 1000

/** A deadline shorter than this does not count against a target that is not known to answer faster. */
const shortDeadlineMs = 1000

/** Fails fast while a target is unhealthy. */
export const withCircuitBreaker = (options: CircuitBreakerOptions = {}): Policy.ServicePolicy<LlmError> => {
  const { openFor, quotaPause, window } = options
  const wrong =
    Policy.refusedDuration("withCircuitBreaker", { window }, "above 0") ??
    Policy.refusedDuration("withCircuitBreaker", { openFor, quotaPause }, "0 or more and finite") ??
    refusedNumber(options)
  if (wrong !== undefined) return wrong
  const ms = (input: Duration.Input | undefined, otherwise: number) =>
    input === undefined ? otherwise : Duration.toMillis(Duration.fromInputUnsafe(input))
  const thresholds: Thresholds = {
    failures: options.failures ?? 10,
    rate: options.rate ?? 0.5,
    calls: options.calls ?? 20,
    windowMs: ms(window, 30_000),
    openMs: ms(openFor, 5000),
  }
  return Policy.mechanism((inner) =>
    Effect.sync(() => {
      const breaker = new Breaker(inner, thresholds, ms(quotaPause, 60_000))
      return aroundAnswer<Held>({
        begin: (context, request, fiber) => breaker.begin(context, request, fiber),
        output: (held, fiber, context) => breaker.output(held, context, fiber),
        end: (held, outcome, context, fiber) => {
          breaker.end(held, outcome, context, fiber)
          return undefined
        },
      })
    }),
  )
}

const refusedNumber = ({
  calls,
  failures,
  rate,
}: CircuitBreakerOptions): Policy.ServicePolicy<LlmError> | undefined => {
  for (const [name, value] of Object.entries({ failures, calls })) {
    if (value === undefined || (Number.isInteger(value) && value >= 1)) continue
    return Policy.refused("withCircuitBreaker", `${name} must be a whole number above 0, not ${value}`)
  }
  if (rate === undefined || (rate > 0 && rate <= 1)) return undefined
  return Policy.refused("withCircuitBreaker", `rate must be a share above 0 and up to 1, not ${rate}`)
}

/** What a call holds while it runs. */
interface Held {
  readonly admission: Admission
  /** The generation of the account: what a call says of it counts only if it began after the last change. */
  readonly account: number
  /** The attempts of the call before this one. */
  readonly attemptsBefore: number
  readonly model: string | undefined
}

class Breaker {
  private readonly inner: Identity
  private readonly thresholds: Thresholds
  private readonly pauseMs: number
  private readonly account = new Circuit()
  /** What the account said last when it was empty. */
  private emptied: QuotaExceededError | undefined
  private readonly models = new Map<string, Circuit>()

  constructor(inner: Identity, thresholds: Thresholds, pauseMs: number) {
    this.inner = inner
    this.thresholds = thresholds
    this.pauseMs = pauseMs
  }

  begin(context: CallContext, request: Asked, fiber: Fiber.Fiber<unknown, unknown>): Result.Result<Held, LlmError> {
    const nowMs = monotonicMs(fiber)
    const { name } = this.inner
    const model = request.model ?? this.inner.model
    // An empty account refuses calls only where another target follows: the last target is always asked.
    if (this.emptied !== undefined && context.targetsAfter > 0) {
      const remainingMs = this.account.remainingMs(nowMs)
      if (remainingMs > 0) return refuse(this.paused(this.emptied, remainingMs))
    }
    const circuit = this.circuitOf(model ?? "")
    const admission = circuit.admit(nowMs, this.thresholds, this.telling(model, context, fiber))
    return admission === undefined
      ? refuse(this.open(circuit, circuit.remainingMs(nowMs)))
      : Result.succeed({
          admission,
          account: this.account.generation,
          attemptsBefore: context.ledger.count,
          model,
        })

    function refuse(reason: LlmErrorReason): Result.Result<never, LlmError> {
      return Result.fail(refuseAttempt(context, fiber, { provider: name, model }, reason))
    }
  }

  /** A probe that has brought its first piece has proved that the target answers. */
  output({ admission, model }: Held, context: CallContext, fiber: Fiber.Fiber<unknown, unknown>): void {
    if (!admission.isProbe) return
    admission.circuit.succeed(admission, monotonicMs(fiber), this.thresholds, this.telling(model, context, fiber))
  }

  end(held: Held, outcome: Outcome, context: CallContext, fiber: Fiber.Fiber<unknown, unknown>): void {
    const { admission } = held
    const nowMs = monotonicMs(fiber)
    const onChange = this.telling(held.model, context, fiber)
    const { circuit } = admission
    if (outcome._tag === "Answered") {
      if (held.account === this.account.generation && !this.account.isClosed) this.account.close(() => {})
      return circuit.succeed(admission, nowMs, this.thresholds, onChange)
    }
    const reason = outcome._tag === "Failed" ? outcome.error.reason : cutShort(context, held)
    if (reason === undefined) return circuit.abandon(admission, nowMs)
    if (reason._tag === "QuotaExceededError") {
      // One end user's budget does not count against the account.
      if (reason.scope !== "user" && held.account === this.account.generation) {
        this.emptied = reason
        this.account.open(reason, nowMs + this.pauseMs, () => {})
      }
      return circuit.abandon(admission, nowMs)
    }
    // The target answered, if only to say that the request is wrong or too early: it is not unhealthy.
    if (!isUnhealthy(reason)) {
      return admission.isProbe ? circuit.succeed(admission, nowMs, this.thresholds, onChange) : undefined
    }
    circuit.fail(admission, reason, nowMs, this.thresholds, onChange)
  }

  /** Tells a call's observers of a change. Made when it is wanted: a call in flight holds none. */
  private telling(model: string | undefined, context: CallContext, fiber: Fiber.Fiber<unknown, unknown>): OnChange {
    return (from, to) => tell(context, { type: "circuit", provider: this.inner.name, model, from, to }, fiber)
  }

  private circuitOf(model: string): Circuit {
    const known = this.models.get(model)
    if (known !== undefined) return known
    if (this.models.size >= maxModels) {
      for (const [name, circuit] of this.models) if (circuit.isClosed) this.models.delete(name)
      if (this.models.size >= maxModels) this.models.clear()
    }
    const circuit = new Circuit()
    this.models.set(model, circuit)
    return circuit
  }

  private paused({ code, message }: QuotaExceededError, retryAfterMs: number): QuotaExceededError {
    return new QuotaExceededError({
      message: `no request made: ${this.inner.name} said its quota is used up (${message})`,
      code,
      retryAfterMs: Math.ceil(retryAfterMs),
    })
  }

  private open({ because }: Circuit, retryAfterMs: number): CircuitOpenError {
    const { name } = this.inner
    return new CircuitOpenError({
      message: `no request made: ${name} failed too often (last ${because?._tag ?? "unknown"}), its circuit is open`,
      retryAfterMs: Math.ceil(retryAfterMs),
    })
  }
}

/**
 * A clock around the breaker ends a call like an abort does, but the target may have been too slow. Only time that a
 * request took counts, not the queue. Silence counts, and a share of a deadline; a deadline of one caller's own counts only
 * if the target had longer than it needs.
 */
const cutShort = (context: CallContext, { admission, attemptsBefore }: Held): LlmErrorReason | undefined => {
  const reason = context.clock?.cutShort
  const last = context.ledger.count > attemptsBefore ? context.ledger.last : undefined
  if (reason === undefined || last?.errorType !== "TimeoutError") return undefined
  if (reason.clock !== "total") return reason
  const neededMs = Math.max(shortDeadlineMs, 2 * admission.circuit.patienceMs)
  return last.durationMs >= neededMs ? reason : undefined
}
