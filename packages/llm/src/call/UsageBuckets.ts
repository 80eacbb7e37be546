/** Tokens in buckets that do not overlap, as other libraries count them. A bucket that cannot be known is undefined. */
import type { Usage } from "../model/LlmResponse.ts"

/** The tokens of an answer, each counted once. */
export interface UsageBuckets {
  readonly input: {
    readonly total: number | undefined
    readonly uncached: number | undefined
    readonly cacheRead: number | undefined
    readonly cacheWrite: number | undefined
  }
  readonly output: {
    readonly total: number | undefined
    readonly text: number | undefined
    readonly reasoning: number | undefined
  }
}

const whole = (count: number | undefined): number | undefined => (count === undefined ? undefined : Math.round(count))

/** The buckets of a usage. */
export const bucketsOf = (usage: Usage): UsageBuckets => {
  const { cachedInputTokens: read, cacheWriteTokens: write, inputTokens: input } = usage
  const { outputTokens: output, reasoningTokens: reasoning, totalTokens: total } = usage
  // Some services count reasoning beside the output; then only the total holds it. `NaN` where one is not known.
  const written = Number(output) + Number(reasoning)
  const beside = total === Number(input) + written
  const text = output === undefined || reasoning === undefined ? undefined : beside ? output : output - reasoning
  return {
    input: {
      total: whole(input),
      uncached: whole(input === undefined || read === undefined ? undefined : input - read - (write ?? 0)),
      cacheRead: whole(read),
      cacheWrite: whole(write),
    },
    output: {
      total: whole(beside ? written : output),
      text: whole(text),
      reasoning: whole(reasoning),
    },
  }
}
