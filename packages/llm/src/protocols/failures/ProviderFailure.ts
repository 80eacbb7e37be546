/**
 * What a provider says when it fails, and the one reading of it: the same fault gives the same reason whether it came as
 * a status, as an error body under 200, or as an event inside a stream (law 2: one fault, one meaning).
 *
 * The order is: what the provider's own code or type says for certain; then phrases of the message that services are known
 * to write under this status; then the status; then the types that say little (`api_error`, `server_error`). A failing
 * status that none of it explains is an `InvalidRequestError` with the words whole; a failure without a status, a
 * `ServerError`, so that it is tried again.
 */
import {
  AuthenticationError,
  ContentFilterError,
  ContextLengthExceededError,
  InvalidRequestError,
  InvalidResponseError,
  type LlmErrorReason,
  ModelNotFoundError,
  OverloadedError,
  PermissionDeniedError,
  QuotaExceededError,
  RateLimitError,
  ServerError,
} from "../../model/LlmError.ts"
import { bounded } from "../Excerpt.ts"
import {
  type FailureKind,
  isOwnNumber,
  kindOfMessage,
  kindOfStatus,
  kindOfToken,
  kindOfVagueToken,
} from "./FailureTable.ts"
import { waitInWords, waitMs } from "./Wait.ts"

/**
 * A failure in a provider's own words. `status` is the HTTP status, or the status that the provider wrote into a fault
 * inside a 200 stream or body; absent where it wrote none.
 */
export interface ProviderFailure {
  readonly _tag: "ProviderFailure"
  readonly message: string
  readonly status?: number | undefined
  readonly code?: string | undefined
  readonly type?: string | undefined
  readonly parameter?: string | undefined
  /** The content filters that fired, where the failure is a filter's. */
  readonly categories?: ReadonlyArray<string> | undefined
  /** What else it calls itself, beside code and type: an inner code, Google's reasons. */
  readonly reasons?: ReadonlyArray<string> | undefined
  /** The wait that the body tells as a duration, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** The wait that the body tells in a form that needs the time of day. */
  readonly retryAfter?: string | undefined
}

/** The longest message of a failure, in characters. */
export const messageLength = 2000

/** What the response around the failure told. */
export interface FailureContext {
  readonly requestId?: string | undefined
  /** The wait that the headers tell; it counts before the body's. */
  readonly retryAfterMs?: number | undefined
  readonly shouldRetry?: boolean | undefined
  readonly body?: string | undefined
  /** When the failure arrived, in milliseconds since 1970: some services tell the time at which to come back. */
  readonly nowMs?: number | undefined
}

/** A status that a provider wrote as its error's code (OpenRouter `429`, LiteLLM `"429"`), if it is one. */
export const statusIn = (code: string | number | undefined): number | undefined =>
  /^[45]\d\d$/.test(String(code)) ? Number(code) : undefined

/** A browser tells of a redirect that it does not follow nothing but that there was one: its status is 0. */
const isHiddenRedirect = ({ status }: ProviderFailure): boolean => status === 0

/**
 * What a code or type says for certain. A number of a service's own (Z.ai's `1305`) counts where it stands alone: Mistral
 * numbers other things in the same way, but writes a type beside.
 */
const kindOfCodes = ({ code, reasons = [], type }: ProviderFailure): FailureKind | undefined => {
  const own = isOwnNumber(code) && type !== undefined && !isOwnNumber(type) ? undefined : code
  for (const token of [own, type, ...reasons]) {
    const kind = kindOfToken(token)
    if (kind !== undefined) return kind
  }
  return undefined
}

/**
 * What the words may say more exactly than the code. A request that is larger than the whole rate limit has the code of a
 * rate limit (OpenAI 429, Groq 413); an account without an allowance, that of a limit of the minute (Gemini); the tokens of
 * a minute, that of an empty account (Qwen); a budget of one end user, that of a budget (LiteLLM).
 */
const refinements: Partial<Record<FailureKind, ReadonlyArray<FailureKind>>> = {
  "rate-limit": ["context-length", "quota", "user-quota", "overloaded"],
  quota: ["rate-limit", "user-quota"],
}

const refined = (kind: FailureKind, said: FailureKind | undefined, status: number | undefined): FailureKind => {
  if (said !== undefined && refinements[kind]?.includes(said) === true) return said
  return kind === "rate-limit" && status === 413 ? "context-length" : kind
}

const kindOf = (failure: ProviderFailure): FailureKind => {
  const { code, type } = failure
  const status = failure.status ?? statusIn(code)
  const said = kindOfMessage(bounded(failure.message, messageLength), status)
  const certain = kindOfCodes(failure)
  if (certain !== undefined) return refined(certain, said, status)
  if (failure.categories !== undefined) return "content-filter"
  if (said !== undefined) return said
  if (status !== undefined) return kindOfStatus(status) ?? "invalid-request"
  return kindOfVagueToken(code) ?? kindOfVagueToken(type) ?? "server"
}

/** How long to wait: as the headers say, else as the body says, else as its words do. */
const retryAfterMsOf = (failure: ProviderFailure, { nowMs, retryAfterMs }: FailureContext): number | undefined =>
  retryAfterMs ??
  failure.retryAfterMs ??
  (failure.retryAfter === undefined || nowMs === undefined ? undefined : waitMs(failure.retryAfter, nowMs)) ??
  waitInWords(bounded(failure.message, messageLength))

const bodyLength = 2000

/** The reason that this failure is, with everything that the provider and its response told about it. */
export const toReason = (failure: ProviderFailure, context: FailureContext): LlmErrorReason => {
  const retryAfterMs = retryAfterMsOf(failure, context)
  const fields = {
    message: bounded(failure.message, messageLength),
    ...(failure.status === undefined ? {} : { status: failure.status }),
    ...(failure.code === undefined ? {} : { code: failure.code }),
    ...(failure.type === undefined ? {} : { type: failure.type }),
    ...(context.requestId === undefined ? {} : { requestId: context.requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(context.shouldRetry === undefined ? {} : { shouldRetry: context.shouldRetry }),
    ...(context.body === undefined ? {} : { body: bounded(context.body, bodyLength) }),
  }
  switch (kindOf(failure)) {
    case "rate-limit":
      return new RateLimitError(fields)
    case "quota":
      return new QuotaExceededError({ ...fields, scope: "account" })
    case "user-quota":
      return new QuotaExceededError({ ...fields, scope: "user" })
    case "overloaded":
      return new OverloadedError(fields)
    case "server":
      return new ServerError(fields)
    case "slip":
      return new InvalidResponseError(fields)
    case "authentication":
      return new AuthenticationError(fields)
    case "permission":
      return new PermissionDeniedError(fields)
    case "model-not-found":
      return new ModelNotFoundError(fields)
    case "context-length":
      return new ContextLengthExceededError(fields)
    case "content-filter":
      return new ContentFilterError({ ...fields, categories: failure.categories ?? [] })
    case "redirect":
      return new InvalidResponseError({
        ...fields,
        message: isHiddenRedirect(failure)
          ? "the provider answered with a redirect, which is not followed"
          : `the provider answered with a redirect (HTTP ${failure.status}), which is not followed: ${failure.message}`,
      })
    case "invalid-request":
      return new InvalidRequestError({
        ...fields,
        ...(failure.parameter === undefined ? {} : { parameter: failure.parameter }),
      })
  }
}
