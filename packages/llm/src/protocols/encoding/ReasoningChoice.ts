/**
 * How a model is asked to think: one choice from a request's two ways to say it, in the words that the model knows. It
 * writes no wire name.
 */
import type { LlmRequest, ReasoningEffort } from "../../model/LlmRequest.ts"
import type { ConversationEncoding } from "./ConversationEncoding.ts"
import { drop } from "./RequestEncoding.ts"

/** Efforts from none to most. */
const efforts: ReadonlyArray<ReasoningEffort> = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]

/** The request with its effort in one place. */
export const withOneEffort = (request: LlmRequest): LlmRequest =>
  request.reasoning?.effort === undefined ? request : { ...request, reasoningEffort: request.reasoning.effort }

/** The nearest of the known efforts to one that is not among them, the lower one of two, and never `none`. */
const nearest = (effort: ReasoningEffort, known: ReadonlyArray<ReasoningEffort>): ReasoningEffort => {
  const wanted = efforts.indexOf(effort)
  let best = effort
  let distance = Number.POSITIVE_INFINITY
  for (const one of efforts) {
    // A model that is asked to think must not be told not to.
    if (!known.includes(one) || one === "none") continue
    const away = Math.abs(efforts.indexOf(one) - wanted)
    if (away < distance) {
      best = one
      distance = away
    }
  }
  return best
}

/** The effort as the model knows it; what it does not know is moved to the nearest or dropped, with a warning. */
export const acceptedEffort = (
  effort: ReasoningEffort | undefined,
  encoding: ConversationEncoding,
): ReasoningEffort | undefined => {
  const { capabilities, model } = encoding
  if (effort === undefined) return undefined
  if (!capabilities.reasoningEffort) {
    drop(encoding, "reasoningEffort", model)
    return undefined
  }
  const { efforts: known } = capabilities
  if (known === undefined || known.includes(effort)) return effort
  const taken = nearest(effort, known)
  const way = efforts.indexOf(taken) > efforts.indexOf(effort) ? "raised" : "lowered"
  encoding.warn(`reasoningEffort was ${way} from ${effort} to ${taken}: ${model} knows ${known.join(", ")}`)
  return taken
}

/** Says what of the options has no field in a protocol. */
export const dropReasoningOptions = (
  { reasoning }: LlmRequest,
  options: ReadonlyArray<"budgetTokens" | "summary">,
  encoding: ConversationEncoding,
): void => {
  for (const option of options) {
    if (reasoning?.[option] === undefined || reasoning[option] === "none") continue
    drop(encoding, `reasoning.${option}`, encoding.model)
  }
}
