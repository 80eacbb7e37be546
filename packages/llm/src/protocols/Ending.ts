/** How answers end, in the words of every wire format: one table, so that the same end has the same name everywhere. */
import type { Billing, FinishReason, Usage, UsageStatus } from "../model/LlmResponse.ts"
import type { Abandoned, Ending } from "./Protocol.ts"
import { isWireObject, nameOf } from "./WireReader.ts"

/**
 * Values seen on the wire, in lower case: OpenAI's five, Anthropic's seven, and what other services write (recorded, or
 * with its source). Anything else is `other`.
 */
const finishReasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["stop", "stop"],
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["eos", "stop"], // Together (recorded)
  ["eos_token", "stop"], // Hugging Face's TGI (K)
  ["complete", "stop"], // Cohere (K)
  ["length", "length"],
  ["max_tokens", "length"],
  ["model_length", "length"], // Mistral (D)
  ["model_context_window_exceeded", "length"],
  ["tool_calls", "tool-calls"],
  ["tool_call", "tool-calls"], // Cohere (K)
  ["tool_use", "tool-calls"],
  ["function_call", "tool-calls"],
  ["content_filter", "content-filter"],
  ["content_filtered", "content-filter"], // Bedrock (D)
  ["guardrail_intervened", "content-filter"], // Bedrock (D)
  ["sensitive", "content-filter"], // Z.ai (K)
  ["safety", "content-filter"], // Gemini (D)
  ["recitation", "content-filter"], // Gemini (D)
  ["blocklist", "content-filter"], // Gemini (D)
  ["prohibited_content", "content-filter"], // Gemini (D)
  ["refusal", "content-filter"],
  ["pause_turn", "pause"],
])

/** Words by which a provider or its engine says that it gave up: what came is not an answer (law 1). */
const givenUp: ReadonlySet<string> = new Set([
  "abort", // vLLM and SGLang, source of both
  "aborted",
  "error", // OpenRouter, Mistral (D); vLLM's source
  "failed",
  "cancelled",
  "canceled",
  "timeout", // Cohere (K)
  "network_error", // Z.ai (K)
  "insufficient_system_resource", // DeepSeek: the request was interrupted (D)
  "function_call_filter", // Gemini's compatible endpoint: "function_call_filter: MALFORMED_FUNCTION_CALL" (reported)
  "malformed_function_call", // Gemini (D)
  "malformed_model_output", // Bedrock (D)
  "malformed_tool_use", // Bedrock (D)
])

/** A word without what Gemini writes after it (`function_call_filter: MALFORMED_FUNCTION_CALL`). */
const wordOf = (raw: string): string => raw.replace(/:.*/s, "").trim().toLowerCase()

/** The name of an end; undefined of a word that is not known. The words of most services stand in the table as they are. */
const knownReason = (raw: string): FinishReason | undefined => finishReasons.get(raw) ?? finishReasons.get(wordOf(raw))

/** True for a word of an answer that its provider gave up. No word is in both tables. */
const isGivenUp = (raw: string): boolean => !finishReasons.has(raw) && givenUp.has(wordOf(raw))

/** What a reader knows of an answer that its finish reason may not say. */
export interface Said {
  readonly refused: boolean
  readonly calledTools: boolean
}

/**
 * The name of an end. A model that refused did not simply stop, and one that called tools waits for their results,
 * whatever its service says.
 */
export const finishReasonOf = (raw: string | undefined, { calledTools, refused }: Said): FinishReason => {
  if (refused) return "content-filter"
  const reason = (raw === undefined ? undefined : knownReason(raw)) ?? "other"
  return reason === "stop" && calledTools ? "tool-calls" : reason
}

/** The finish reason that a service wrote: a word, or (SGLang's engine) an object with the word as its type. */
export const rawFinishReasonOf = (value: unknown): string | undefined =>
  nameOf(isWireObject(value) ? value.type : value)

/** An answer whose end has come. */
export interface Ended {
  readonly rawFinishReason: string | undefined
  readonly finishReason: FinishReason
  readonly warnings: ReadonlyArray<string>
  readonly usage: Usage
  readonly billing: Billing | undefined
  readonly servedModel: string | undefined
  readonly responseId?: string | undefined
  /** The text so far, where nobody else has it. */
  readonly text?: () => string
}

const noText = () => ""

const abandoned = (message: string, { billing, text = noText, usage }: Ended): Abandoned => ({
  _tag: "Abandoned",
  message,
  usage,
  billing,
  text: text(),
})

/** An answer that came whole without a finish reason, where one is due. */
export const withoutReason = (ended: Ended): Abandoned =>
  abandoned("the provider gave no reason why the answer finished, so it may not be whole", ended)

/** How an answer ended: well, or given up by its provider. */
export const conclude = (ended: Ended): Ending | Abandoned => {
  const { billing, finishReason, rawFinishReason: raw, responseId, servedModel, usage, warnings } = ended
  if (raw !== undefined && isGivenUp(raw))
    return abandoned(`the provider gave up before the answer was whole (finish reason "${raw}")`, ended)
  return {
    finishReason,
    rawFinishReason: raw,
    usage,
    usageStatus: usageStatusOf(usage),
    billing,
    servedModel,
    responseId,
    warnings,
  }
}

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
): Usage => {
  // Assigned one by one: a spread for each costs more than the rest of the reading.
  const usage: { -readonly [Name in keyof Usage]: Usage[Name] } = {}
  if (inputTokens !== undefined) usage.inputTokens = inputTokens
  if (outputTokens !== undefined) usage.outputTokens = outputTokens
  if (totalTokens !== undefined) usage.totalTokens = totalTokens
  if (cachedInputTokens !== undefined) usage.cachedInputTokens = cachedInputTokens
  if (cacheWriteTokens !== undefined) usage.cacheWriteTokens = cacheWriteTokens
  if (reasoningTokens !== undefined) usage.reasoningTokens = reasoningTokens
  return usage
}
