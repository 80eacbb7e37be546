/**
 * How a Messages request makes the model think: by an effort, by a budget, or as much as it likes. It knows no content but
 * that of a tool loop that another model began.
 */
import type { LlmRequest, ReasoningEffort } from "../../model/LlmRequest.ts"
import type { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import { acceptedEffort } from "../encoding/ReasoningChoice.ts"
import { drop } from "../encoding/RequestEncoding.ts"
import { isThinking, type Turn } from "./Conversation.ts"
import type { Block } from "./UserContent.ts"

/** What a request says of thinking. */
export interface Thinking {
  readonly thinking?: Block | undefined
  readonly effort?: ReasoningEffort | undefined
  readonly maxTokens: number
}

/** The least budget that is accepted (@anthropic-ai/sdk 1.14 types). */
const leastBudget = 1024

/** What an effort is in tokens, for models that know budgets only. */
const budgets: Readonly<Record<ReasoningEffort, number>> = {
  none: 0,
  minimal: leastBudget,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 31_999,
}

/**
 * True where the last turn of the model called tools without thinking first, because another model wrote it: with a budget
 * Anthropic refuses to go on ("Expected `thinking` or `redacted_thinking`, but found `tool_use`").
 */
const isForeignLoop = (turns: ReadonlyArray<Turn>): boolean => {
  const answers = turns.at(-1)?.content.some(({ type }) => type === "tool_result")
  return answers === true && turns.at(-2)?.content.findIndex(isThinking) !== 0
}

const display = ({ reasoning }: LlmRequest): Block =>
  reasoning?.summary === undefined ? {} : { display: reasoning.summary === "none" ? "omitted" : "summarized" }

/**
 * The budget that fits below `maxTokens`, which counts the thinking too. Without a limit the model may write as much as it
 * can, or, where that is not known, the default and the budget.
 */
const withBudget = (budget: number, request: LlmRequest, encoding: ConversationEncoding): Thinking => {
  const { capabilities } = encoding
  const { maxTokens } = request
  if (maxTokens === undefined) {
    const wanted = Math.max(budget, leastBudget)
    const limit = capabilities.maxOutputTokens ?? capabilities.defaultMaxTokens + wanted
    const budgetTokens = Math.min(wanted, limit - 1)
    if (budgetTokens < budget)
      encoding.warn(`the budget for reasoning was set to ${budgetTokens} tokens from ${budget}`)
    return {
      thinking: { type: "enabled", budget_tokens: budgetTokens, ...display(request) },
      maxTokens: limit,
    }
  }
  if (maxTokens <= leastBudget) {
    encoding.warn(`reasoning was dropped: thinking needs ${leastBudget} tokens, and maxTokens is ${maxTokens}`)
    return { maxTokens }
  }
  const budgetTokens = Math.min(Math.max(budget, leastBudget), maxTokens - 1)
  if (budgetTokens !== budget)
    encoding.warn(`the budget for reasoning was set to ${budgetTokens} tokens from ${budget}`)
  return { thinking: { type: "enabled", budget_tokens: budgetTokens, ...display(request) }, maxTokens }
}

/** A budget in tokens that the request or its effort stands for; undefined where none does. */
const budgetOf = ({ reasoning, reasoningEffort: effort }: LlmRequest, knowsEffort: boolean): number | undefined =>
  reasoning?.budgetTokens ?? (effort === undefined || knowsEffort ? undefined : budgets[effort])

/** What the request says of thinking, as the model takes it. */
export const thinkingOf = (
  request: LlmRequest,
  turns: ReadonlyArray<Turn>,
  encoding: ConversationEncoding,
): Thinking => {
  const { capabilities, model } = encoding
  const { reasoning, reasoningEffort } = request
  const maxTokens = request.maxTokens ?? capabilities.defaultMaxTokens
  if (reasoningEffort === "none" && capabilities.efforts?.includes("none") !== false) {
    return { thinking: { type: "disabled" }, maxTokens }
  }
  const effort = capabilities.reasoningEffort ? effortOf(reasoningEffort, encoding) : undefined
  const budget = budgetOf(request, capabilities.reasoningEffort)
  if (capabilities.thinking === "none") {
    if (budget !== undefined)
      drop(encoding, reasoning?.budgetTokens === undefined ? "reasoningEffort" : "reasoning", model)
    return { maxTokens }
  }
  if (budget === undefined || capabilities.thinking === "adaptive") {
    if (budget !== undefined)
      encoding.warn(`reasoning.budgetTokens was dropped: ${model} decides itself how long it thinks`)
    const asks = budget !== undefined || (reasoning?.summary !== undefined && capabilities.thinking !== "budget")
    return { effort, maxTokens, ...(asks ? { thinking: { type: "adaptive", ...display(request) } } : {}) }
  }
  if (isForeignLoop(turns)) {
    encoding.warn(
      "reasoning was turned off for this turn: another model called the tools, and Anthropic wants its own thinking",
    )
    return { effort, maxTokens }
  }
  return { effort, ...withBudget(budget, request, encoding) }
}

/** Anthropic's least effort is `low`. */
const effortOf = (effort: ReasoningEffort | undefined, encoding: ConversationEncoding): ReasoningEffort | undefined => {
  if (effort !== "minimal") return acceptedEffort(effort, encoding)
  encoding.warn(`reasoningEffort was raised to low: ${encoding.model} has no minimal effort`)
  return "low"
}
