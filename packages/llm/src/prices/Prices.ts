/**
 * What an answer cost by the price table of the day that its header names (law 19: priced as served). A price that is not
 * known is null; it is never taken from a similar model, another tier, another provider or an average.
 */
import type { Billing, Usage } from "../model/LlmResponse.ts"
import * as ModelPrice from "./ModelPrice.ts"
import { fits } from "./NameRule.ts"
import type { priceTable } from "./priceTable.ts"
import { regionFactor, tierPrice } from "./ServiceTier.ts"

/** The table, once it is loaded. It is the largest part of a bundle, and only answers at a list price need it. */
let table: typeof priceTable | undefined

/** True once list prices can be told. */
export const isLoaded = (): boolean => table !== undefined

/** Loads the table. Where it cannot be loaded, list prices stay unknown until it can. */
export const load = async (): Promise<void> => {
  try {
    table = (await import("./priceTable.ts")).priceTable
  } catch {
    // A file of the bundle that is missing costs a price, not an answer.
  }
}

/** What an answer cost in US dollars, and the day from which its price is known (`2026-09-23`). */
export interface ListedCost {
  readonly costUsd: number
  readonly date: string
}

/**
 * The cost of one answer at a provider's list price, or null where the list, the model, one of its prices, the tier that
 * served it or the usage is not known, and before `load`.
 *
 * `list` is a name of the table: `openai`, `anthropic`, `azure`, `deepseek`, `groq`, `mistral`, `moonshotai`, `together`,
 * `xai`. `model` is the id the provider knows, with or without its own name before it; for Azure give the served model, not
 * the deployment. `atMs` (epoch milliseconds) is needed only where a price changes with the hour.
 *
 * Each bucket of `usage` has its own price; where the table has none for cache reads or short writes they cost what input
 * costs, as in its sources. Searches that a provider bills by the piece are not part of the cost.
 */
export const listedCost = (
  list: string,
  model: string | undefined,
  usage: Usage,
  billing?: Billing,
  atMs?: number,
): ListedCost | null => {
  if (table === undefined || model === undefined || usage.inputTokens === undefined) return null
  const found = remembered(list, model)
  if (found === null) return null
  const { longCacheWriteTokens, region, serviceTier } = billing ?? {}
  const tier = tierPrice(found.list, serviceTier, found.model)
  const factor = regionFactor(found.list, region)
  if (tier === undefined || factor === undefined) return null
  const costUsd = ModelPrice.cost(found.price, usage, { atMs, longCacheWriteTokens, anyLength: tier.anyLength })
  return costUsd === null ? null : { costUsd: costUsd * tier.factor * factor, date: found.date }
}

/** A provider's part of the table. */
interface PriceList {
  readonly names: ReadonlyArray<string>
  readonly fallbacks: ReadonlyArray<string>
  readonly lines: ReadonlyArray<Line>
}

interface Line {
  readonly source: number
  readonly prices: string
  readonly rules: ReadonlyArray<string>
}

/** A model of a list: what the tiers are told by, what it costs, and when its source was published. */
interface Found {
  readonly list: string
  readonly model: string
  readonly price: ModelPrice.ModelPrice
  readonly date: string
}

/**
 * What the table says of a name, remembered: a program asks the same few models all day. Names come from requests and
 * from servers, which may make one up for every answer, so there are few of them and none is long.
 */
const memory = new Map<string, Found | null>()
const maxRemembered = 200
const maxNameLength = 100

const remembered = (list: string, model: string): Found | null => {
  if (model.length > maxNameLength) return null
  const key = `${list} ${model}`
  const known = memory.get(key)
  if (known !== undefined) return known
  const found = find(list.trim().toLowerCase(), model.trim().toLowerCase())
  if (memory.size >= maxRemembered) memory.clear()
  memory.set(key, found)
  return found
}

/** How many names are remembered. */
export const rememberedNames = (): number => memory.size

const find = (name: string, model: string): Found | null => {
  const list = listOf(name)
  if (list === undefined) return null
  const slash = model.indexOf("/")
  const isOwn = slash > 0 && list.names.includes(model.slice(0, slash))
  return findDated(list, model) ?? (isOwn ? findDated(list, model.slice(slash + 1)) : null)
}

/** The sources list some dated models only as `…-2025-08-07`; they are called `…-20250807` too. */
const compactDate = /-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g
/** The date of a model that the sources know only without one. */
const lastDate = /-20\d{2}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])$/

const findDated = (list: PriceList, model: string): Found | null =>
  findIn(list, model) ??
  findIn(list, model.replace(compactDate, "-$1-$2-$3")) ??
  findIn(list, model.replace(lastDate, ""))

/** The provider's own list first, then those it falls back to (Azure sells what other makers list). */
const findIn = (list: PriceList, model: string): Found | null => {
  for (const candidate of [list, ...list.fallbacks.map(listOf)]) {
    const line = candidate?.lines.find(({ rules }) => rules.some((rule) => fits(rule, model)))
    if (line === undefined) continue
    const price = ModelPrice.parse(line.prices)
    const date = table?.sources[line.source]?.date
    // The tiers are those of the seller, whichever list has the price.
    return price === null || date === undefined ? null : { list: list.names[0] ?? "", model, price, date }
  }
  return null
}

/** The table is split into lines at the first question, so that importing it costs next to nothing. */
let parsed: ReadonlyArray<PriceList> | undefined

const listOf = (name: string): PriceList | undefined =>
  (parsed ??= table?.providers.map(parseList))?.find(({ names }) => names.includes(name))

const parseList = ({ names, fallbacks, models }: (typeof priceTable.providers)[number]): PriceList => ({
  names,
  fallbacks,
  lines: models
    .trim()
    .split("\n")
    .map((line) => {
      const [source, prices = "-", ...rules] = line.split(" ")
      return { source: Number(source), prices, rules }
    }),
})
