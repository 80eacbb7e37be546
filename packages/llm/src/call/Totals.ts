/** What several answers come to: their metadata as one. */
import type { AttemptRecord, PriceSource, ResponseMetadata, Usage, UsageStatus } from "../model/LlmResponse.ts"

/** An answer of any service. */
interface Answered {
  readonly metadata: ResponseMetadata
}

/** What usage tells, each by its name. */
export const usageNames = [
  "inputTokens",
  "outputTokens",
  "totalTokens",
  "cachedInputTokens",
  "cacheWriteTokens",
  "reasoningTokens",
] as const

/** The sum of each bucket; one that nobody reported is absent, never 0. */
export const sumUsage = (usages: ReadonlyArray<Usage>): Usage => {
  const sum: { -readonly [Bucket in keyof Usage]: Usage[Bucket] } = {}
  for (const usage of usages) {
    for (const bucket of usageNames) {
      const tokens = usage[bucket]
      if (tokens !== undefined) sum[bucket] = (sum[bucket] ?? 0) + tokens
    }
  }
  return sum
}

/** Null where the cost of one is not known: a part of the sum would look like the whole. */
export const sumCost = (costs: ReadonlyArray<number | null>): number | null =>
  costs.reduce<number | null>((sum, cost) => (sum === null || cost === null ? null : sum + cost), 0)

/** Where a sum of costs comes from: the source that all parts with a cost share; undefined where they have several, or none. */
export const commonSource = (
  parts: ReadonlyArray<Pick<AttemptRecord, "costUsd" | "priceSource">>,
): PriceSource | undefined => {
  const sources = new Set(parts.flatMap(({ costUsd, priceSource }) => (costUsd === null ? [] : [priceSource])))
  const [source] = sources
  return sources.size === 1 ? source : undefined
}

const statusOf = (statuses: ReadonlyArray<UsageStatus>): UsageStatus => {
  if (statuses.every((status) => status === "reported")) return "reported"
  return statuses.every((status) => status === "unknown") ? "unknown" : "partial"
}

/** The attempts of every answer, in order. */
export const attemptsOf = (responses: ReadonlyArray<Answered>): ReadonlyArray<AttemptRecord> =>
  responses.flatMap(({ metadata }) => metadata.attempts)

/** The last answer's metadata over all of them: usage, cost, attempts, warnings and time are the whole's. */
export const totalOf = (responses: ReadonlyArray<Answered>, last: Answered, latencyMs: number): ResponseMetadata => {
  const all = responses.map(({ metadata }) => metadata)
  const costUsd = sumCost(all.map(({ costUsd }) => costUsd))
  const { priceSource: _, ...ofLast } = last.metadata
  const priceSource = costUsd === null ? undefined : commonSource(all)
  return {
    ...ofLast,
    ...(priceSource === undefined ? {} : { priceSource }),
    timestamp: all[0]?.timestamp ?? last.metadata.timestamp,
    latencyMs,
    usage: sumUsage(all.map(({ usage }) => usage)),
    usageStatus: statusOf(all.map(({ usageStatus }) => usageStatus)),
    costUsd,
    attempts: attemptsOf(responses),
    warnings: [...new Set(all.flatMap(({ warnings }) => warnings))],
    degraded: all.some(({ degraded }) => degraded),
  }
}
