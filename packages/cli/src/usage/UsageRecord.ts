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

/** What stands for the model of a line that `batch` could not ask. */
const notAsked = "not asked"

/**
 * Reads a line: one of `batch`, a response as `--json` prints it, or an object that has one as `response`. Nothing where it
 * is none of them.
 */
export const recordOf = (line: string): UsageRecord | undefined => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const isWrapped = fieldOf(value, "metadata") === undefined && fieldOf(value, "response") !== undefined
  const response = isWrapped ? fieldOf(value, "response") : value
  const metadata = fieldOf(response, "metadata")
  const errorType = textOf(fieldOf(response, "errorType"))
  if (metadata === undefined) return errorType === undefined ? undefined : refusal(errorType)
  const usage = fieldOf(metadata, "usage")
  const attempts = fieldOf(metadata, "attempts")
  return {
    model: [textOf(fieldOf(metadata, "provider")), textOf(fieldOf(metadata, "model"))].filter(Boolean).join("/") || "?",
    errorType,
    attempts: Array.isArray(attempts) ? attempts.length : 0,
    inputTokens: numberOf(fieldOf(usage, "inputTokens")) ?? 0,
    outputTokens: numberOf(fieldOf(usage, "outputTokens")) ?? 0,
    costUsd: numberOf(fieldOf(metadata, "costUsd")),
    latencyMs: numberOf(fieldOf(metadata, "latencyMs")),
  }
}

const refusal = (errorType: string): UsageRecord => ({
  model: notAsked,
  errorType,
  attempts: 0,
  inputTokens: 0,
  outputTokens: 0,
  costUsd: undefined,
  latencyMs: undefined,
})
