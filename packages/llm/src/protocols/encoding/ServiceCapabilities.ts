/**
 * What services take back in history and content beside their models' own limits, as data for the rows of the registry and
 * of the models. It names no service: a row says what it needs.
 */
import type { CallIdRule } from "./CallIds.ts"

/** What one service accepts of a conversation. A row says a `Partial` of this. */
export interface ServiceCapabilities {
  /** Which ids of tool calls are accepted. Default: any of up to 64 characters. */
  readonly toolCallIds: CallIdRule
}

/** A service of which nothing is known. 64 characters is the longest id that was recorded as accepted. */
export const anyService: ServiceCapabilities = {
  toolCallIds: { maxLength: 64, alphabet: "any" },
}

/** OpenAI's Chat Completions: "string too long. Expected a string with maximum length 40" (reported; 29 are recorded). */
export const openAiCallIds: CallIdRule = { maxLength: 40, alphabet: "any" }

/** Mistral: "Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9" (reported, code 3280). */
export const mistralCallIds: CallIdRule = { maxLength: 9, alphabet: "alphanumeric", isExact: true }

/** Anthropic's pattern `^[a-zA-Z0-9_-]+$`; 54 characters are recorded as accepted, 64 is every other service's limit. */
export const anthropicCallIds: CallIdRule = { maxLength: 64, alphabet: "word" }
