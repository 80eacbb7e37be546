/**
 * What response headers say about a call: which request it was, when to come back, what it cost. Numbers that cannot be
 * read count as absent.
 *
 * Sources: openai-node 7.57 (`retry-after-ms`, `x-should-retry`, `x-request-id`, `x-ratelimit-*` with resets such as
 * `120ms` or `6m0s`), Anthropic's API reference (`request-id`, `retry-after` in seconds, `anthropic-ratelimit-*` with
 * resets in RFC 3339), Azure (`apim-request-id`, `x-ms-request-id`), LiteLLM's response-header page (`x-litellm-*`).
 */
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

/** What LiteLLM says the call cost, in US dollars. */
export const responseCostUsd = (headers: WireHeaders): number | undefined => finite(headers["x-litellm-response-cost"])

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `120ms`, `1s`, `6m0s`, `1h2m3s` in milliseconds. */
const durationMs = (text: string): number | undefined => {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (unitMs[unit ?? ""] ?? 0)
  }
  return total
}

const untilDate = (text: string, nowMs: number): number | undefined => {
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

/** How long until the buckets that are empty fill again, the slowest of them. */
const resetMs = (headers: WireHeaders, nowMs: number): number | undefined => {
  let wait: number | undefined
  for (const name in headers) {
    const bucket = /^(x-ratelimit|anthropic-ratelimit-[a-z-]+)-remaining(-[a-z-]+)?$/.exec(name)
    if (bucket === null || finite(headers[name]) !== 0) continue
    const reset = headers[`${bucket[1]}-reset${bucket[2] ?? ""}`]
    const ms = reset === undefined ? undefined : (durationMs(reset) ?? untilDate(reset, nowMs))
    if (ms !== undefined && (wait === undefined || ms > wait)) wait = ms
  }
  return wait
}

/**
 * How long a failed request asks to wait, in milliseconds: `retry-after-ms`, `retry-after` in seconds or as an HTTP date,
 * and only where neither is there, the reset of an exhausted rate limit. Meaningless on a success (law 7).
 */
export const retryAfterMs = (headers: WireHeaders, nowMs: number): number | undefined => {
  const milliseconds = finite(headers["retry-after-ms"])
  if (milliseconds !== undefined) return Math.max(0, milliseconds)
  const retryAfter = headers["retry-after"]
  if (retryAfter === undefined) return resetMs(headers, nowMs)
  const seconds = finite(retryAfter)
  return seconds === undefined ? untilDate(retryAfter, nowMs) : Math.max(0, seconds * 1000)
}
