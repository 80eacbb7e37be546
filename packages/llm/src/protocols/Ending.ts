/** How answers end, in the words of every wire format: one table, so that the same end has the same name everywhere. */
import type { FinishReason, Usage, UsageStatus } from "../model/LlmResponse.ts"

/**
 * Values seen on the wire: OpenAI's five, Anthropic's seven, and what compatible services add (`eos` is Together's).
 * Anything else, and nothing at all, is `other`.
 */
const finishReasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["stop", "stop"],
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["eos", "stop"],
  ["length", "length"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["tool_calls", "tool-calls"],
  ["tool_use", "tool-calls"],
  ["function_call", "tool-calls"],
  ["content_filter", "content-filter"],
  ["refusal", "content-filter"],
  ["pause_turn", "pause"],
])

/** The name of an end. A model that refused did not simply stop, whatever its service says. */
export const finishReasonOf = (raw: string | undefined, refused: boolean): FinishReason =>
  refused ? "content-filter" : ((raw === undefined ? undefined : finishReasons.get(raw)) ?? "other")

/** Figures are reported when at least one side of the answer was counted. */
export const usageStatusOf = (usage: Usage): UsageStatus =>
  usage.inputTokens === undefined && usage.outputTokens === undefined ? "unknown" : "reported"

/** A usage in which a bucket that nobody reported is absent, never 0. */
export const usageFrom = (
  inputTokens: number | undefined,
  outputTokens: number | undefined,
  totalTokens: number | undefined,
  cachedInputTokens: number | undefined,
  cacheWriteTokens: number | undefined,
  reasoningTokens: number | undefined,
): Usage => ({
  ...(inputTokens === undefined ? {} : { inputTokens }),
  ...(outputTokens === undefined ? {} : { outputTokens }),
  ...(totalTokens === undefined ? {} : { totalTokens }),
  ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }),
  ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
  ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
})
