/**
 * One call over several deployments: the best one is asked, then the next best, each once, as long as a failure says that
 * another may do better. It decides who is asked; what was learnt of each deployment is kept elsewhere.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import { refuseAttempt } from "../../call/Attempt.ts"
import type { CallClock } from "../../call/CallClock.ts"
import { type CallContext, type ChosenDeployment, forAttempt, joinCall, tell } from "../../call/CallContext.ts"
import { CallOptions } from "../../call/CallOptions.ts"
import { monotonicMs } from "../../call/Time.ts"
import {
  CircuitOpenError,
  type LlmError,
  type LlmErrorReason,
  OverloadedError,
  QuotaExceededError,
  RateLimitError,
} from "../../model/LlmError.ts"
import type { Asked, Identity } from "../mechanisms/Around.ts"
import { failureOf } from "../mechanisms/Bounded.ts"
import { mayFallBack, retriesOf } from "../mechanisms/Judgement.ts"
import { shareOf, targetsOf, withTargetsAfter } from "../mechanisms/Shares.ts"
import type { BalanceStrategy } from "./BalanceCheck.ts"
import { choose, type Choice } from "./DeploymentChoice.ts"
import type { AnswerKind, DeploymentHealth } from "./DeploymentHealth.ts"
import { reservedTokens } from "../traffic/RateLimit.ts"

/** One deployment's service, and what is known of the deployment. */
export interface Balanced<S> {
  readonly service: S
  readonly health: DeploymentHealth
}

/** What holds for every call. */
export interface Balancing {
  readonly strategy: BalanceStrategy
  readonly stickyBy: ((request: Asked) => string | undefined) | undefined
  readonly model: string | undefined
  readonly maxTries: number
}

/** What a call asks for. */
export interface Question<Q> {
  /** What the deployments are asked, but for their names of the model. */
  readonly request: Q
  /** What the choice may know of it: `about` says what is asked for where it is no answer. */
  readonly told: Asked
  /** What its time is compared with. */
  readonly kind: AnswerKind
}

/** The beginning of an answer of one deployment, within its share of the deadline. */
export type AskOne<S, Q, A> = (
  one: Balanced<S>,
  request: Q,
  context: CallContext,
  share: CallClock | undefined,
) => Effect.Effect<A, LlmError>

/** Asks one deployment after the other, the best of those that are left each time. */
export const askInTurn = <S extends Identity, Q extends Asked, A>(
  all: ReadonlyArray<Balanced<S>>,
  balancing: Balancing,
  question: Question<Q>,
  ask: AskOne<S, Q, A>,
): Effect.Effect<A, LlmError> =>
  joinCall((context, fiber) => {
    const key = fiber.getRef(CallOptions).stickyKey ?? keyBy(balancing, question.told)
    return new BalancedCall(all, balancing, question, ask, forAttempt(context), key).next(fiber)
  })

/** The key by the program's own function. Where it throws, or gives no text, the request has none. */
const keyBy = ({ stickyBy }: Balancing, request: Asked): string | undefined => {
  const key: unknown = Result.getOrUndefined(Result.try(() => stickyBy?.(request)))
  return Predicate.isString(key) ? key : undefined
}

class BalancedCall<S extends Identity, Q extends Asked, A> {
  private readonly all: ReadonlyArray<Balanced<S>>
  private readonly balancing: Balancing
  private readonly question: Question<Q>
  private readonly ask: AskOne<S, Q, A>
  private readonly context: CallContext
  private readonly key: string | undefined
  private readonly failures: Array<LlmError> = []
  private untried: ReadonlyArray<Balanced<S>>

  constructor(
    all: ReadonlyArray<Balanced<S>>,
    balancing: Balancing,
    question: Question<Q>,
    ask: AskOne<S, Q, A>,
    context: CallContext,
    key: string | undefined,
  ) {
    this.all = all
    this.balancing = balancing
    this.question = question
    this.ask = ask
    this.context = context
    this.key = key
    this.untried = all
  }

  /** Asks the best of those that are left. */
  next(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<A, LlmError> {
    const nowMs = monotonicMs(fiber)
    const choice = choose(this.untried, {
      strategy: this.balancing.strategy,
      key: this.key,
      kind: this.question.kind,
      nowMs,
      tokensAt: (pace) => reservedTokens(this.question.told, pace),
      random: () => fiber.getRef(Random.Random).nextDoubleUnsafe(),
    })
    const before = this.failures.at(-1)
    if (choice === undefined)
      return Effect.fail(before === undefined ? this.refusal(fiber, nowMs) : this.failure(before))
    const { deployment } = choice
    const { service } = deployment
    this.untried = this.untried.filter((one) => one !== deployment)
    // One that lets the request wait may take all the time that there is: the others would let it wait longer.
    const after = choice.chosenBy === "soonest" ? 0 : this.targetsLeft(nowMs)
    const inTurn = withTargetsAfter(this.context, after)
    const share = shareOf(inTurn, targetsOf(service), nowMs)
    const context: CallContext = {
      ...inTurn,
      ...(before === undefined ? {} : { queuedUs: 0, waitedMs: 0 }),
      deployment: chosen(choice, before !== undefined),
      clock: share ?? inTurn.clock,
    }
    const answer = Effect.matchEffect(this.ask(deployment, this.asked(deployment), context, share), {
      onSuccess: (value) => Effect.succeed(value),
      onFailure: (error) => this.after(error),
    })
    if (before === undefined) return answer
    tell(context, { type: "fallback", error: before, provider: service.name }, fiber)
    return Effect.andThen(log(before, this.failedAt, deployment.health.settings.name), answer)
  }

  /** A deployment failed: another one is asked, or the call has failed. */
  private after(error: LlmError): Effect.Effect<A, LlmError> {
    return Effect.withFiber((fiber) => {
      this.failures.push(error)
      const isOver = this.context.clock?.isOver(monotonicMs(fiber)) ?? false
      if (isOver || !goesOn(error.reason)) return Effect.fail(error)
      if (this.failures.length >= this.balancing.maxTries) return Effect.fail(this.failure(error))
      if (error.reason._tag === "InvalidRequestError") {
        this.context.ledger.warn(`${this.failedAt} was passed over: ${error.reason.message}`)
      }
      return this.next(fiber)
    })
  }

  /** The deployment that was asked last. */
  private get failedAt(): string {
    return this.context.ledger.last?.deployment ?? "a deployment"
  }

  /** How many may still be asked, as far as is known now. */
  private targetsLeft(nowMs: number): number {
    const tries = this.balancing.maxTries - this.failures.length - 1
    const well = this.untried.filter(({ health }) => health.away(nowMs) === undefined)
    return well.slice(0, tries).reduce((sum, { service }) => sum + targetsOf(service), 0)
  }

  /** The request for one deployment: by the name that the model has there. */
  private asked({ health }: Balanced<S>): Q {
    const { request } = this.question
    const { model } = request
    const own = health.settings.model
    if (own === undefined || (model !== undefined && model !== this.balancing.model)) return request
    return { ...request, model: own }
  }

  /** Of all that failed, the failure that is over first: that is when the call is worth another try. */
  private failure(last: LlmError): LlmError {
    const soonest = this.failures.reduceRight((best, error) => (backMs(error) < backMs(best) ? error : best), last)
    return failureOf(soonest, this.context)
  }

  /** Each deployment said until when it is not to be asked, so that none was: fails with the reason of the first one back. */
  private refusal(fiber: Fiber.Fiber<unknown, unknown>, nowMs: number): LlmError {
    let first: Balanced<S> | undefined
    let remainingMs = Number.POSITIVE_INFINITY
    for (const one of this.all) {
      const away = one.health.away(nowMs)
      if (away === undefined || away.remainingMs >= remainingMs) continue
      first = one
      remainingMs = away.remainingMs
    }
    const name = first?.health.settings.name ?? "none"
    const context: CallContext = { ...this.context, deployment: { name, chosenBy: "soonest" } }
    const target = {
      provider: first?.service.name ?? "none",
      model: this.question.told.model ?? first?.health.settings.model,
    }
    return refuseAttempt(context, fiber, target, reasonOf(first?.health.away(nowMs)?.because, name, remainingMs))
  }
}

const chosen = <S>({ chosenBy, deployment }: Choice<Balanced<S>>, isNext: boolean): ChosenDeployment => ({
  name: deployment.health.settings.name,
  chosenBy: isNext && chosenBy !== "soonest" ? "next" : chosenBy,
})

/** Whether another deployment of the same model may do better. It refuses the same prompts, and its window is as long. */
const goesOn = (reason: LlmErrorReason): boolean =>
  reason._tag !== "ContentFilterError" && reason._tag !== "ContextLengthExceededError" && mayFallBack(reason)

/** When the same call may succeed: at once, after what was told, or never. */
const backMs = (error: LlmError): number => {
  const { reason } = error
  if (reason._tag === "ConfigurationError" || retriesOf(error) === "never") return Number.POSITIVE_INFINITY
  return reason.retryAfterMs ?? 0
}

/** Why none was asked, as a reason that policies around know what to do with. */
const reasonOf = (because: LlmErrorReason | undefined, name: string, remainingMs: number): LlmErrorReason => {
  const retryAfterMs = Math.ceil(remainingMs)
  const message = `no request made: every deployment is passed over; ${name} is asked again in ${retryAfterMs} ms (${because?.message ?? "no reason given"})`
  switch (because?._tag) {
    case "RateLimitError":
      return new RateLimitError({ message, retryAfterMs })
    case "QuotaExceededError":
      return new QuotaExceededError({ message, retryAfterMs })
    case "OverloadedError":
      return new OverloadedError({ message, retryAfterMs })
    default:
      return new CircuitOpenError({ message, retryAfterMs })
  }
}

/** A wrong key is a mistake that should be seen, even where another deployment answers the call. */
const log = ({ message, reason }: LlmError, from: string, next: string): Effect.Effect<void> => {
  const text = `going on from deployment ${from} to ${next}`
  const details = { errorType: reason._tag, message }
  return reason._tag === "AuthenticationError" || reason._tag === "PermissionDeniedError"
    ? Effect.logWarning(text, details)
    : Effect.logDebug(text, details)
}
