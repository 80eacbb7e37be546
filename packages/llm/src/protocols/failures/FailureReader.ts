/**
 * Finds the provider's words in an error body of any of the shapes that services send: OpenAI's and Anthropic's `error`
 * object, the same inside an array (Google), `error` as a string (xAI), the fields at the top level (Mistral,
 * Databricks), FastAPI's `detail`, a gateway's quotation of another provider (OpenRouter), a page of HTML. It reads; the
 * meaning is `toReason`'s.
 */
import { type ProviderFailure, statusIn } from "./ProviderFailure.ts"
import { elements, excerptOf, isWireObject, nonEmpty, parseJson, type WireObject } from "../WireReader.ts"

/** A code as text, numbers included. LiteLLM writes Python's `None` for absent. */
const token = (value: unknown): string | undefined =>
  typeof value === "number" ? String(value) : value === "None" ? undefined : nonEmpty(value)

/** The names of the filters that fired, from Azure's verdict per category. */
const firedFilters = (verdicts: unknown): ReadonlyArray<string> => {
  const fired: Array<string> = []
  if (isWireObject(verdicts)) {
    for (const [name, verdict] of Object.entries(verdicts)) {
      if (isWireObject(verdict) && (verdict.filtered === true || verdict.detected === true)) fired.push(name)
    }
  }
  return fired
}

const categoriesOf = (error: WireObject): ReadonlyArray<string> | undefined => {
  const inner = isWireObject(error.innererror) ? error.innererror : undefined
  if (inner !== undefined) {
    const fired = firedFilters(inner.content_filter_result ?? inner.content_filter_results)
    if (fired.length > 0) return fired
  }
  const fired = elements(error.content_filters).flatMap((filter) =>
    isWireObject(filter) ? firedFilters(filter.content_filter_results) : [],
  )
  if (fired.length > 0) return [...new Set(fired)]
  // OpenRouter's own moderation.
  const reasons = isWireObject(error.metadata) ? elements(error.metadata.reasons) : []
  const names = reasons.filter((reason) => typeof reason === "string")
  return names.length > 0 ? names : undefined
}

/** The failure that a gateway quotes (`metadata.raw`), as JSON text, as an object or as plain words. */
const quoted = (error: WireObject): ProviderFailure | undefined => {
  const raw = isWireObject(error.metadata) ? error.metadata.raw : undefined
  if (raw === undefined || raw === null || raw === "") return undefined
  const parsed = typeof raw === "string" ? (parseJson(raw) ?? raw) : raw
  return readFailure(parsed, undefined)
}

const fromObject = (error: WireObject, outer: WireObject, status: number | undefined): ProviderFailure => {
  const details = isWireObject(error.details) ? error.details : undefined
  const code =
    token(details?.error_code) ??
    token(error.code) ??
    token(error.error_code) ??
    token(outer.code) ??
    token(outer.error_code)
  const inner = isWireObject(error.innererror) ? token(error.innererror.code) : undefined
  const said =
    nonEmpty(error.message) ??
    nonEmpty(error.error) ??
    nonEmpty(error.detail) ??
    nonEmpty(error.msg) ??
    excerptOf(error)
  const quote = quoted(error)
  const quotedCode = statusIn(code) === undefined ? undefined : quote?.code
  return {
    _tag: "ProviderFailure",
    message: quote === undefined || said.includes(quote.message) ? said : `${said}: ${quote.message}`,
    status: status ?? statusOf(error) ?? statusOf(outer) ?? statusIn(code),
    code: quotedCode ?? code ?? inner,
    // `error` is the type of the event that carries the failure, not of the failure.
    type: (error.type === "error" ? undefined : token(error.type)) ?? quote?.type ?? token(error.status),
    parameter: token(error.param) ?? quote?.parameter,
    categories: categoriesOf(error) ?? quote?.categories,
  }
}

/** A status that the provider wrote beside its message: Groq's `status_code`, Azure's `status`. */
const statusOf = (error: WireObject): number | undefined => {
  const status = error.status_code ?? error.status
  return typeof status === "number" ? statusIn(status) : undefined
}

/** FastAPI's list of what is wrong with a request: where each fault is and what should be there. */
const fromDetails = (details: ReadonlyArray<unknown>, status: number | undefined): ProviderFailure => {
  const faults = details.filter(isWireObject)
  const path = (fault: WireObject) => elements(fault.loc).join(".")
  const first = faults[0]
  return {
    _tag: "ProviderFailure",
    message: faults
      .map((fault) => `${path(fault)}: ${nonEmpty(fault.msg) ?? excerptOf(fault)}`)
      .join("; ")
      .slice(0, 500),
    status,
    type: first === undefined ? undefined : token(first.type),
    parameter: first === undefined ? undefined : nonEmpty(path(first)),
  }
}

/** Plain text, or the title of a page of HTML: proxies and gateways answer so when the provider behind them does not. */
const fromText = (body: string, status: number | undefined): ProviderFailure => {
  const text = body.trim()
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1]?.trim()
  const words = title !== undefined && title !== "" ? title : text
  return {
    _tag: "ProviderFailure",
    message:
      words === ""
        ? status === undefined
          ? "the provider failed and said nothing"
          : `HTTP ${status}`
        : excerptOf(words),
    status,
  }
}

/** The failure in an error body. `status` is the HTTP status where it is itself a failure's. */
export const readFailure = (body: unknown, status: number | undefined): ProviderFailure => {
  if (typeof body === "string") return fromText(body, status)
  if (Array.isArray(body)) return readFailure(body[0] ?? "", status)
  if (!isWireObject(body)) return fromText("", status)
  const { detail, error } = body
  if (isWireObject(error)) return fromObject(error, body, status)
  if (typeof error === "string" && error !== "") return fromObject({ ...body, message: error }, body, status)
  if (isWireObject(detail)) return readFailure(detail, status)
  if (Array.isArray(detail)) return fromDetails(detail, status)
  if (Array.isArray(body.errors)) return readFailure(body.errors, status)
  return fromObject(body, body, status)
}

/**
 * True for an `error` field that reports a failure. Some services send `error: null` or an empty string with every good
 * answer.
 */
export const reportsFailure = (error: unknown): boolean =>
  (typeof error === "string" && error !== "") || (isWireObject(error) && Object.keys(error).length > 0)

/** The failure in a 2xx body that is not an answer, if it is one: an error body under 200 is that error (law 2). */
export const failureUnderSuccess = (body: WireObject): ProviderFailure | undefined =>
  reportsFailure(body.error) ||
  body.type === "error" ||
  body.object === "error" ||
  body.detail !== undefined ||
  (typeof body.message === "string" && (body.code !== undefined || body.error_code !== undefined))
    ? readFailure(body, undefined)
    : undefined
