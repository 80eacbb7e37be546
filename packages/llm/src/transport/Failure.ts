/**
 * What went wrong on the wire, as a reason: no connection, a cut answer, an answer that cannot be read, or the
 * provider's own words. It reads; it decides nothing (the verdicts are in `LlmError`).
 */
import * as Predicate from "effect/Predicate"
import {
  ConfigurationError,
  ConnectionError,
  InvalidRequestError,
  InvalidResponseError,
  type LlmErrorReason,
  StreamInterruptedError,
  type SystemCause,
} from "../model/LlmError.ts"
import { bounded } from "../protocols/Excerpt.ts"
import type { Fault } from "../protocols/Protocol.ts"
import { type FailureContext, toReason } from "../protocols/failures/ProviderFailure.ts"
import type { Redact } from "../settings/Redactor.ts"
import type { Broken } from "./Transport.ts"

/** A key stands where a model's name belongs: it would be shown in metadata, spans and logs. */
export const keyAsModel = new InvalidRequestError({
  message: "model: holds what looks like an API key; write the name of a model, for example gpt-5-mini",
  parameter: "model",
})

/** The longest excerpt of a body that an error keeps, in characters. */
const excerptLength = 2000

export const excerpt = (text: string, length = excerptLength): string => bounded(text, length)

/** The system's or undici's code for a failed connection (`ECONNREFUSED`, `UND_ERR_SOCKET`, …), however deep it lies. */
const systemCode = (cause: unknown): string | undefined => {
  for (let error = cause, depth = 0; Predicate.isObject(error) && depth < 5; depth++) {
    if (Predicate.hasProperty(error, "code") && typeof error.code === "string") return error.code
    if (Predicate.hasProperty(error, "errors") && Array.isArray(error.errors)) error = error.errors[0]
    else error = Predicate.hasProperty(error, "cause") ? error.cause : undefined
  }
  return undefined
}

/** The longest message of the system that an error keeps. */
const causeLength = 500

/** What stands before the host of an address: a proxy's name and password. */
const userInfo = /\/\/[^\s/@]*@/g

/** What the system said, bounded and without a secret that it may hold. */
const systemCause = (cause: unknown, code: string | undefined, redact: Redact): SystemCause => ({
  name: cause instanceof Error ? cause.name : "Error",
  message: excerpt(redact(cause instanceof Error ? cause.message : "").replace(userInfo, "//"), causeLength),
  ...(code === undefined ? {} : { code }),
})

const origin = (url: string): string => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  return parsed === undefined ? url : parsed.origin
}

/** The HTTP parsers of undici and of Node's `fetch` are WebAssembly: no address can be reached without it. */
const withoutWebAssembly = new ConfigurationError({
  setting: "node --jitless",
  message:
    "node --jitless: turns WebAssembly off, which the HTTP client needs; start Node without it, or use layerHttpClient with an HttpClient on node:http",
})

/** No response came: the connection failed. */
export const fromBroken = ({ cause, message, via }: Broken, url: string, redact: Redact): LlmErrorReason => {
  const code = systemCode(cause)
  if (code === "ERR_WEBASSEMBLY_NOT_SUPPORTED") return withoutWebAssembly
  const said = systemCause(cause, code, redact)
  const problem = message ?? code ?? (said.message || "the connection failed")
  return new ConnectionError({
    message: `no response from ${origin(url)}: ${problem}${via === undefined ? "" : ` (through ${via})`}`,
    ...(code === undefined ? {} : { code }),
    cause: said,
  })
}

/** The body broke off after `status`, or its bytes cannot be read: `what` says what ended, as in "the answer broke off". */
export const fromBrokenBody = (
  { cause, unreadable }: Broken,
  what: string,
  where: { readonly position: string; readonly status?: number },
): LlmErrorReason => {
  if (unreadable !== undefined) return new InvalidResponseError({ message: unreadable, position: where.position })
  const code = systemCode(cause)
  const message = `${what}: the connection closed${code === undefined ? "" : `: ${code}`}`
  return new StreamInterruptedError({ message, ...(where.status === undefined ? {} : { status: where.status }) })
}

/** Names and codes are short; a longer one is cut. */
const nameLength = 256

/** A fault in the server's words, bounded and without a secret that it may have put there. */
export const cleanFault = <F extends Fault>(found: F, redact: Redact): F => {
  const message = excerpt(redact(found.message))
  if (found._tag === "Unreadable") return { ...found, message, excerpt: excerpt(redact(found.excerpt)) }
  if (found._tag === "Abandoned") return { ...found, message }
  const name = (text: string | undefined) => (text === undefined ? undefined : excerpt(redact(text), nameLength))
  return {
    ...found,
    message,
    code: name(found.code),
    type: name(found.type),
    parameter: name(found.parameter),
    categories: found.categories?.slice(0, 64).map((category) => excerpt(redact(category), nameLength)),
  }
}

/** A provider's fault as a reason. */
export const fromFault = (fault: Fault, context: FailureContext): LlmErrorReason => {
  if (fault._tag === "ProviderFailure") return toReason(fault, context)
  const { message } = fault
  const told = context.requestId === undefined ? {} : { requestId: context.requestId }
  if (fault._tag === "Abandoned") return new StreamInterruptedError({ message, ...told })
  const { excerpt, position } = fault
  return new InvalidResponseError({ message, position, body: context.body ?? excerpt, ...told })
}
