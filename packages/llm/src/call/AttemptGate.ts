/** What stands between a call and each of its requests: it knows the price of the target, sends nothing and waits for nothing. */
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { LlmErrorReason } from "../model/LlmError.ts"
import type { AttemptRecord } from "../model/LlmResponse.ts"
import { costOf, type Pricing } from "../prices/AnswerCost.ts"

/** A request that is about to be sent. */
export interface AttemptPlan {
  /** Who is about to be asked. */
  readonly provider: string
  /** The model that is asked for, as the provider knows it. */
  readonly model: string | undefined
  /** What is asked, as the provider was asked it. */
  readonly request: object
  /** The limit of output tokens that is sent; absent where none is. */
  readonly maxTokens: number | undefined
  /** What this many tokens would cost at this target, in US dollars; undefined where its price is not known. */
  readonly price: (tokens: { readonly inputTokens: number; readonly outputTokens: number }) => number | undefined
}

/** Lets each request of a call go or refuses it, and is told how it ended. */
export interface AttemptGate {
  /** Runs before a request is sent: a reason refuses it; otherwise what is returned runs once, when the attempt ends. */
  readonly enter: (plan: AttemptPlan, fiber: Fiber.Fiber<unknown, unknown>) => LlmErrorReason | AttemptLeave
}

/** Is told the final record of an attempt that was let go, once, however it ended. */
export type AttemptLeave = (record: AttemptRecord) => void

/** What is asked of whom. */
export interface AttemptTarget {
  /** Who is asked. */
  readonly provider: string
  /** The model that is asked for. */
  readonly model: string | undefined
  /** As they are sent. */
  readonly temperature?: number | undefined
  /** The limit of output tokens that is sent. */
  readonly maxTokens?: number | undefined
  /** False where the caller set no limit of output tokens, so that an answer that ends at one surprises. Default true. */
  readonly asksForLimit?: boolean | undefined
  /** True for what no model answers and no service charges for: it costs 0, and no gate is asked for it. Default false. */
  readonly isFree?: boolean | undefined
  /** What was dropped from the request. */
  readonly warnings?: ReadonlyArray<string> | undefined
  /** What its answers cost; unknown where absent, unless the answer tells. */
  readonly pricing?: Pricing | undefined
  /** The name of the provider in traces, where that is not its name. */
  readonly telemetryName?: string | undefined
  /** Where the request goes. */
  readonly url?: string | undefined
  /** Blanks the secrets that the request is sent with, in every text that the server wrote. */
  readonly redact?: ((text: string) => string) | undefined
}

/** What gates are told of a request. A price function of the program's own may throw: that is no price. */
export const planOf = (target: AttemptTarget, request: object, atMs: number): AttemptPlan => {
  const { maxTokens, model, provider } = target
  const price: AttemptPlan["price"] = (usage) => {
    const asked = { provider, model, servedModel: undefined, usage, billing: {}, atMs }
    const cost = Result.try(() => costOf(asked, target.pricing))
    return Result.isSuccess(cost) ? cost.success?.costUsd : undefined
  }
  return { provider, model, request, maxTokens, price }
}

/** What came of asking the gates. */
export interface Passage {
  /** Those that let the request go, to be told of its end. */
  readonly leaves: ReadonlyArray<AttemptLeave>
  /** Why another one refused it, if one did. */
  readonly refusal?: LlmErrorReason
}

/** Asks each gate in turn, up to the first that refuses. */
export const passThrough = (
  gates: ReadonlyArray<AttemptGate>,
  plan: AttemptPlan,
  fiber: Fiber.Fiber<unknown, unknown>,
): Passage => {
  const leaves: Array<AttemptLeave> = []
  for (const gate of gates) {
    const entered = gate.enter(plan, fiber)
    if (typeof entered !== "function") return { leaves, refusal: entered }
    leaves.push(entered)
  }
  return { leaves }
}
