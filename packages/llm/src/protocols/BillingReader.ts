/** Reads how a service billed an answer: the tier, the lifetime of what it cached, and what it says the answer cost. */
import type { Billing } from "../model/LlmResponse.ts"
import { count, isWireObject, nonEmpty, type WireObject } from "./WireReader.ts"

/** An amount of money, as a number or as its text. */
const amount = (value: unknown): number | undefined => {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value
  return typeof number === "number" && number >= 0 && number < Number.POSITIVE_INFINITY ? number : undefined
}

/** docs.x.ai, "Cost Tracking": ten thousand million ticks are a dollar. */
const ticksPerDollar = 10_000_000_000

/**
 * What the figures of an answer say that it cost, in US dollars. `cost` is a number (OpenRouter, LiteLLM) or has a
 * `total_cost` (Perplexity, recorded). Where OpenRouter asked with the caller's own key, `cost` is its fee, and the provider
 * bills `upstream_inference_cost` besides (openrouter.ai, "Usage Accounting"). xAI writes ticks.
 */
const reportedCost = (usage: WireObject): number | undefined => {
  const ticks = amount(usage.cost_in_usd_ticks)
  if (ticks !== undefined) return ticks / ticksPerDollar
  const { cost, cost_details: details } = usage
  const own = amount(isWireObject(cost) ? cost.total_cost : cost)
  if (usage.is_byok !== true || own === undefined) return own
  const upstream = amount(isWireObject(details) ? details.upstream_inference_cost : undefined)
  return upstream === undefined ? undefined : own + upstream
}

/** The billing that these make; undefined where the service says nothing of it. */
const told = (
  serviceTier: string | undefined,
  longCacheWriteTokens: number | undefined,
  region: string | undefined,
  costUsd: number | undefined,
): Billing | undefined =>
  serviceTier === undefined && (longCacheWriteTokens ?? 0) === 0 && region === undefined && costUsd === undefined
    ? undefined
    : { serviceTier, longCacheWriteTokens, region, costUsd }

/** Of OpenAI's protocols: the tier stands beside the figures (openai 7.57 types). */
export const openAiBilling = (serviceTier: unknown, usage: WireObject = {}): Billing | undefined => {
  const input = usage.input_tokens_details ?? usage.prompt_tokens_details
  const lifetimes = isWireObject(input) ? input.cache_write_tokens_details : undefined
  const long = isWireObject(lifetimes) ? count(lifetimes.ttl_12h) : undefined
  return told(nonEmpty(serviceTier), long, undefined, reportedCost(usage))
}

/**
 * What was written for an hour. The end of a stream counts all writes and not their lifetimes, which the beginning told
 * (recorded): where later writes came and not all had one lifetime, it is not known how they divide, which is NaN.
 */
const hourWrites = ({
  cache_creation: lifetimes,
  cache_creation_input_tokens: all,
}: WireObject): number | undefined => {
  if (!isWireObject(lifetimes)) return undefined
  const hour = count(lifetimes.ephemeral_1h_input_tokens)
  const minutes = count(lifetimes.ephemeral_5m_input_tokens) ?? 0
  const total = count(all)
  if (!hour || total === undefined || total === hour + minutes) return hour
  return minutes === 0 ? total : Number.NaN
}

/** Of Messages: everything stands among the figures (@anthropic-ai/sdk 1.12 types). Fast mode is a tier of its own here. */
export const messagesBilling = (usage: WireObject = {}): Billing | undefined => {
  const { inference_geo: region, service_tier: tier, speed } = usage
  return told(speed === "fast" ? "fast" : nonEmpty(tier), hourWrites(usage), nonEmpty(region), reportedCost(usage))
}
