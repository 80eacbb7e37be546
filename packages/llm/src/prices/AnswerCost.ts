/**
 * What an answer cost, and who says so: the service itself, then the user's own prices, then the provider's list price
 * (law 19). What none of them knows has no cost, never an estimate.
 */
import type { PriceSource, Usage } from "../model/LlmResponse.ts"
import { type OwnPrices, ownCost, type PricedAnswer } from "./OwnPrices.ts"
import { listedCost } from "./Prices.ts"

/** By whose prices a provider's answers are charged. */
export interface Pricing {
  /** The provider's part of the price table; absent where it has none, or where another address is asked. */
  readonly priceList?: string | undefined
  /** False where the name of the model asked for says nothing of its price (a deployment's). Default true. */
  readonly pricesModelAsked?: boolean | undefined
  /** The user's own. */
  readonly prices?: OwnPrices | undefined
}

/** A cost in US dollars and where it comes from. */
export interface AnswerCost {
  readonly costUsd: number
  readonly priceSource: PriceSource
}

/** The most that one answer can cost, in US dollars: a figure above it is no cost, and would spoil every sum. */
const maxCostUsd = 1_000_000

/** A cost that an answer can have. */
const isPossible = (costUsd: number): boolean => costUsd >= 0 && costUsd <= maxCostUsd

/** The cost of an answer; undefined where it is not known. */
export const costOf = (answer: PricedAnswer, pricing: Pricing = {}): AnswerCost | undefined => {
  const { atMs, billing, model, servedModel } = answer
  if (billing.costUsd !== undefined && isPossible(billing.costUsd))
    return { costUsd: billing.costUsd, priceSource: "service" }
  const { priceList, prices, pricesModelAsked } = pricing
  if (prices === undefined && priceList === undefined) return undefined
  const usage = billedUsage(answer.usage)
  if (prices !== undefined) {
    const costUsd = ownCost(prices, { ...answer, usage })
    if (costUsd !== undefined)
      return costUsd === null || !isPossible(costUsd) ? undefined : { costUsd, priceSource: "custom" }
  }
  if (priceList === undefined) return undefined
  const listed =
    listedCost(priceList, servedModel, usage, billing, atMs) ??
    (pricesModelAsked === false ? null : listedCost(priceList, model, usage, billing, atMs))
  return listed === null || !isPossible(listed.costUsd)
    ? undefined
    : { costUsd: listed.costUsd, priceSource: `table ${listed.date}` }
}

/** Reasoning that a service counts beside its output is billed as output all the same. */
const billedUsage = (usage: Usage): Usage => {
  const { inputTokens = 0, outputTokens = 0, reasoningTokens = 0, totalTokens } = usage
  return totalTokens !== undefined &&
    reasoningTokens > 0 &&
    totalTokens === inputTokens + outputTokens + reasoningTokens
    ? { ...usage, outputTokens: outputTokens + reasoningTokens }
    : usage
}
