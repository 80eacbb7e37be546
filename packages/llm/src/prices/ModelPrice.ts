/**
 * What one model charges, and what a usage costs at that price. Where the price, the usage or the time does not settle
 * the cost it is null, never an estimate.
 */
import type { Usage } from "../model/LlmResponse.ts"

/** US dollars per million tokens; null where the source knows no price. */
interface Rates {
  readonly input: number | null
  readonly output: number | null
  readonly cacheRead: number | null
  readonly cacheWrite: number | null
}

/** The rates of a whole request that reads more than `above` input tokens, cached ones included. */
interface Tier extends Rates {
  readonly above: number
}

/** Lowest tier first. */
type Tiers = ReadonlyArray<Tier>

/** The tiers of a part of each day, in minutes after midnight UTC; it may pass midnight. */
interface DayPart {
  readonly fromMinute: number
  readonly toMinute: number
  readonly tiers: Tiers
}

export interface ModelPrice {
  readonly tiers: Tiers
  readonly dayParts: ReadonlyArray<DayPart>
}

/** Reads the first column of a line of the price table, whose header explains it; null for `-`. */
export const parse = (text: string): ModelPrice | null => {
  if (text === "-") return null
  const [always = "", ...dayParts] = text.split(",")
  return { tiers: parseTiers(always), dayParts: dayParts.map(parseDayPart) }
}

const parseDayPart = (text: string): DayPart => {
  const minute = (start: number) => Number(text.slice(start, start + 2)) * 60 + Number(text.slice(start + 3, start + 5))
  return { fromMinute: minute(0), toMinute: minute(6), tiers: parseTiers(text.slice(12)) }
}

const parseTiers = (text: string): Tiers => {
  const [base = "", ...tiers] = text.split(">")
  const parsed = tiers.map((tier): Tier => {
    const [above, rates = ""] = tier.split(":")
    return { above: Number(above), ...parseRates(rates) }
  })
  return [{ above: -1, ...parseRates(base) }, ...parsed]
}

/** As in the source, cache reads and writes without a price of their own are input like any other. */
const parseRates = (text: string): Rates => {
  const [input = null, output = null, cacheRead = null, cacheWrite = null] = text
    .split("/")
    .map((rate) => (rate === "" ? null : Number(rate)))
  return { input, output, cacheRead: cacheRead ?? input, cacheWrite: cacheWrite ?? input }
}

/** The cost in US dollars. A price that changes with the hour needs `atMs` (epoch milliseconds); without it: null. */
export const cost = (price: ModelPrice, usage: Usage, atMs: number | undefined): number | null => {
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage
  if (inputTokens === undefined) return null
  const tiers = tiersAt(price, atMs)
  const rates = tiers?.findLast((tier) => inputTokens > tier.above)
  if (rates === undefined || (outputTokens === undefined && rates.output !== null)) return null
  const uncachedTokens = inputTokens - cachedInputTokens - cacheWriteTokens
  const total =
    bucket(uncachedTokens, rates.input) +
    bucket(cachedInputTokens, rates.cacheRead) +
    bucket(cacheWriteTokens, rates.cacheWrite) +
    bucket(outputTokens ?? 0, rates.output)
  return Number.isFinite(total) ? total / 1_000_000 : null
}

const tiersAt = (price: ModelPrice, atMs: number | undefined): Tiers | undefined => {
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
