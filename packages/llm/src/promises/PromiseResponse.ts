/**
 * What the promise surface resolves with: an answer, or a failure as plain data that survives a spread and a trip through
 * JSON. Only `unwrap` throws.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { metadataOf } from "../call/Metadata.ts"
import { commonSource } from "../call/Totals.ts"
import {
  type ErrorType,
  LlmError,
  type LlmErrorReason,
  type SystemCause,
  type TimeoutClock,
} from "../model/LlmError.ts"
import { AttemptRecord, type LlmResponse, type ResponseMetadata, type Usage } from "../model/LlmResponse.ts"

/** An answer: neither `error` nor `errorType` exists on it. */
export type GenerateSuccess = LlmResponse

/** What a provider or this library told about a failure. Each field is absent where nothing was told. */
export interface FailureDetails {
  /** The HTTP status of the response that told of the failure. */
  readonly status?: number | undefined
  /** The provider's own code (`insufficient_quota`), or the system's for a failed connection (`ECONNREFUSED`). */
  readonly code?: string | undefined
  /** The provider's own type of error (`rate_limit_error`). */
  readonly type?: string | undefined
  /** How many milliseconds the provider asked to wait before the next request. */
  readonly retryAfterMs?: number | undefined
  /** What the provider said about trying again in `x-should-retry`. */
  readonly shouldRetry?: boolean | undefined
  /** The beginning of the response's body, at most 2,000 characters, without keys. */
  readonly body?: string | undefined
  /** `TimeoutError`: the clock that ran out. */
  readonly clock?: TimeoutClock | undefined
  /** `TimeoutError`: the limit of that clock, in milliseconds. */
  readonly limitMs?: number | undefined
  /** `InvalidResponseError`: where the answer cannot be read (a byte offset, an event number or a path). */
  readonly position?: string | undefined
  /** `InvalidRequestError`: the field that is wrong, as in `messages[0].content`. */
  readonly parameter?: string | undefined
  /** `ContentFilterError`: the filters that fired, as the provider names them. */
  readonly categories?: ReadonlyArray<string> | undefined
  /** `QuotaExceededError`: `user` where the budget of one end user or tag is used up, else `account`. */
  readonly scope?: "account" | "user" | undefined
  /** `ConnectionError`: what the system said. */
  readonly cause?: SystemCause | undefined
  /** `ConfigurationError`: the option or variable that is missing or malformed. */
  readonly setting?: string | undefined
  /** `ToolError`: the tool that failed. */
  readonly tool?: string | undefined
  /** `ToolError`: the call that failed, by its id in the conversation. */
  readonly toolCallId?: string | undefined
  /** `BudgetExceededError`: the name of the budget that has no room for the request. */
  readonly budget?: string | undefined
  /** `BudgetExceededError`: what its amounts count, US dollars or tokens. */
  readonly unit?: "usd" | "tokens" | undefined
  /** `BudgetExceededError`: the most that may be used. */
  readonly limit?: number | undefined
  /** `BudgetExceededError`: what has been used. */
  readonly used?: number | undefined
  /** `BudgetExceededError`: what requests in flight have reserved. */
  readonly reserved?: number | undefined
  /** `BudgetExceededError`: what the request would have reserved; absent where its price is not known. */
  readonly estimate?: number | undefined
  /** `BudgetExceededError`: the tag whose value has the budget; without a `value` it is that of calls without the tag. */
  readonly tag?: { readonly name: string; readonly value?: string | undefined } | undefined
}

/** A failure: everything that `LlmError` tells, as plain data. `unwrap` makes the `LlmError` of it again. */
export interface GenerateFailure extends FailureDetails {
  /** Always empty: there is no whole answer. What came of one is in `partialText`. */
  readonly text: ""
  /** What went wrong, in one line for people. */
  readonly error: string
  /** What went wrong, for programs: the tag of the `LlmError`'s reason. */
  readonly errorType: ErrorType
  /** True where the program may succeed with the same call later (after `retryAfterMs` where that is set). */
  readonly isRetryable: boolean
  /** The text that came before the answer broke off. */
  readonly partialText?: string | undefined
  /** What is known of the call, its attempts included. */
  readonly metadata: ResponseMetadata
}

/** What `generate` resolves with. `"error" in response` tells the two apart. */
export type GenerateResponse = GenerateSuccess | GenerateFailure

/** What a failure repeats of the request that it belongs to. */
export interface RequestSummary {
  /** The model that was asked for. */
  readonly model?: string | undefined
  /** The temperature that was asked for. */
  readonly temperature?: number | undefined
  /** The limit of output tokens that was asked for. */
  readonly maxTokens?: number | undefined
}

/** The usage and cost of the attempts that were answered before they failed. */
const spent = (attempts: ReadonlyArray<AttemptRecord>): { readonly usage: Usage; readonly costUsd: number | null } => {
  const costs = attempts.flatMap(({ costUsd }) => (costUsd === null ? [] : [costUsd]))
  return {
    usage: attempts.at(-1)?.usage ?? {},
    costUsd: costs.length === 0 ? null : costs.reduce((total, cost) => total + cost, 0),
  }
}

const detailNames = [
  "status",
  "code",
  "type",
  "retryAfterMs",
  "shouldRetry",
  "body",
  "clock",
  "limitMs",
  "position",
  "parameter",
  "categories",
  "setting",
  "scope",
  "cause",
  "tool",
  "toolCallId",
  "budget",
  "unit",
  "limit",
  "used",
  "reserved",
  "estimate",
  "tag",
] as const satisfies ReadonlyArray<keyof FailureDetails>

/** The fields of `source` that are set, by these names. */
const pick = (source: object, names: ReadonlyArray<string>): Record<string, unknown> => {
  const picked: Record<string, unknown> = {}
  for (const name of names) {
    const value = Predicate.hasProperty(source, name) ? source[name] : undefined
    if (value !== undefined) picked[name] = value
  }
  return picked
}

const detailsOf = (reason: LlmErrorReason): FailureDetails => pick(reason, detailNames)

/** An error as data. */
export const failure = (
  error: LlmError,
  request: RequestSummary,
  startedMs: number,
  nowMs: number,
): GenerateFailure => {
  const { reason, text } = error
  const attempts = error.attempts.map((attempt) => ({ ...attempt }))
  const { costUsd, usage } = spent(attempts)
  const last = attempts.at(-1)
  return {
    text: "",
    error: error.message,
    errorType: reason._tag,
    isRetryable: error.isRetryable,
    ...detailsOf(reason),
    ...(text === undefined ? {} : { partialText: text }),
    metadata: metadataOf({
      provider: error.provider,
      model: error.model ?? request.model,
      servedModel: last?.servedModel,
      temperature: request.temperature,
      maxTokens: request.maxTokens,
      usage: { ...usage },
      usageStatus: Object.keys(usage).length === 0 ? "unknown" : "partial",
      latencyMs: nowMs - startedMs,
      timestamp: new Date(startedMs).toISOString(),
      requestId: last?.requestId ?? (reason._tag === "ConfigurationError" ? undefined : reason.requestId),
      costUsd,
      priceSource: commonSource(attempts),
      attempts,
      warnings: [...(error.warnings ?? [])],
    }),
  }
}

const decodeError = Schema.decodeUnknownResult(LlmError)
const isAttempts = Schema.is(Schema.Array(AttemptRecord))

/** The `LlmError` that a failure tells of, built from its data alone: it may come from a file or from another process. */
export const errorOf = (failed: GenerateFailure): LlmError => {
  const { errorType, error: message, metadata, partialText } = failed
  const told = { provider: "unknown", ...pick(metadata ?? {}, ["provider", "model", "warnings"]) }
  const requestId = pick(metadata ?? {}, ["requestId"])
  // Reasons that require more say what is not known; a failure that was written by hand may leave it out.
  const unknown = {
    clock: "total",
    limitMs: 0,
    categories: [],
    setting: "unknown",
    tool: "unknown",
    toolCallId: "unknown",
    budget: "unknown",
    unit: "usd",
    limit: 0,
    used: 0,
    reserved: 0,
  }
  const reason = { ...unknown, ...requestId, ...pick(failed, detailNames), _tag: errorType, message }
  const attempts = isAttempts(metadata?.attempts) ? metadata.attempts : []
  const text = partialText === undefined ? {} : { text: partialText }
  return Result.getOrElse(decodeError({ _tag: "LlmError", reason, ...told, attempts, ...text }), () =>
    Result.getOrThrow(
      decodeError({
        _tag: "LlmError",
        reason: { _tag: "InvalidResponseError", message: `${message} (${errorType})` },
        provider: "unknown",
        attempts: [],
      }),
    ),
  )
}

const isFailure = (response: object): response is GenerateFailure => "error" in response
const isSuccess = <Response extends object>(response: Response): response is Exclude<Response, GenerateFailure> =>
  !isFailure(response)

/** The answer itself, with its own type. Throws the `LlmError` where there is none, for programs that prefer exceptions. */
export const unwrap = <Response extends { readonly metadata: ResponseMetadata }>(
  response: Response,
): Exclude<Response, GenerateFailure> => {
  if (isSuccess(response)) return response
  const error = isFailure(response) ? errorOf(response) : new Error("neither an answer nor a failure")
  // The trace begins at the program's own line, where the engine can do that: the frames of the decoder would hide it.
  if ("captureStackTrace" in Error) Error.captureStackTrace(error, unwrap)
  throw error
}
