/**
 * What one model charges, and what a usage costs at that price. Where the price, the usage or the time does not settle
 * the cost it is null, never an estimate.
 */
import type { Usage } from "../model/LlmResponse.ts"

/** US dollars per million tokens; null where the source knows no price. */
export interface Rates {
  readonly input: number | null
  readonly output: number | null
  readonly cacheRead: number | null
  readonly cacheWrite: number | null
  readonly longCacheWrite: number | null
}

/** The rates of a whole request that reads more than `above` input tokens, cached ones included. */
interface ContextTier extends Rates {
  readonly above: number
}

/** Lowest tier first. */
type ContextTiers = ReadonlyArray<ContextTier>

/** The tiers of a part of each day, in minutes after midnight UTC; it may pass midnight. */
interface DayPart {
  readonly fromMinute: number
  readonly toMinute: number
  readonly tiers: ContextTiers
}

export interface ModelPrice {
  readonly tiers: ContextTiers
  readonly dayParts: ReadonlyArray<DayPart>
}

/** What was charged for, beside the counts of `Usage`. */
export interface Charge {
  /** Epoch milliseconds: a price that changes with the hour is null without them. */
  readonly atMs?: number | undefined
  readonly longCacheWriteTokens?: number | undefined
  /** False where the price is not known of a request that is long enough for another context tier than the first. */
  readonly anyLength?: boolean | undefined
}

/** Reads the prices of a line of the price table, whose header explains them; null for `-`. */
export const parse = (text: string): ModelPrice | null => {
  if (text === "-") return null
  const [always = "", ...dayParts] = text.split(",")
  return { tiers: parseTiers(always), dayParts: dayParts.map(parseDayPart) }
}

/** The price of a model that has one rate for each bucket. */
export const flat = (rates: Rates): ModelPrice => ({ tiers: [{ above: -1, ...rates }], dayParts: [] })

const parseDayPart = (text: string): DayPart => {
  const minute = (start: number) => Number(text.slice(start, start + 2)) * 60 + Number(text.slice(start + 3, start + 5))
  return { fromMinute: minute(0), toMinute: minute(6), tiers: parseTiers(text.slice(12)) }
}

const parseTiers = (text: string): ContextTiers => {
  const [base = "", ...tiers] = text.split(">")
  const parsed = tiers.map((tier): ContextTier => {
    const [above, rates = ""] = tier.split(":")
    return { above: Number(above), ...parseRates(rates) }
  })
  return [{ above: -1, ...parseRates(base) }, ...parsed]
}

/** As in the sources, cache reads and writes without a price of their own are input like any other. */
const parseRates = (text: string): Rates => {
  const [input = null, output = null, cacheRead = null, cacheWrite = null, longCacheWrite = null] = text
    .split("/")
    .map((rate) => (rate === "" ? null : Number(rate)))
  return { input, output, cacheRead: cacheRead ?? input, cacheWrite: cacheWrite ?? input, longCacheWrite }
}

/** The cost in US dollars, or null. */
export const cost = (price: ModelPrice, usage: Usage, charge: Charge): number | null => {
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage
  const { anyLength = true, longCacheWriteTokens = 0 } = charge
  if (inputTokens === undefined) return null
  const tiers = tiersAt(price, charge.atMs)
  const rates = tiers?.findLast((tier) => inputTokens > tier.above)
  if (rates === undefined || (outputTokens === undefined && rates.output !== null)) return null
  if (!anyLength && rates !== tiers?.[0]) return null
  const total =
    bucket(inputTokens - cachedInputTokens - cacheWriteTokens, rates.input) +
    bucket(cachedInputTokens, rates.cacheRead) +
    bucket(cacheWriteTokens - longCacheWriteTokens, rates.cacheWrite) +
    bucket(longCacheWriteTokens, rates.longCacheWrite) +
    bucket(outputTokens ?? 0, rates.output)
  return Number.isFinite(total) ? total / 1_000_000 : null
}

const tiersAt = (price: ModelPrice, atMs: number | undefined): ContextTiers | undefined => {
  if (price.dayParts.length === 0) return price.tiers
  if (atMs === undefined || !Number.isFinite(atMs)) return undefined
  const minute = Math.floor(atMs / 60_000) % 1440
  const dayPart = price.dayParts.find(({ fromMinute, toMinute }) =>
    toMinute < fromMinute ? minute >= fromMinute || minute < toMinute : minute >= fromMinute && minute < toMinute,
  )
  return dayPart?.tiers ?? price.tiers
}

/** NaN, which spoils the total, for a count that cannot be or that has no price. */
const bucket = (tokens: number, rate: number | null): number => {
  if (tokens === 0) return 0
  return tokens > 0 && rate !== null ? tokens * rate : Number.NaN
}
