/**
 * What a service tier does to a price: a factor on every rate. The price tables know no tiers, so the factors are written
 * here by hand, each with its source; a tier without a row has no known price.
 */

/** One tier of one list. */
export interface TierPrice {
  readonly factor: number
  /** False where the factor is not known for requests with a long context. */
  readonly anyLength: boolean
}

interface Row {
  readonly list: string
  readonly tiers: ReadonlyArray<string>
  readonly models: RegExp
  readonly factor: number
  readonly anyLength?: false
}

/** Words for the tier that the price table is about: OpenAI's, Anthropic's, Groq's. */
const standard: ReadonlySet<string> = new Set(["default", "standard", "on_demand", "on-demand"])

const halfPrice = ["flex", "batch"]
const faster = ["priority", "fast"]

/**
 * Sources, read in November 2026:
 * [1] developers.openai.com, "Flex processing": tokens at the rates of the Batch API, which are half; learn.microsoft.com,
 *     "Use Flex processing with Azure OpenAI": half. [2] openai.com/api-priority-processing, a price for each model,
 *     "excludes long context"; a test multiplies them out. [3] `getServiceTierCostMultiplier` of @earendil-works/pi-ai 1.5.2.
 * [4] platform.claude.com, "Batch processing": half. [5] platform.claude.com, "Fast mode", "a multiplier on standard rates
 *     across the full context window"; vercel.com/ai-gateway, claude-opus-5-fast and claude-opus-5.5-fast: twice.
 *     Anthropic's priority tier is bought in advance, so its tokens have no price. [6] console.groq.com, "Flex processing":
 *     "pricing matches the on-demand tier"; its performance tier is bought in advance.
 */
const rows: ReadonlyArray<Row> = [
  // [1]
  { list: "openai", tiers: halfPrice, models: /^/, factor: 0.5 },
  { list: "azure", tiers: halfPrice, models: /^/, factor: 0.5 },
  // [2]
  { list: "openai", tiers: faster, models: /^gpt-5\.5($|-\d)/, factor: 2.5, anyLength: false },
  { list: "openai", tiers: faster, models: /^gpt-5(\.[124])?($|-\d|-codex$)/, factor: 2, anyLength: false },
  { list: "openai", tiers: faster, models: /^gpt-5\.4-mini/, factor: 2, anyLength: false },
  { list: "openai", tiers: faster, models: /^gpt-5-mini/, factor: 1.8, anyLength: false },
  { list: "openai", tiers: faster, models: /^gpt-4\.1-nano/, factor: 2, anyLength: false },
  { list: "openai", tiers: faster, models: /^gpt-4\.1($|-\d|-mini)/, factor: 1.75, anyLength: false },
  { list: "openai", tiers: faster, models: /^gpt-4o-2024-05-13/, factor: 1.75 },
  { list: "openai", tiers: faster, models: /^gpt-4o-mini($|-\d)/, factor: 5 / 3 },
  { list: "openai", tiers: faster, models: /^gpt-4o($|-\d)/, factor: 1.7 },
  { list: "openai", tiers: faster, models: /^o3($|-\d)/, factor: 1.75 },
  // [3]
  { list: "openai", tiers: faster, models: /^gpt-(5\.6|6|6\.1)-(astra|sol|terra|luna)/, factor: 2, anyLength: false },
  // [4]
  { list: "anthropic", tiers: ["batch"], models: /^/, factor: 0.5 },
  // [5]
  { list: "anthropic", tiers: ["fast"], models: /^claude-opus-5(-5)?($|-\d{8})/, factor: 2 },
  // [6]
  { list: "groq", tiers: ["flex"], models: /^/, factor: 1 },
]

const unchanged: TierPrice = { factor: 1, anyLength: true }

/** True for a word that means the tier of the list prices. */
export const isStandardTier = (tier: string): boolean => standard.has(tier)

/** The factor of a tier, or undefined where its price is not known. No tier at all is the standard one. */
export const tierPrice = (list: string, tier: string | undefined, model: string): TierPrice | undefined => {
  if (tier === undefined || isStandardTier(tier)) return unchanged
  const row = rows.find((row) => row.list === list && row.tiers.includes(tier) && row.models.test(model))
  return row === undefined ? undefined : { factor: row.factor, anyLength: row.anyLength ?? true }
}

/** Words for a model that may run anywhere (recorded). */
const everywhere: ReadonlySet<string> = new Set(["global", "not_available"])

/**
 * The factor of the region that a model ran in: at Anthropic 1.1 for the United States alone (platform.claude.com, "Data
 * residency"; docs.aws.amazon.com, "Data residency"). Undefined for another region, whose price is not known.
 */
export const regionFactor = (list: string, region: string | undefined): number | undefined => {
  if (region === undefined || everywhere.has(region)) return 1
  return list === "anthropic" && region === "us" ? 1.1 : undefined
}
