/**
 * Finds the provider's words in an error body of any of the shapes that services send: OpenAI's and Anthropic's `error`
 * object, the same inside an array (Google), `error` as a string (xAI) or a number, a list of `errors` (Cloudflare), the
 * fields at the top level (Mistral, Databricks, AWS), FastAPI's `detail`, a problem's `title` (NVIDIA), a gateway's
 * quotation of another provider (OpenRouter), a page of HTML. It reads; the meaning is `toReason`'s.
 *
 * A body is a stranger's: no text is searched before it is bounded, no list is read further than an error can show, and
 * nothing is followed deeper than services nest.
 */
import { bounded, excerptOf } from "../Excerpt.ts"
import { elements, isWireObject, nonEmpty, parseJson, type WireObject } from "../WireReader.ts"
import { errorInfo } from "./ErrorDetails.ts"
import { pageText } from "./PageText.ts"
import { messageLength, type ProviderFailure, statusIn } from "./ProviderFailure.ts"

/** How deep an error may lie in others. */
const deepest = 6
const longestToken = 200
/** How many of a list's elements are read. */
const mostElements = 20
/** A quotation is parsed up to this length. */
const longestQuote = 64 * 1024

const few = (value: unknown): ReadonlyArray<unknown> => elements(value).slice(0, mostElements)

/** A code as text, numbers included. LiteLLM writes Python's `None` for absent. */
const token = (value: unknown): string | undefined => {
  if (typeof value === "number") return String(value)
  return value === "None" || typeof value !== "string" || value === "" ? undefined : bounded(value, longestToken)
}

/** The names of the filters that fired, from Azure's verdict per category. */
const firedFilters = (verdicts: unknown): ReadonlyArray<string> => {
  const fired: Array<string> = []
  if (!isWireObject(verdicts)) return fired
  for (const [name, verdict] of Object.entries(verdicts)) {
    if (isWireObject(verdict) && (verdict.filtered === true || verdict.detected === true)) {
      fired.push(bounded(name, longestToken))
    }
    if (fired.length === mostElements) break
  }
  return fired
}

const categoriesOf = (error: WireObject): ReadonlyArray<string> | undefined => {
  const inner = isWireObject(error.innererror) ? error.innererror : undefined
  if (inner !== undefined) {
    const fired = firedFilters(inner.content_filter_result ?? inner.content_filter_results)
    if (fired.length > 0) return fired
  }
  const fired = few(error.content_filters).flatMap((filter) =>
    isWireObject(filter) ? firedFilters(filter.content_filter_results) : [],
  )
  if (fired.length > 0) return [...new Set(fired)].slice(0, mostElements)
  // OpenRouter's own moderation.
  const reasons = isWireObject(error.metadata) ? few(error.metadata.reasons) : []
  const names = reasons.flatMap((reason) => token(reason) ?? [])
  return names.length > 0 ? names : undefined
}

/** The failure that a gateway quotes as JSON: all of `metadata.raw` (OpenRouter), or the whole of its own message. */
const quoted = (error: WireObject, message: string | undefined, depth: number): ProviderFailure | undefined => {
  const raw = isWireObject(error.metadata) ? error.metadata.raw : undefined
  if (raw !== undefined && raw !== null && raw !== "") {
    const parsed = typeof raw === "string" && raw.length <= longestQuote ? (parseJson(raw) ?? raw) : raw
    return read(parsed, undefined, depth + 1)
  }
  if (message === undefined || message.length > longestQuote || !/^\s?[[{]/.test(message)) return undefined
  const parsed = parseJson(message)
  return isWireObject(parsed) || Array.isArray(parsed) ? read(parsed, undefined, depth + 1) : undefined
}

/** The words of an error, under any of the names that services give them. */
const wordsOf = (error: WireObject): string | undefined =>
  nonEmpty(error.message) ??
  nonEmpty(error.Message) ??
  nonEmpty(error.error) ??
  nonEmpty(error.detail) ??
  nonEmpty(error.msg) ??
  nonEmpty(error.error_msg) ??
  nonEmpty(error.error_message) ??
  nonEmpty(error.error_description) ??
  nonEmpty(error.status_msg) ??
  nonEmpty(error.title)

/** What an error calls itself. AWS writes `__type` with the name of a package before it. */
const codeOf = (error: WireObject): string | undefined => {
  const details = isWireObject(error.details) ? error.details : undefined
  const awsType = nonEmpty(error.__type)
  return (
    token(details?.error_code) ??
    token(error.code) ??
    token(error.error_code) ??
    (awsType === undefined ? undefined : token(awsType.slice(awsType.lastIndexOf("#") + 1)))
  )
}

/** A status that the provider wrote beside its message: Groq's `status_code`, Azure's `statusCode`, NVIDIA's `status`. */
const statusOf = (error: WireObject): number | undefined => {
  for (const status of [error.status_code, error.statusCode, error.status]) {
    const found = typeof status === "number" ? statusIn(status) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

const fromObject = (
  error: WireObject,
  outer: WireObject,
  status: number | undefined,
  depth: number,
): ProviderFailure => {
  const info = errorInfo(error)
  const words = wordsOf(error)
  const quote = quoted(error, words, depth)
  const said = bounded(words ?? excerptOf(error), messageLength)
  const inner = isWireObject(error.innererror) ? token(error.innererror.code) : undefined
  const own = codeOf(error) ?? codeOf(outer)
  // A status written as a code says less than a code of the provider whose words these are.
  const named = statusIn(own) === undefined ? undefined : (info.reasons[0] ?? quote?.code)
  const metadata = isWireObject(error.metadata) ? error.metadata : undefined
  return {
    _tag: "ProviderFailure",
    message: bounded(
      quote === undefined || words === undefined || said.includes(quote.message) ? said : `${said}: ${quote.message}`,
      messageLength,
    ),
    status: status ?? statusOf(error) ?? statusOf(outer) ?? statusIn(own) ?? quote?.status,
    code: named ?? own ?? inner ?? info.reasons[0] ?? quote?.code,
    // `error` is the type of the event that carries the failure, not of the failure.
    type:
      (error.type === "error" ? undefined : token(error.type)) ??
      quote?.type ??
      token(typeof error.status === "string" ? error.status : undefined),
    parameter: token(error.param) ?? quote?.parameter,
    categories: categoriesOf(error) ?? quote?.categories,
    reasons: [inner, token(metadata?.error_type), ...info.reasons, ...(quote?.reasons ?? [])].flatMap(
      (reason) => reason ?? [],
    ),
    retryAfterMs: info.retryAfterMs ?? quote?.retryAfterMs,
    retryAfter: info.retryAfter ?? quote?.retryAfter,
  }
}

/** FastAPI's list of what is wrong with a request: where each fault is and what should be there. */
const fromDetails = (details: ReadonlyArray<unknown>, status: number | undefined): ProviderFailure => {
  const faults = details.slice(0, mostElements).filter(isWireObject)
  const path = (fault: WireObject) =>
    few(fault.loc)
      .flatMap((step) => token(step) ?? [])
      .join(".")
  const first = faults[0]
  return {
    _tag: "ProviderFailure",
    message: bounded(
      faults.map((fault) => `${path(fault)}: ${nonEmpty(fault.msg) ?? excerptOf(fault)}`).join("; "),
      messageLength,
    ),
    status,
    type: first === undefined ? undefined : token(first.type),
    parameter: first === undefined ? undefined : nonEmpty(path(first)),
  }
}

/** Plain text, or what a page of HTML shows: proxies and gateways answer so when the provider behind them does not. */
const fromText = (body: string, status: number | undefined): ProviderFailure => {
  const words = pageText(body)
  const nothing = status === undefined ? "the provider failed and said nothing" : `HTTP ${status}`
  return { _tag: "ProviderFailure", message: words === "" ? nothing : excerptOf(words), status }
}

const read = (body: unknown, status: number | undefined, depth: number): ProviderFailure => {
  if (typeof body === "string") return fromText(body, status)
  if (typeof body === "number") return fromText("", status ?? statusIn(body))
  if (depth > deepest) return fromText(excerptOf(body), status)
  if (Array.isArray(body)) return read(body[0] ?? "", status, depth + 1)
  if (!isWireObject(body)) return fromText("", status)
  const { detail, error, errors, fault } = body
  if (isWireObject(error)) return fromObject(error, body, status, depth)
  if (Array.isArray(error) && error.length > 0) return read(error, status, depth + 1)
  if (typeof error === "string" && error !== "") return fromObject(body, body, status, depth)
  if (typeof error === "number") return fromObject({ code: error, ...body, error: undefined }, body, status, depth)
  if (isWireObject(detail)) return read(detail, status, depth + 1)
  if (Array.isArray(detail) && detail.some(isWireObject)) return fromDetails(detail, status)
  if (Array.isArray(errors) && errors.length > 0) return read(errors, status ?? statusOf(body), depth + 1)
  if (isWireObject(fault)) return fromObject({ message: fault.faultstring, ...fault }, body, status, depth)
  if (isWireObject(body.base_resp))
    return fromObject({ code: body.base_resp.status_code, ...body.base_resp }, body, status, depth)
  return fromObject(body, body, status, depth)
}

/** The failure in an error body. `status` is the HTTP status where it is itself a failure's. */
export const readFailure = (body: unknown, status: number | undefined): ProviderFailure => read(body, status, 0)

/**
 * True for an `error` field that reports a failure. Some services send `error: null`, `false`, 0 or an empty string with
 * every good answer.
 */
export const reportsFailure = (error: unknown): boolean => {
  if (typeof error === "object" && error !== null) return Object.keys(error).length > 0
  return error !== undefined && error !== null && error !== false && error !== 0 && error !== ""
}

/** A body or chunk with one of these is an answer, or a part of one, whatever else it says. */
const answers = ["choices", "content", "delta", "usage", "output", "candidates"]

const saysGood = new Set(["0", "200"])

/** True for a code or a status that is a failure's. */
const hasFailingCode = (body: WireObject): boolean =>
  statusOf(body) !== undefined ||
  [body.code, body.error_code, body.statusCode, body.status_code].some((code) => {
    const said = token(code)
    return said !== undefined && !saysGood.has(said)
  })

/** What events that are no failures carry beside their words: an unknown event means nothing (law 3). */
const named = ["id", "object", "model", "type", "code", "status"]

/** True for words at the top of a body that can only be a failure's: they stand beside a failing code, or alone. */
const isOnlyWords = (body: WireObject): boolean => {
  if (body.detail !== undefined && body.type === undefined) return true
  if (wordsOf(body) === undefined) return false
  return body.success === false || hasFailingCode(body) || !named.some((name) => name in body)
}

const isFailure = (body: WireObject): boolean => {
  if (reportsFailure(body.error) || body.type === "error" || body.object === "error") return true
  if (answers.some((name) => body[name] !== undefined && body[name] !== null)) return false
  if (Array.isArray(body.errors) && body.errors.length > 0) return true
  if (isWireObject(body.base_resp)) return body.base_resp.status_code !== 0
  return isWireObject(body.fault) || isOnlyWords(body)
}

/**
 * The failure in a 2xx body, or in an event of a stream, that is not an answer, if it is one: an error body under 200 is
 * that error (law 2). It may be an array whose first element is the error (Google).
 */
export const failureUnderSuccess = (body: unknown): ProviderFailure | undefined => {
  const first = Array.isArray(body) ? (body[0] as unknown) : body
  return isWireObject(first) && isFailure(first) ? readFailure(first, undefined) : undefined
}
