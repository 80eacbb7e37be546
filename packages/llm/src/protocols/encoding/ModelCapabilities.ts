/**
 * What models refuse or rename, as data, so that a request that one target takes does not fail on the next for a
 * parameter (law 13). A name that is in no row is taken to accept everything.
 */
import type { ReasoningEffort } from "../../model/LlmRequest.ts"
import { bareModelName } from "./abilities/BareModelName.ts"
import { abilitiesOf } from "./abilities/ModelAbilities.ts"
import {
  anthropicCallIds,
  anyService,
  deepSeekReturn,
  mistralCallIds,
  openAiService,
  type ServiceCapabilities,
} from "./ServiceCapabilities.ts"

/** What one model accepts. A deployment whose name hides its model says so with a `Partial` of this. */
export interface ModelCapabilities extends ServiceCapabilities {
  /** `temperature` and `topP`. `without-reasoning`: only with `reasoningEffort: "none"`. */
  readonly sampling: "accepted" | "without-reasoning" | "refused"
  /** Whether `temperature` and `topP` may be sent together. */
  readonly temperatureWithTopP: boolean
  /** `frequencyPenalty` and `presencePenalty`. */
  readonly penalties: boolean
  readonly stop: boolean
  readonly reasoningEffort: boolean
  /** The efforts that the model knows; any where it is not said. */
  readonly efforts: ReadonlyArray<ReasoningEffort> | undefined
  /** How Messages makes the model think: by a budget in tokens, as much as it likes, either way, or not at all. */
  readonly thinking: "budget" | "adaptive" | "either" | "none"
  /** Whether the model is known to reason, so that Responses may be asked for its reasoning in encrypted form. */
  readonly reasons: boolean
  /** Whether tools and reasoning go together in one Chat Completions request. */
  readonly reasoningWithTools: boolean
  readonly parallelToolCalls: boolean
  /** Whether the model holds its answer to a JSON Schema by itself (structured outputs). */
  readonly jsonSchema: boolean
  /** Whether Chat Completions has a mode in which the model writes JSON of no stated schema. */
  readonly jsonMode: boolean
  /** Whether the model can be made to call a tool, or one tool. */
  readonly forcedToolChoice: boolean
  /** Chat Completions' name for `maxTokens`. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens"
  /** Whether streams may be asked for their usage (`stream_options`): Azure's versions before 2024-09 refuse it. */
  readonly streamUsage: boolean
  /** The role under which Chat Completions takes system messages. */
  readonly systemRole: "system" | "developer" | "user"
  /** The most tokens that the model reads and writes together; undefined where it is not known. */
  readonly contextWindow: number | undefined
  /** The most tokens that the model writes in one answer; undefined where it is not known. */
  readonly maxOutputTokens: number | undefined
  /**
   * `max_tokens` for the Messages protocol, which requires it, where a request does not say: the most that the model
   * writes, but no more than half of its context window; 8,192 where that is not known.
   */
  readonly defaultMaxTokens: number
}

const everything: ModelCapabilities = {
  ...anyService,
  sampling: "accepted",
  temperatureWithTopP: true,
  penalties: true,
  stop: true,
  reasoningEffort: true,
  efforts: undefined,
  thinking: "either",
  reasons: false,
  reasoningWithTools: true,
  parallelToolCalls: true,
  jsonSchema: true,
  jsonMode: true,
  forcedToolChoice: true,
  maxTokensField: "max_tokens",
  streamUsage: true,
  systemRole: "system",
  contextWindow: undefined,
  maxOutputTokens: undefined,
  defaultMaxTokens: 8192,
}

interface Row {
  readonly models: RegExp
  readonly capabilities: Partial<ModelCapabilities>
}

const openAi: Partial<ModelCapabilities> = { maxTokensField: "max_completion_tokens", ...openAiService }
const openAiReasoning: Partial<ModelCapabilities> = {
  ...openAi,
  sampling: "refused",
  reasons: true,
  penalties: false,
  stop: false,
  systemRole: "developer",
  efforts: ["low", "medium", "high"],
}

/** Claude's own ids and its marks for caching, over whichever protocol and gateway it is asked. */
const claude: Partial<ModelCapabilities> = {
  toolCallIds: anthropicCallIds,
  cacheMarks: "cache_control",
  // The least that a Claude since Opus 4 can write, for one that is newer than the table.
  defaultMaxTokens: 32_000,
}

/** From gpt-5.6 on OpenAI takes marks for caching (openai 7.57 types; recorded). */
const openAiMarks: Partial<ModelCapabilities> = { cacheMarks: "prompt_cache_breakpoint" }

/**
 * The first row whose pattern matches the bare model name wins. Sources, read in November 2026:
 * [1] openai 7.57 types: `max_tokens` is deprecated and "not compatible with o-series"; `stop` is not supported by the
 *     latest reasoning models. [2] `openai-model-catalog.ts` of @ai-sdk/openai: sampling and penalties by model, the
 *     developer role, gpt-5.6 and tools. [3] Recorded 400s: o1-mini refuses the role `system`; gpt-5-mini `max_tokens`.
 * [4] platform.claude.com, migration guides and effort page: sampling parameters are gone since Opus 4.7; `temperature`
 *     and `top_p` exclude each other since Opus 4.1; effort exists since Opus 4.5 and Sonnet 4.6, not on Haiku 4.5.
 * [5] docs.x.ai, reasoning models: no penalties, no `stop`; grok-4 to 4.2 have no `reasoning_effort`.
 * [6] platform.openai.com, structured outputs: from gpt-4o-2024-08-06 on. Anthropic's: from Opus 4.1 and the 4.5 models on
 *     (@ai-sdk/anthropic 4.0). [7] `supportsForcedToolChoice` of @ai-sdk/anthropic 4.0 and pydantic-ai 2026-08.
 * [9] Recorded 400s `unsupported_value`, which name the efforts that a model knows; pydantic-ai 2026-07, which tried them.
 * [10] platform.claude.com, models overview of 2025: what Claudes wrote at most that the table of abilities has no more.
 *     Sonnet 3.7 and 4 could write 64,000, and refused a request whose input and limit together passed their window.
 * [8] api-docs.deepseek.com: JSON mode only, and no forced tool while thinking (pydantic-ai 2026-08).
 */
const rows: ReadonlyArray<Row> = [
  // [1] [3]
  {
    models: /^o1-(mini|preview)/,
    capabilities: {
      ...openAiReasoning,
      systemRole: "user",
      reasoningEffort: false,
      parallelToolCalls: false,
      jsonSchema: false,
      jsonMode: false,
      forcedToolChoice: false,
    },
  },
  { models: /^o\d/, capabilities: { ...openAiReasoning, parallelToolCalls: false } },
  // [2] Chat variants of gpt-5 do not reason.
  { models: /^gpt-5-chat/, capabilities: { ...openAi, reasoningEffort: false } },
  {
    models: /^gpt-5\.[6-9]/,
    capabilities: {
      ...openAiReasoning,
      ...openAiMarks,
      sampling: "without-reasoning",
      reasoningWithTools: false,
      efforts: ["none", "low", "medium", "high", "xhigh", "max"],
    },
  },
  // [9]
  {
    models: /^gpt-5\.\d-pro/,
    capabilities: { ...openAiReasoning, sampling: "without-reasoning", efforts: ["medium", "high", "xhigh"] },
  },
  {
    models: /^gpt-5\.1/,
    capabilities: {
      ...openAiReasoning,
      sampling: "without-reasoning",
      efforts: ["none", "low", "medium", "high"],
    },
  },
  {
    models: /^gpt-5\.\d/,
    capabilities: {
      ...openAiReasoning,
      sampling: "without-reasoning",
      efforts: ["none", "low", "medium", "high", "xhigh"],
    },
  },
  {
    models: /^gpt-6(\.\d+)?-(terra|luna|sol)/,
    capabilities: { ...openAiReasoning, ...openAiMarks, sampling: "without-reasoning", efforts: undefined },
  },
  { models: /^gpt-5-pro/, capabilities: { ...openAiReasoning, efforts: ["high"] } },
  { models: /^gpt-5-codex/, capabilities: openAiReasoning },
  {
    models: /^gpt-5($|-)/,
    capabilities: { ...openAiReasoning, efforts: ["minimal", "low", "medium", "high"] },
  },
  { models: /^(gpt-([5-9]|\d\d)|codex-)/, capabilities: { ...openAiReasoning, efforts: undefined } },
  { models: /^gpt-4o(-mini)?-search/, capabilities: { ...openAi, sampling: "refused", reasoningEffort: false } },
  { models: /^gpt-oss/, capabilities: {} },
  // [6]
  {
    models: /^gpt-(3\.5|4$|4-|4o-2024-05-13)/,
    capabilities: { ...openAi, reasoningEffort: false, jsonSchema: false },
  },
  { models: /^(gpt-|chatgpt-)/, capabilities: { ...openAi, reasoningEffort: false } },
  // [4]
  // [10]
  {
    models: /^claude-(instant|2|3-opus|3-sonnet|3-haiku|3$)/,
    capabilities: { ...claude, reasoningEffort: false, jsonSchema: false, thinking: "none", defaultMaxTokens: 4096 },
  },
  {
    models: /^claude-3-5/,
    capabilities: { ...claude, reasoningEffort: false, jsonSchema: false, thinking: "none", defaultMaxTokens: 8192 },
  },
  {
    models: /^claude-(3|opus-4-(0|2025)|sonnet-4-(0|2025)|(opus|sonnet)-4$)/,
    capabilities: { ...claude, reasoningEffort: false, jsonSchema: false, thinking: "budget" },
  },
  {
    models: /^claude-(opus-4-1|sonnet-4-5|haiku-4-5)/,
    capabilities: { ...claude, temperatureWithTopP: false, reasoningEffort: false, thinking: "budget" },
  },
  {
    models: /^claude-opus-4-5/,
    capabilities: { ...claude, temperatureWithTopP: false, thinking: "budget", efforts: ["low", "medium", "high"] },
  },
  {
    models: /^claude-(opus|sonnet)-4-6/,
    capabilities: { ...claude, temperatureWithTopP: false, efforts: ["low", "medium", "high", "max"] },
  },
  // [7]
  {
    models: /^claude-(fable|mythos|(opus|sonnet)-5-5)/,
    capabilities: { ...claude, sampling: "refused", forcedToolChoice: false, thinking: "adaptive" },
  },
  { models: /^claude-/, capabilities: { ...claude, sampling: "refused", thinking: "adaptive" } },
  // [5]
  { models: /^grok-3-mini/, capabilities: { efforts: ["low", "high"], penalties: false, stop: false, reasons: true } },
  { models: /^grok-.*non-reasoning/, capabilities: { reasoningEffort: false } },
  {
    models: /^grok-4(\.[0-2])?($|-)/,
    capabilities: { penalties: false, stop: false, reasoningEffort: false, reasons: true },
  },
  { models: /^grok-[4-9]/, capabilities: { penalties: false, stop: false, reasons: true } },
  // [8]
  {
    models: /^deepseek-(reasoner|v4)/,
    capabilities: {
      ...deepSeekReturn,
      jsonSchema: false,
      forcedToolChoice: false,
      efforts: ["none", "low", "high", "max"],
    },
  },
  { models: /^deepseek-chat$/, capabilities: { jsonSchema: false } },
  {
    models: /^(mistral|ministral|codestral|devstral|magistral|pixtral)/,
    capabilities: { toolCallIds: mistralCallIds },
  },
  // Other makers' models, also where Azure serves them: nothing is known to be refused.
  {
    models: /^(deepseek|llama|meta|phi|cohere|command|qwen|gemini|gemma|grok|kimi|glm)/,
    capabilities: {},
  },
]

/** What a name says, remembered: a program asks the same few models all day. A long name is no model's. */
const remembered = new Map<string, ModelCapabilities>()
const maxRemembered = 200
const maxNameLength = 200

const rowOf = (model: string): Row | undefined => {
  const name = bareModelName(model)
  return rows.find(({ models }) => models.test(name))
}

/** True where the name says which model it is; a deployment's may say anything. */
export const isKnownModel = (model: string): boolean => rowOf(model) !== undefined

const byName = (model: string): ModelCapabilities => {
  const before = remembered.get(model)
  if (before !== undefined) return before
  const capabilities: { -readonly [Key in keyof ModelCapabilities]: ModelCapabilities[Key] } = {
    ...everything,
    ...rowOf(model)?.capabilities,
    ...abilitiesOf(bareModelName(model)),
  }
  // A maker before the name is a gateway's way to write it, and a gateway takes back what it gave (recorded at Vercel's).
  if (model.includes("/")) capabilities.returnedFields = undefined
  if (model.length > maxNameLength) return capabilities
  if (remembered.size >= maxRemembered) remembered.clear()
  remembered.set(model, capabilities)
  return capabilities
}

/** What `model` accepts, with what the service or the deployment knows better. */
export const capabilitiesOf = (model: string, overrides: Partial<ModelCapabilities> | undefined): ModelCapabilities => {
  const capabilities = byName(model)
  return overrides === undefined ? capabilities : { ...capabilities, ...overrides }
}
