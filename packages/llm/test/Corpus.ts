/**
 * Recorded exchanges with providers, for every suite that replays them. They are kept beside the repository
 * (`../shared/corpus`, or where `WIRE_CORPUS` says), not in it; a suite that needs them says so when they are not there.
 */
import { existsSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { gunzipSync } from "node:zlib"
import type { ErrorType } from "../src/model/LlmError.ts"
import type { FinishReason, Usage } from "../src/model/LlmResponse.ts"

type Json = Readonly<Record<string, any>>

export type CorpusFile = "openai-chat" | "openai-responses" | "anthropic-messages" | "azure-chat" | "openai-compatible"

/** One recording. `expect` was computed from the raw body by a script outside this repository. */
export interface Exchange {
  readonly id: string
  readonly api: string
  readonly kind: "json" | "sse" | "error"
  readonly request: { readonly method: string; readonly path: string; readonly body: unknown } | null
  readonly response: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: any }
  readonly expect: Json
  readonly tags: ReadonlyArray<string>
}

const folder = process.env["WIRE_CORPUS"] ?? resolve(import.meta.dirname, "../../..", "../shared/corpus")

export const corpusIsThere = existsSync(folder)

if (!corpusIsThere) console.warn(`no recorded exchanges in ${folder}: the suites that replay them are skipped`)

/** Every recording of one file; none where the corpus is absent. */
export const loadCorpus = (file: CorpusFile): ReadonlyArray<Exchange> =>
  corpusIsThere
    ? gunzipSync(readFileSync(`${folder}/${file}.jsonl.gz`))
        .toString("utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Exchange)
    : []

/** The recordings that speak Chat Completions, those that speak Responses, and those that speak Messages. */
export const loadChat = (): ReadonlyArray<Exchange> =>
  (["openai-chat", "azure-chat", "openai-compatible"] as const)
    .flatMap(loadCorpus)
    .filter((exchange) => exchange.tags.includes("wire:chat"))
export const loadResponses = (): ReadonlyArray<Exchange> =>
  (["openai-responses", "openai-compatible"] as const)
    .flatMap(loadCorpus)
    .filter((exchange) => exchange.tags.includes("wire:responses"))
export const loadMessages = (): ReadonlyArray<Exchange> => loadCorpus("anthropic-messages")

/** What a client must make of an exchange. `incomplete`: the stream has no terminal signal, so it may not succeed. */
export type Expected =
  | { readonly outcome: "failure"; readonly errorType: ErrorType; readonly message: string }
  | { readonly outcome: "incomplete" }
  | {
      readonly outcome: "success"
      readonly text: string
      readonly toolCalls: ReadonlyArray<{ readonly id?: string; readonly name: string; readonly arguments: unknown }>
      readonly reasoning: string | undefined
      readonly refusal: string | undefined
      readonly finishReason: FinishReason
      readonly rawFinishReason: string | undefined
      readonly usage: Usage
    }

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  eos: "stop",
  length: "length",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_calls: "tool-calls",
  tool_use: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
  refusal: "content-filter",
  pause_turn: "pause",
}

const defined = (usage: Readonly<Record<string, number | null | undefined>>): Usage =>
  Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== undefined && value !== null))

const messagesUsage = (raw: Json): Usage => {
  const input = raw.input_tokens + (raw.cache_read_input_tokens ?? 0) + (raw.cache_creation_input_tokens ?? 0)
  return defined({
    inputTokens: input,
    outputTokens: raw.output_tokens,
    totalTokens: input + raw.output_tokens,
    cachedInputTokens: raw.cache_read_input_tokens,
    cacheWriteTokens: raw.cache_creation_input_tokens,
    reasoningTokens: raw.output_tokens_details?.thinking_tokens,
  })
}

const responsesUsage = (raw: Json): Usage =>
  defined({
    inputTokens: raw.input_tokens,
    outputTokens: raw.output_tokens,
    totalTokens: raw.total_tokens,
    cachedInputTokens: raw.input_tokens_details?.cached_tokens,
    cacheWriteTokens: raw.input_tokens_details?.cache_write_tokens,
    reasoningTokens: raw.output_tokens_details?.reasoning_tokens,
  })

const chatUsage = (raw: Json): Usage => {
  const input: number = raw.prompt_tokens
  const reasoning: number | undefined = raw.completion_tokens_details?.reasoning_tokens ?? raw.reasoning_tokens
  const output: number = raw.completion_tokens
  return defined({
    inputTokens: input,
    outputTokens: output,
    totalTokens: Math.max(raw.total_tokens ?? 0, input + output),
    cachedInputTokens:
      raw.prompt_tokens_details?.cached_tokens ??
      raw.cached_tokens ??
      raw.prompt_cache_hit_tokens ??
      raw.num_cached_tokens,
    cacheWriteTokens: raw.prompt_tokens_details?.cache_write_tokens ?? raw.cache_creation_input_tokens,
    reasoningTokens: reasoning,
  })
}

/** The reason that a recorded failure is by common sense: its tags and status, then the few words that say more. */
const errorTypeOf = (exchange: Exchange): ErrorType => {
  const { code, message, status, type } = exchange.expect.error
  const words = `${code} ${type} ${message}`
  const said = (pattern: RegExp) => pattern.test(words)
  if (said(/insufficient_quota|credit balance is too low|billing_error|budget_exceeded|spend_limit/))
    return "QuotaExceededError"
  if (said(/content_filter|content management policy/)) return "ContentFilterError"
  if (exchange.tags.includes("context-length") || status === 413) return "ContextLengthExceededError"
  if (said(/too many total text bytes|reduce the length of the messages/) && status === 400)
    return "ContextLengthExceededError"
  if (said(/Request too large for/)) return "ContextLengthExceededError"
  if (said(/tool_use_failed/)) return "InvalidResponseError"
  if (said(/model_not_found|unknown_model/) || status === 404) return "ModelNotFoundError"
  switch (status) {
    case 401:
      return "AuthenticationError"
    case 402:
      return "QuotaExceededError"
    case 403:
      return "PermissionDeniedError"
    case 429:
      return "RateLimitError"
    case 503:
    case 529:
      return "OverloadedError"
    default:
      return status >= 500 ? "ServerError" : "InvalidRequestError"
  }
}

const argumentsOf = (call: Json): unknown => {
  // One recorded call has no arguments at all, which its script writes down as "null".
  if (["", "null", undefined, null].includes(call.arguments)) return {}
  // `arguments_json` is null both for JSON's null and for text that is not JSON.
  if (call.arguments_json !== null && call.arguments_json !== undefined) return call.arguments_json
  try {
    return JSON.parse(call.arguments)
  } catch {
    return call.arguments
  }
}

const toolCallsOf = (exchange: Exchange): ReadonlyArray<{ id?: string; name: string; arguments: unknown }> => {
  const calls: ReadonlyArray<Json> = exchange.expect.tool_calls
  const legacy: Json | undefined = exchange.expect.function_call
  return [
    ...calls.map((call) => ({
      ...(call.id ? { id: call.id as string } : {}),
      name: call.name as string,
      arguments: argumentsOf(call),
    })),
    ...(legacy?.name ? [{ name: legacy.name as string, arguments: argumentsOf(legacy) }] : []),
  ]
}

/** Anthropic's explanation of a refusal, which the recordings' `expect` leaves out. */
const explanationIn = ({ kind, response }: Exchange): string | undefined => {
  if (kind === "json") return response.body.stop_details?.explanation ?? undefined
  const line = /^data: (.*"stop_details":\s*\{.*)$/m.exec(response.body)?.[1]
  return line === undefined ? undefined : JSON.parse(line).delta.stop_details.explanation
}

/** The items of a Responses answer that a client has to answer, by their types as OpenAI documents them. */
const awaitsClient = (item: Json, items: ReadonlyArray<Json>): boolean => {
  if (item.type === "tool_search_call") return item.execution === "client"
  if (item.type === "shell_call") return !items.some((one) => one.type === "shell_call_output")
  return ["function_call", "custom_tool_call", "computer_call", "apply_patch_call", "local_shell_call"].includes(
    item.type,
  )
}

/** Every item of a Responses answer, from its body or from the ends of its items. */
const itemsOf = ({ kind, response }: Exchange): ReadonlyArray<Json> =>
  kind === "json"
    ? (response.body.output ?? [])
    : (response.body as string)
        .split(/\r?\n/)
        .filter((line) => line.startsWith("data: {") && line.includes("response.output_item.done"))
        .map((line) => JSON.parse(line.slice(6)).item)

/** Streams whose pieces and whose whole text contradict each other. What was said cannot be taken back. */
const contradictory: ReadonlySet<string> = new Set(["234dc6"])

const expectedOfResponses = (exchange: Exchange): Expected => {
  const { expect } = exchange
  const raw: string = expect.finish_reason
  // A background response that only began: nothing has been answered yet.
  if (raw === "queued") return { outcome: "failure", errorType: "InvalidResponseError", message: "queued" }
  const items = itemsOf(exchange)
  const finishReason =
    raw === "incomplete:max_output_tokens"
      ? "length"
      : items.some((item) => awaitsClient(item, items))
        ? "tool-calls"
        : expect.refusal
          ? "content-filter"
          : items.some((item) => item.type === "mcp_approval_request")
            ? "pause"
            : "stop"
  return {
    outcome: "success",
    text: contradictory.has(exchange.id.slice(-6)) ? expect.text_from_deltas : expect.text,
    toolCalls: toolCallsOf(exchange),
    reasoning: expect.reasoning || undefined,
    refusal: expect.refusal || undefined,
    finishReason,
    rawFinishReason: raw,
    usage: expect.usage === null ? {} : responsesUsage(expect.usage),
  }
}

/** A refusal is no stop, and neither is a call of tools, whatever the service calls it. */
const finishReasonOf = (raw: string | undefined, expect: Json): FinishReason => {
  const reason = (raw === undefined ? undefined : finishReasons[raw]) ?? "other"
  if (expect.refusal) return "content-filter"
  return reason === "stop" && expect.tool_calls?.length > 0 ? "tool-calls" : reason
}

/** What a client must make of an exchange, in this library's words. */
export const expectedOf = (exchange: Exchange): Expected => {
  const { expect } = exchange
  if (expect.error !== null && expect.error !== undefined) {
    return { outcome: "failure", errorType: errorTypeOf(exchange), message: expect.error.message }
  }
  if (exchange.tags.includes("wire:responses")) return expectedOfResponses(exchange)
  const raw: string | undefined = expect.finish_reason || undefined
  const isMessages = exchange.tags.includes("wire:messages")
  // Two recordings end with [DONE] and never say why the answer finished (law 1).
  if (raw === undefined && exchange.kind === "sse" && !isMessages) return { outcome: "incomplete" }
  const usage: Json | null = expect.usage ?? expect.usage_x_groq ?? null
  return {
    outcome: "success",
    text: expect.text,
    toolCalls: toolCallsOf(exchange),
    reasoning: expect.reasoning || undefined,
    refusal: (isMessages ? explanationIn(exchange) : expect.refusal) || undefined,
    finishReason: finishReasonOf(raw, expect),
    rawFinishReason: raw,
    usage: usage === null ? {} : isMessages ? messagesUsage(usage) : chatUsage(usage),
  }
}
