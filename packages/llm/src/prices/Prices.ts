/**
 * What a call cost, from the price table of the day that its header names (law 19). A price that is not known is null;
 * it is never taken from a similar model, another provider or an average.
 */
import type { Usage } from "../model/LlmResponse.ts"
import * as ModelPrice from "./ModelPrice.ts"
import { priceTable } from "./priceTable.ts"

/**
 * The cost of one call in US dollars, or null where the provider, the model, one of its prices or the usage is not known.
 *
 * `provider` is a name of the table (`openai`, `anthropic`, `azure`, `deepseek`, `groq`, `mistral`, `moonshotai`,
 * `together`, `xai`) or `byModelName` for a gateway, whose models may be qualified (`anthropic/claude-sonnet-5`) or of a
 * known family (`gpt-…`). `model` is the id the provider knows, with or without its own name before it; for Azure give the served
 * model, not the deployment.
 *
 * Each bucket of `usage` has its own price; where the table has none for cache reads or writes they cost what input
 * costs, as in its source. Cache writes are taken to be Anthropic's five-minute ones, and searches that a provider
 * bills by the piece are not part of the cost. `atMs` (epoch milliseconds) is needed only for DeepSeek's models that
 * change price with the hour: without it their cost is null.
 */
export const costUsd = (provider: string, model: string | undefined, usage: Usage, atMs?: number): number | null => {
  if (model === undefined || usage.inputTokens === undefined) return null
  const price = remembered(provider, model)
  return price === null ? null : ModelPrice.cost(price, usage, atMs)
}

/** In place of a provider's name: the model's own name tells whose price it has. */
export const byModelName = "*"

/** A provider's part of the table. */
interface PriceList {
  readonly names: ReadonlyArray<string>
  readonly fallbacks: ReadonlyArray<string>
  readonly families: ReadonlyArray<string>
  readonly lines: ReadonlyArray<Line>
}

interface Line {
  readonly prices: string
  readonly rules: ReadonlyArray<string>
}

/** Names come from requests, so what is remembered has a limit. */
const maxRemembered = 1_000
let rememberedCount = 0
const memory = new Map<string, Map<string, ModelPrice.ModelPrice | null>>()

const remembered = (provider: string, model: string): ModelPrice.ModelPrice | null => {
  const known = memory.get(provider)?.get(model)
  if (known !== undefined) return known
  const prices = find(provider.trim().toLowerCase(), model.trim().toLowerCase())
  const price = prices === undefined ? null : ModelPrice.parse(prices)
  if (rememberedCount >= maxRemembered) {
    memory.clear()
    rememberedCount = 0
  }
  const ofProvider = memory.get(provider) ?? new Map<string, ModelPrice.ModelPrice | null>()
  memory.set(provider, ofProvider.set(model, price))
  rememberedCount += 1
  return price
}

const find = (provider: string, model: string): string | undefined => {
  const slash = model.indexOf("/")
  const qualified = slash === -1 ? undefined : { list: listOf(model.slice(0, slash)), model: model.slice(slash + 1) }
  if (provider === byModelName) {
    if (qualified !== undefined) return findDated(qualified.list, qualified.model)
    return findDated(
      lists().find((list) => fitsAny(list.families, model)),
      model,
    )
  }
  const list = listOf(provider)
  return findDated(list, model) ?? (qualified?.list === list ? findDated(list, qualified?.model ?? "") : undefined)
}

/** The source lists some dated models only as `…-2025-08-07`; they are called `…-20250807` too. */
const compactDate = /-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g

const findDated = (list: PriceList | undefined, model: string): string | undefined =>
  list === undefined ? undefined : (findIn(list, model) ?? findIn(list, model.replace(compactDate, "-$1-$2-$3")))

/** The provider's own list first, then those it falls back to (Azure sells what other makers list). */
const findIn = (list: PriceList, model: string): string | undefined => {
  for (const candidate of [list, ...list.fallbacks.map(listOf)]) {
    const line = candidate?.lines.find(({ rules }) => fitsAny(rules, model))
    if (line !== undefined) return line.prices
  }
  return undefined
}

const fitsAny = (rules: ReadonlyArray<string>, model: string): boolean => rules.some((rule) => fits(rule, model))

const fits = (rule: string, model: string): boolean => {
  const operand = rule.slice(1)
  switch (rule[0]) {
    case "=":
      return model === operand
    case "^":
      return model.startsWith(operand)
    case "$":
      return model.endsWith(operand)
    case "*":
      return model.includes(operand)
    case "~":
      return new RegExp(operand).test(model)
    default:
      return false
  }
}

/** The table is split into lines at the first question, so that importing it costs next to nothing. */
let parsed: ReadonlyArray<PriceList> | undefined

const lists = (): ReadonlyArray<PriceList> => (parsed ??= priceTable.providers.map(parseList))

const listOf = (provider: string): PriceList | undefined => lists().find(({ names }) => names.includes(provider))

const parseList = ({ names, fallbacks, families, models }: (typeof priceTable.providers)[number]): PriceList => ({
  names,
  fallbacks,
  families: families.split(" ").filter((rule) => rule !== ""),
  lines: models
    .trim()
    .split("\n")
    .map((line) => {
      const [prices = "-", ...rules] = line.split(" ")
      return { prices, rules }
    }),
})
