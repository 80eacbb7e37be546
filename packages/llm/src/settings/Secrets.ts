/**
 * Which texts are secret (values of headers, the query and the credentials of an address), and how a message may quote a
 * value that may be one. It names secrets; `Redactor` blanks them.
 */
import { looksLikeKey } from "../model/KeyShape.ts"

/** Headers whose values are not secret, and are worth reading in an error: versions, features, names of the caller's own. */
const publicHeaders =
  /^(accept.*|content-.*|user-agent|referer|http-referer|origin|x-title|cache-control|traceparent|tracestate|baggage|(anthropic|openai)-(version|beta|organization|project)|x-litellm-(num-retries|timeout|tags)|x-stainless-.*|x-(correlation|request)-id)$/i

/** True for a header whose value is no secret: errors show it. */
export const isPublicHeader = (name: string): boolean => publicHeaders.test(name)

/** What `Basic` credentials hold: the password, and the whole. */
const basicSecrets = (encoded: string): ReadonlyArray<string> => {
  try {
    const decoded = atob(encoded)
    return [encoded, decoded, decoded.slice(decoded.indexOf(":") + 1)]
  } catch {
    return [encoded]
  }
}

/** The secrets in one header's value: `Bearer` and other schemes are not part of them. */
const headerSecrets = (value: string): ReadonlyArray<string> => {
  const scheme = /^([A-Za-z-]{1,20})\s+(\S+)$/.exec(value.trim())
  if (scheme === null) return [value.trim()]
  const [, name = "", credential = ""] = scheme
  return name.toLowerCase() === "basic" ? basicSecrets(credential) : [credential]
}

/** The secrets among headers that a caller gave; those with public values (`anthropic-beta`, `user-agent`) are left out. */
export const ofHeaders = (headers: Readonly<Record<string, string>> | undefined): ReadonlyArray<string> =>
  Object.entries(headers ?? {}).flatMap(([name, value]) => (isPublicHeader(name) ? [] : headerSecrets(String(value))))

/** Parameters whose values are not secret. */
const publicParameters = new Set(["api-version", "version", "beta", "alt", "region", "location"])

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The secrets in an address: what its query holds but for versions, and its user name and password. */
export const ofAddress = (address: string | undefined): ReadonlyArray<string> => {
  if (address === undefined || !URL.canParse(address)) return []
  const url = new URL(address)
  const query = [...url.searchParams].flatMap(([name, value]) =>
    publicParameters.has(name.toLowerCase()) ? [] : [value],
  )
  const { password, username } = url
  const basic = password === "" ? [] : [`${decoded(username)}:${decoded(password)}`, decoded(password)]
  // A lone user name is how some proxies take a token.
  return [...query, ...basic, ...(password === "" && username !== "" ? [decoded(username)] : [])]
}

/** The longest value that a message quotes. */
const longestQuote = 64

/** A value as a message may quote it: in quotes and cut, or described where it looks like a key. */
export const quoted = (value: string): string => {
  if (looksLikeKey(value)) return "the value (not shown, because it looks like a key)"
  return JSON.stringify(value.length <= longestQuote ? value : `${value.slice(0, longestQuote)}…`)
}

/** A value of a setting that holds a word, a number or a duration: what is longer or mixed is described, not quoted. */
export const quotedWord = (value: string): string =>
  value.length <= 40 &&
  !value.split(/[^A-Za-z0-9]+/).some((word) => word.length >= 8 && /\d/.test(word) && /[A-Za-z]/.test(word))
    ? quoted(value)
    : "the value (not shown, because it may be a key)"
