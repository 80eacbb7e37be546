/** Prices that a user brings: a table by the names of models, or a function. They stand before the built-in table. */
import type { Billing, Usage } from "../model/LlmResponse.ts"
import * as ModelPrice from "./ModelPrice.ts"
import { isStandardTier } from "./ServiceTier.ts"

/** What one model charges, in US dollars per million tokens. */
export interface ModelRates {
  /** What the model reads. */
  readonly input: number
  /** What it writes, reasoning included. */
  readonly output: number
  /** What it reads from the provider's cache; `input` where it is left out. */
  readonly cachedInput?: number | undefined
  /** What it writes to the provider's cache; `input` where it is left out. */
  readonly cacheWrite?: number | undefined
  /** What it writes there for an hour; where it is left out the cost of such an answer is null. */
  readonly cacheWrite1h?: number | undefined
  /**
   * A factor on all rates for each service tier, by the service's own word: `{ flex: 0.5 }`. The cost of an answer that a
   * tier without a factor served is null.
   */
  readonly tiers?: Readonly<Record<string, number>> | undefined
}

/** An answer to be priced. */
export interface PricedAnswer {
  /** The provider that answered, as in `metadata.provider`. */
  readonly provider: string
  /** The model that was asked for. */
  readonly model: string | undefined
  /** The model that answered, as the provider names it. */
  readonly servedModel: string | undefined
  /** Its tokens. Reasoning that a service counts beside its output is counted as output here. */
  readonly usage: Usage
  /** How it was billed, as far as the service told. */
  readonly billing: Billing
  /** When, in milliseconds since the epoch. */
  readonly atMs: number
}

/**
 * Prices of your own. A record names models (`"gpt-5-mini"`, or `"azure/my-deployment"` for one provider's alone), the one
 * that served before the one asked for. A function gives the cost in US dollars: null for one that is not known, undefined
 * to leave it to the built-in table. What a service itself says an answer cost stands before both.
 */
export type OwnPrices = Readonly<Record<string, ModelRates>> | ((answer: PricedAnswer) => number | null | undefined)

/** The cost by a user's own prices; undefined where they say nothing of the model, null where it is not known. */
export const ownCost = (prices: OwnPrices, answer: PricedAnswer): number | null | undefined => {
  const cost = typeof prices === "function" ? prices(answer) : rateCost(prices, answer)
  return typeof cost === "number" && !(cost >= 0 && Number.isFinite(cost)) ? null : cost
}

const rateCost = (prices: Readonly<Record<string, ModelRates>>, answer: PricedAnswer): number | null | undefined => {
  const { billing, model, provider, servedModel } = answer
  const rates = ratesOf(prices, provider, servedModel) ?? ratesOf(prices, provider, model)
  if (rates === undefined) return undefined
  const { serviceTier, longCacheWriteTokens } = billing
  const factor = serviceTier === undefined || isStandardTier(serviceTier) ? 1 : own(rates.tiers ?? {}, serviceTier)
  if (factor === undefined) return null
  const { cacheWrite1h, cacheWrite, cachedInput, input, output } = rates
  const price = ModelPrice.flat({
    input,
    output,
    cacheRead: cachedInput ?? input,
    cacheWrite: cacheWrite ?? input,
    longCacheWrite: cacheWrite1h ?? null,
  })
  const cost = ModelPrice.cost(price, answer.usage, { longCacheWriteTokens })
  return cost === null ? null : cost * factor
}

const own = <Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

const ratesOf = (
  prices: Readonly<Record<string, ModelRates>>,
  provider: string,
  model: string | undefined,
): ModelRates | undefined =>
  model === undefined ? undefined : (own(prices, `${provider}/${model}`) ?? own(prices, model))
