/**
 * What each request to a deployment tells of it: that it is in flight until its end, when its first output came, and how it
 * ended. A stream is in flight until it was read to its end, interrupted or dropped.
 */
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { refuseAttempt } from "../../call/Attempt.ts"
import type { CallContext } from "../../call/CallContext.ts"
import { monotonicMs } from "../../call/Time.ts"
import { CircuitOpenError, InvalidResponseError, type LlmError, type LlmErrorReason } from "../../model/LlmError.ts"
import { type Around, type Asked, type Identity, traitsOf } from "../mechanisms/Around.ts"
import type { Admission } from "../mechanisms/Circuit.ts"
import { aroundAnswer, type Outcome } from "../mechanisms/HeldAnswer.ts"
import type { ServiceRow } from "../mechanisms/ServiceTable.ts"
import { surrounded } from "../mechanisms/Surround.ts"
import type { AnswerKind, DeploymentHealth } from "./DeploymentHealth.ts"

/** A service of a deployment whose answers are tracked. */
export const tracked = <I, S extends Identity>(row: ServiceRow<I, S>, service: S, health: DeploymentHealth): S =>
  surrounded(row, service, tracking(service, health))

/** What is held of a request while it runs. */
interface Held {
  readonly admission: Admission | undefined
  readonly sinceMs: number
  readonly kind: AnswerKind
  readonly isOwnModel: boolean
  hasOutput: boolean
}

const tracking = (inner: Identity, health: DeploymentHealth): Around =>
  aroundAnswer<Held>({
    begin: (context, request, fiber, isStream) => {
      const sinceMs = monotonicMs(fiber)
      const admission = health.enter(sinceMs)
      if (admission === undefined && context.deployment?.chosenBy !== "soonest") {
        return Result.fail(beingTried(context, fiber, inner, request, health, sinceMs))
      }
      health.inFlight += 1
      const isOwnModel = request.model === undefined || request.model === health.settings.model
      return Result.succeed({ admission, sinceMs, kind: answerKindOf(request, isStream), isOwnModel, hasOutput: false })
    },
    output: (held, fiber) => {
      held.hasOutput = true
      const nowMs = monotonicMs(fiber)
      health.answeredAfter(nowMs - held.sinceMs, held.kind, nowMs)
      // A request that tries whether the deployment is well has shown it with its first piece.
      if (held.admission?.isProbe === true) health.succeed(held.admission, nowMs)
    },
    end: (held, outcome, context, fiber) => {
      health.inFlight -= 1
      const nowMs = monotonicMs(fiber)
      settle(held, outcome, context, health, nowMs)
      return undefined
    },
  })

const answerKindOf = (request: Asked, isStream: boolean): AnswerKind =>
  isStream ? "stream" : traitsOf(request).latency

const settle = (held: Held, outcome: Outcome, context: CallContext, health: DeploymentHealth, nowMs: number): void => {
  const { admission, hasOutput, isOwnModel, kind, sinceMs } = held
  if (outcome._tag === "Answered") {
    if (!hasOutput) health.answeredAfter(nowMs - sinceMs, kind, nowMs)
    return health.succeed(admission, nowMs)
  }
  const reason =
    outcome._tag === "Failed" ? outcome.error.reason : outcome._tag === "Aborted" ? cutShort(context) : died
  if (!hasOutput && (outcome._tag === "Aborted" || reason?._tag === "TimeoutError")) {
    health.silentFor(nowMs - sinceMs, kind, nowMs)
  }
  if (reason === undefined) return health.abandon(admission, nowMs)
  health.fail(admission, reason, isOwnModel, nowMs)
}

/** One that dies at once would else be the fastest, and be asked by nearly every call. */
const died = new InvalidResponseError({ message: "a request there died of a defect" })

/** What a clock around the request ended it with. The whole call's deadline says nothing of the deployment. */
const cutShort = (context: CallContext): LlmErrorReason | undefined => {
  const reason = context.clock?.cutShort
  return reason === undefined || reason.clock === "total" ? undefined : reason
}

/** Between the choice and the request another one may have begun to try the deployment. */
const beingTried = (
  context: CallContext,
  fiber: Fiber.Fiber<unknown, unknown>,
  { model, name }: Identity,
  request: Asked,
  health: DeploymentHealth,
  nowMs: number,
): LlmError => {
  const reason = new CircuitOpenError({
    message: `no request made: ${health.settings.name} failed too often, and another request tries whether it is well again`,
    retryAfterMs: Math.ceil(health.away(nowMs)?.remainingMs ?? 0),
  })
  return refuseAttempt(context, fiber, { provider: name, model: request.model ?? model }, reason)
}
