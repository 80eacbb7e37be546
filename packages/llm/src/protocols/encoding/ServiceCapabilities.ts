/**
 * What services take of a conversation, beside what their models refuse: as data for the rows of the registry and of the
 * models. It names no service in code: a row says what it needs.
 */
import type { CallIdRule } from "./CallIds.ts"

/** Where the bytes of a picture or a file may be: on the web, in the request, or in the provider's own store. */
export type MediumPlace = "url" | "data" | "id"

/** What one service accepts of a conversation. A row says a `Partial` of this; where it says nothing, the protocol decides. */
export interface ServiceCapabilities {
  /** Which ids of tool calls are accepted. Default: any of up to 64 characters. */
  readonly toolCallIds: CallIdRule
  /** Where pictures may be; none where the list is empty. */
  readonly images: ReadonlyArray<MediumPlace> | undefined
  /** The media types of pictures that are accepted; any where it is not said. */
  readonly imageTypes: ReadonlyArray<string> | undefined
  /** Where documents may be; none where the list is empty. */
  readonly files: ReadonlyArray<MediumPlace> | undefined
  /** The part that holds a document in Chat Completions: OpenAI's, or Mistral's. */
  readonly documentPart: "file" | "document_url"
  /** Whether sound is accepted where the protocol has a part for it. */
  readonly audio: boolean
  /**
   * The fields of an assistant message in which reasoning and its signatures go back, where they came in one of them;
   * `<think>` writes reasoning into the text, in tags. Undefined: each under the name that it came with.
   */
  readonly returnedFields: ReadonlyArray<string> | undefined
  /** Whether reasoning goes back in every turn, or only in those that call tools. */
  readonly reasoningReturn: "always" | "with-tool-calls"
  /** What an assistant message with tool calls must have, where it comes from another service and has no such field. */
  readonly foreignTurn: Readonly<Record<string, unknown>> | undefined
  /** What the first tool call of a message must have, where it comes from another service. */
  readonly foreignCall: Readonly<Record<string, unknown>> | undefined
  /** Whether a request says its effort in `reasoning_effort` or in OpenRouter's `reasoning`, which takes a budget too. */
  readonly reasoningOption: "reasoning_effort" | "reasoning"
  /** The field that takes `reasoning.budgetTokens` in Chat Completions, where there is one. */
  readonly budgetField: string | undefined
  /** What a Chat Completions request says for no reasoning; `reasoning_effort: "none"` where it is not said. */
  readonly withoutReasoning: Readonly<Record<string, unknown>> | undefined
  /** How a cached beginning is marked: not at all, in Anthropic's way, or in OpenAI's. */
  readonly cacheMarks: "automatic" | "cache_control" | "prompt_cache_breakpoint"
}

/** A service of which nothing is known. 64 characters is the longest id that was recorded as accepted. */
export const anyService: ServiceCapabilities = {
  toolCallIds: { maxLength: 64, alphabet: "any" },
  images: undefined,
  imageTypes: undefined,
  files: undefined,
  documentPart: "file",
  audio: true,
  returnedFields: undefined,
  reasoningReturn: "always",
  foreignTurn: undefined,
  foreignCall: undefined,
  reasoningOption: "reasoning_effort",
  budgetField: undefined,
  withoutReasoning: undefined,
  cacheMarks: "automatic",
}

/** OpenAI's Chat Completions: "string too long. Expected a string with maximum length 40" (reported; 29 are recorded). */
export const openAiCallIds: CallIdRule = { maxLength: 40, alphabet: "any" }

/** Mistral: "Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9" (reported, code 3280). */
export const mistralCallIds: CallIdRule = { maxLength: 9, alphabet: "alphanumeric", isExact: true }

/** Anthropic's pattern `^[a-zA-Z0-9_-]+$`; 54 characters are recorded as accepted, 64 is every other service's limit. */
export const anthropicCallIds: CallIdRule = { maxLength: 64, alphabet: "word" }

/** The pictures that OpenAI and Anthropic read (recorded refusals list them). */
export const webImageTypes: ReadonlyArray<string> = ["image/png", "image/jpeg", "image/gif", "image/webp"]

/** OpenAI takes no reasoning back in Chat Completions, and refuses fields of a message that it does not know. */
export const openAiService: Partial<ServiceCapabilities> = {
  toolCallIds: openAiCallIds,
  imageTypes: webImageTypes,
  returnedFields: [],
}

/**
 * DeepSeek v4: a turn with tool calls needs its reasoning, else 400 "must be passed back"; for a turn that another service
 * wrote an empty text does (recorded). A turn without calls needs none, and the older models refuse it (api-docs.deepseek.com).
 */
export const deepSeekReturn: Partial<ServiceCapabilities> = {
  returnedFields: ["reasoning_content"],
  reasoningReturn: "with-tool-calls",
  foreignTurn: { reasoning_content: "" },
  withoutReasoning: { thinking: { type: "disabled" } },
}
