/**
 * What response headers say about a call: which request it was, when to come back, what it cost. Numbers that cannot be
 * read count as absent.
 *
 * Sources: openai-node 7.57 (`retry-after-ms`, `x-should-retry`, `x-request-id`, `x-ratelimit-*` with resets such as
 * `120ms` or `6m0s`), Anthropic's API reference (`request-id`, `retry-after` in seconds, `anthropic-ratelimit-*` with
 * resets in RFC 3339), Azure (`apim-request-id`, `x-ms-request-id`), LiteLLM's response-header page (`x-litellm-*`).
 */
import { clamp, headerWaitMs } from "../protocols/failures/Wait.ts"
import type { RateLimit, RateLimits } from "../model/LlmResponse.ts"
import type { WireHeaders } from "./Transport.ts"

const finite = (text: string | undefined): number | undefined => {
  if (text === undefined || text.trim() === "") return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** The provider's name for the request: what its support asks for. */
export const requestId = (headers: WireHeaders): string | undefined =>
  headers["x-request-id"] ??
  headers["request-id"] ??
  headers["apim-request-id"] ??
  headers["x-ms-request-id"] ??
  headers["x-litellm-call-id"]

/** The provider's own verdict on trying again, if it gave one. */
export const shouldRetry = (headers: WireHeaders): boolean | undefined => {
  const value = headers["x-should-retry"]
  return value === "true" ? true : value === "false" ? false : undefined
}

/** No answer costs more: such a figure is no cost, and what the body says counts. */
const maxCostUsd = 1_000_000

/** What LiteLLM says the call cost, in US dollars. */
export const responseCostUsd = (headers: WireHeaders): number | undefined => {
  const cost = finite(headers["x-litellm-response-cost"])
  return cost !== undefined && cost >= 0 && cost <= maxCostUsd ? cost : undefined
}

/** A header that tells one figure of one limit: `x-ratelimit-remaining-tokens-minute` is `remaining` of `tokens-minute`. */
interface LimitHeader {
  readonly bucket: string
  readonly figure: "limit" | "remaining" | "reset"
}

const figures = ["limit", "remaining", "reset"] as const
const limitPrefixes = ["x-ratelimit-", "anthropic-ratelimit-", "ratelimit-"]

/** OpenAI and those like it write the figure before the bucket, Anthropic after it, the IETF's draft has one bucket. */
const limitHeader = (name: string): LimitHeader | undefined => {
  const prefix = limitPrefixes.find((prefix) => name.startsWith(prefix))
  if (prefix === undefined) return undefined
  const rest = name.slice(prefix.length)
  for (const figure of figures) {
    if (rest === figure) return { bucket: "", figure }
    if (rest.startsWith(`${figure}-`)) return { bucket: rest.slice(figure.length + 1), figure }
    if (rest.endsWith(`-${figure}`)) return { bucket: rest.slice(0, -figure.length - 1), figure }
  }
  return undefined
}

/** Every limit that the headers tell of, by the name of its bucket. */
const limitsByBucket = (headers: WireHeaders, nowMs: number): ReadonlyMap<string, RateLimit> => {
  const limits = new Map<string, { limit?: number; remaining?: number; resetMs?: number }>()
  for (const name in headers) {
    const value = headers[name]
    const header = limitHeader(name)
    if (value === undefined || header === undefined) continue
    const { bucket, figure } = header
    const amount = figure === "reset" ? headerWaitMs(value, nowMs) : finite(value)
    // Azure writes -1 for what it does not know.
    if (amount === undefined || amount < 0) continue
    const limit = limits.get(bucket) ?? {}
    limit[figure === "reset" ? "resetMs" : figure] = amount
    limits.set(bucket, limit)
  }
  return limits
}

/** What a bucket counts. A bucket without a name counts requests (OpenRouter, Together). */
const countedBy = (bucket: string): keyof RateLimits | undefined => {
  if (bucket === "" || bucket.startsWith("req")) return "requests"
  if (bucket.startsWith("input-tokens")) return "inputTokens"
  if (bucket.startsWith("output-tokens")) return "outputTokens"
  return bucket.startsWith("tokens") ? "tokens" : undefined
}

/** How much of a limit is left, from 0 to 1; of several windows the one that is nearest to its end counts. */
const leftOf = ({ limit, remaining }: RateLimit): number =>
  remaining === undefined ? 1 : limit === undefined || limit === 0 ? Math.min(remaining, 1) : remaining / limit

/**
 * The rate limits that a response tells, a success or not; undefined where it tells none. A service may have several
 * windows for one thing (Mistral and Cerebras: a minute, a day, a month): the one with the smallest share left is told.
 */
export const rateLimits = (headers: WireHeaders, nowMs: number): RateLimits | undefined => {
  let found: { -readonly [Name in keyof RateLimits]: RateLimits[Name] } | undefined
  for (const [bucket, limit] of limitsByBucket(headers, nowMs)) {
    const name = countedBy(bucket)
    if (name === undefined) continue
    found ??= {}
    const known = found[name]
    if (known === undefined || leftOf(limit) < leftOf(known)) found[name] = limit
  }
  return found
}

/** How long until the limits that are used up are whole again, the slowest of them. */
const resetMs = (headers: WireHeaders, nowMs: number): number | undefined => {
  let wait: number | undefined
  for (const { remaining, resetMs } of limitsByBucket(headers, nowMs).values()) {
    if (remaining === 0 && resetMs !== undefined) wait = Math.max(wait ?? 0, resetMs)
  }
  return wait
}

/**
 * How long a failed request asks to wait, in milliseconds: `retry-after-ms`, `retry-after` in any form and also where it
 * was sent twice, and only where neither is there and the service refused for its rate (429), the reset of the limits that
 * are used up. Meaningless on a success (law 7).
 */
export const retryAfterMs = (headers: WireHeaders, nowMs: number, status: number): number | undefined => {
  const milliseconds = headers["retry-after-ms"]?.split(",", 8).flatMap((piece) => finite(piece) ?? []) ?? []
  if (milliseconds.length > 0) return clamp(Math.max(...milliseconds))
  const retryAfter = headers["retry-after"]
  const told = retryAfter === undefined ? undefined : headerWaitMs(retryAfter, nowMs)
  return told ?? (status === 429 ? resetMs(headers, nowMs) : undefined)
}

/** Headers that hold what belongs to one program alone. */
const withheld: ReadonlySet<string> = new Set(["set-cookie", "set-cookie2", "proxy-authenticate", "www-authenticate"])

/** How much of a response's headers is kept: more than any honest service sends. */
const mostHeaders = 100
const longestValue = 2000

/** A response's headers as a caller may see them: bounded, without cookies, and without a secret that stands in them. */
export const shownHeaders = (headers: WireHeaders, redact: (text: string) => string): Record<string, string> => {
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers).slice(0, mostHeaders)) {
    if (value !== undefined && !withheld.has(name)) shown[name] = redact(value.slice(0, longestValue))
  }
  return shown
}
