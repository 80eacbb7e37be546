/**
 * The names of OpenTelemetry's GenAI conventions, in one table for each version: the current ones
 * (semantic-conventions-genai, client inference; in development) and v1.41, the last of semantic-conventions.
 */
import type { AskedTraits } from "../mechanisms/Around.ts"
import type { Conventions } from "./TelemetryOptions.ts"

/** `gen_ai.operation.name`. */
export type Operation = AskedTraits["operation"]

/** The names that differ between versions. */
interface Names {
  /** Histograms, in seconds. */
  readonly duration: Readonly<Record<Operation, string>>
  readonly firstChunk: string
  readonly perChunk: string
  /** The attribute for tokens written to the provider's cache. */
  readonly cacheWrite: string
  /** The attribute for how much the model thinks; absent where there is none. */
  readonly reasoningLevel: string | undefined
}

export const names: Readonly<Record<Conventions, Names>> = {
  latest: {
    duration: {
      chat: "gen_ai.client.inference.duration",
      embeddings: "gen_ai.client.operation.duration",
      count_tokens: "gen_ai.client.operation.duration",
      list_models: "gen_ai.client.operation.duration",
    },
    firstChunk: "gen_ai.client.inference.time_to_first_chunk",
    perChunk: "gen_ai.client.inference.time_per_output_chunk",
    cacheWrite: "gen_ai.usage.cache_write.input_tokens",
    reasoningLevel: "gen_ai.request.reasoning.level",
  },
  "v1.41": {
    duration: {
      chat: "gen_ai.client.operation.duration",
      embeddings: "gen_ai.client.operation.duration",
      count_tokens: "gen_ai.client.operation.duration",
      list_models: "gen_ai.client.operation.duration",
    },
    firstChunk: "gen_ai.client.operation.time_to_first_chunk",
    perChunk: "gen_ai.client.operation.time_per_output_chunk",
    cacheWrite: "gen_ai.usage.cache_creation.input_tokens",
    reasoningLevel: undefined,
  },
}

/** Counters of tokens by bucket, and histograms of one operation's tokens (`latest`). */
export const tokenMetrics = {
  inputTokens: "gen_ai.client.inference.usage.input_tokens",
  outputTokens: "gen_ai.client.inference.usage.output_tokens",
  cachedInputTokens: "gen_ai.client.inference.usage.cache_read.input_tokens",
  cacheWriteTokens: "gen_ai.client.inference.usage.cache_write.input_tokens",
  reasoningTokens: "gen_ai.client.inference.usage.reasoning.output_tokens",
  inputPerOperation: "gen_ai.client.inference.operation.input_tokens",
  outputPerOperation: "gen_ai.client.inference.operation.output_tokens",
} as const

/** The one histogram of tokens of v1.41, by `gen_ai.token.type`. */
export const tokenUsage = "gen_ai.client.token.usage"

/** What the conventions have no name for: US dollars. */
export const costMetric = "wiseflow.client.cost"

/** Seconds: the boundaries that the conventions advise for durations. */
export const durationBounds: ReadonlyArray<number> = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]

/** Seconds: chunks come faster than answers. */
export const chunkBounds: ReadonlyArray<number> = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Tokens: the boundaries of v1.41. */
export const tokenBounds: ReadonlyArray<number> = Array.from({ length: 14 }, (_, power) => 4 ** power)
