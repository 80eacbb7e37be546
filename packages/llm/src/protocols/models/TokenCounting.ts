/**
 * Asks a service for the tokens of a request: the body of an answer's request, less what counting does not take. It sends
 * nothing; which service counts is for the providers.
 */
import * as Result from "effect/Result"
import type { TokenCount } from "../../model/ModelInfo.ts"
import { failureUnderSuccess, reportsFailure } from "../failures/FailureReader.ts"
import type { Fault } from "../Protocol.ts"
import { count, isWireObject, nameOf, unreadable, type WireObject } from "../WireReader.ts"

/** How one service counts. */
export interface CountForm {
  /** The fields of a request for an answer that its count takes too. */
  readonly fields: ReadonlySet<string>
  /** Reads a parsed 2xx body. */
  readonly decode: (body: unknown) => Result.Result<TokenCount, Fault>
}

/** The body of a count: what the service takes of the body of an answer's request. */
export const countBody = (form: CountForm, body: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(body).filter(([name]) => form.fields.has(name)))

/** A whole number that the service counted. */
const whole = (value: unknown): number | undefined => {
  const tokens = count(value)
  return Number.isInteger(tokens) ? tokens : undefined
}

const reading =
  (field: string, counted: (tokens: number, body: WireObject) => TokenCount): CountForm["decode"] =>
  (body) => {
    if (!isWireObject(body)) return Result.fail(unreadable("it is not a JSON object", "$", body))
    const tokens = whole(body[field])
    if (!reportsFailure(body.error) && tokens !== undefined) return Result.succeed(counted(tokens, body))
    return Result.fail(failureUnderSuccess(body) ?? unreadable(`it has no ${field}`, field, body))
  }

const exact = (inputTokens: number): TokenCount => ({ type: "exact", inputTokens })

/** OpenAI's `POST /responses/input_tokens` (openai 7.57, `InputTokenCountParams`): the fields of a Responses request. */
export const openAi: CountForm = {
  fields: new Set([
    "conversation",
    "input",
    "instructions",
    "model",
    "parallel_tool_calls",
    "personality",
    "previous_response_id",
    "reasoning",
    "text",
    "tool_choice",
    "tools",
    "truncation",
  ]),
  decode: reading("input_tokens", exact),
}

/** Anthropic's `POST /v1/messages/count_tokens` (@anthropic-ai/sdk 1.12, `MessageCountTokensParams`). */
export const anthropic: CountForm = {
  fields: new Set([
    "cache_control",
    "messages",
    "model",
    "output_config",
    "speed",
    "system",
    "thinking",
    "tool_choice",
    "tools",
  ]),
  decode: reading("input_tokens", exact),
}

/**
 * The LiteLLM proxy's `POST /utils/token_counter?call_endpoint=true`: with a service that counts, the proxy asks it and
 * hands on its words as `original_response`. Otherwise it counts with a tokenizer of its own (`tokenizer_type`), which need
 * not be the model's (docs.litellm.ai, "Completion Token Usage & Cost"): the error of that number is not known.
 */
export const liteLlm: CountForm = {
  fields: new Set(["messages", "model", "tools"]),
  decode: reading("total_tokens", (tokens, body) => {
    if (isWireObject(body.original_response)) return exact(tokens)
    const tokenizer = nameOf(body.tokenizer_type) ?? "a tokenizer of its own"
    const reason = `the proxy counted ${tokens} with ${tokenizer}, and did not ask the service; the error of that is not known`
    return { type: "unknown", reason }
  }),
}
