/** One line of a batch's output, as far as it tells what an answer took. */

/** What a line tells. */
export interface UsageRecord {
  readonly model: string
  readonly errorType: string | undefined
  readonly attempts: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Undefined where the price is not known. */
  readonly costUsd: number | undefined
  readonly latencyMs: number | undefined
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined

const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/** Reads a line: a response as `--json` prints it, or an object that has one as `response`. Nothing where it is neither. */
export const recordOf = (line: string): UsageRecord | undefined => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const response = fieldOf(value, "metadata") === undefined ? fieldOf(value, "response") : value
  const metadata = fieldOf(response, "metadata")
  if (metadata === undefined) return undefined
  const usage = fieldOf(metadata, "usage")
  const attempts = fieldOf(metadata, "attempts")
  return {
    model: [textOf(fieldOf(metadata, "provider")), textOf(fieldOf(metadata, "model"))].filter(Boolean).join("/") || "?",
    errorType: textOf(fieldOf(response, "errorType")),
    attempts: Array.isArray(attempts) ? attempts.length : 0,
    inputTokens: numberOf(fieldOf(usage, "inputTokens")) ?? 0,
    outputTokens: numberOf(fieldOf(usage, "outputTokens")) ?? 0,
    costUsd: numberOf(fieldOf(metadata, "costUsd")),
    latencyMs: numberOf(fieldOf(metadata, "latencyMs")),
  }
}
