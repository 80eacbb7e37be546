/** What response headers say of waits and rate limits. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { longestWaitMs } from "../../src/protocols/failures/Wait.ts"
import { rateLimits, retryAfterMs } from "../../src/transport/ResponseHeaders.ts"

const now = Date.UTC(2026, 10, 25, 12, 0, 0)

describe("the wait that headers tell", () => {
  it.each<readonly [string, Record<string, string>, number, number | undefined]>([
    ["retry-after in seconds", { "retry-after": "20" }, 503, 20_000],
    ["retry-after sent twice", { "retry-after": "20, 20" }, 429, 20_000],
    ["retry-after with a unit", { "retry-after": "20s" }, 429, 20_000],
    ["retry-after as a date", { "retry-after": "Wed, 25 Nov 2026 12:00:05 GMT" }, 429, 5000],
    ["retry-after in the past", { "retry-after": "Wed, 25 Nov 2015 12:00:05 GMT" }, 429, 0],
    ["retry-after below 0", { "retry-after": "-3" }, 429, 0],
    ["retry-after past all numbers", { "retry-after": "1e306" }, 429, longestWaitMs],
    ["milliseconds before seconds", { "retry-after": "20", "retry-after-ms": "1500" }, 429, 1500],
    ["milliseconds sent twice", { "retry-after-ms": "1500, 1600" }, 429, 1600],
    ["milliseconds below 0", { "retry-after": "20", "retry-after-ms": "-5" }, 429, 0],
    ["milliseconds of which one is none", { "retry-after": "20", "retry-after-ms": "later, 7" }, 429, 7],
    ["the eighth of many milliseconds", { "retry-after-ms": "1,1,1,1,1,1,1,8,9" }, 429, 8],
    ["blank milliseconds", { "retry-after": "20", "retry-after-ms": " " }, 429, 20_000],
    ["nothing", {}, 429, undefined],
    ["milliseconds that are none", { "retry-after": "20", "retry-after-ms": "NaN" }, 429, 20_000],
    [
      "a reset where retry-after cannot be read",
      { "retry-after": "later", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s" },
      429,
      1000,
    ],
    [
      "the slowest of the limits that are used up",
      {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "6m0s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "120ms",
      },
      429,
      360_000,
    ],
    [
      "the slowest of them in any order",
      {
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "120ms",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "6m0s",
      },
      429,
      360_000,
    ],
    ["the IETF's draft", { "ratelimit-limit": "9", "ratelimit-remaining": "0", "ratelimit-reset": "4" }, 429, 4000],
    ["no reset of a limit that tells none", { "x-ratelimit-remaining": "0" }, 429, undefined],
    ["no reset of a limit that does not tell what is left", { "x-ratelimit-reset": "4" }, 429, undefined],
    [
      "a bare number of seconds",
      { "x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "42" },
      429,
      42_000,
    ],
    ["epoch milliseconds", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(now + 3000) }, 429, 3000],
    ["epoch seconds", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(now / 1000 + 3) }, 429, 3000],
    [
      "RFC 3339",
      {
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-25T12:00:09Z",
      },
      429,
      9000,
    ],
    [
      "no reset of a limit that is not used up",
      { "x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "6m0s" },
      429,
      undefined,
    ],
    [
      "no reset where the service did not refuse for its rate",
      { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s" },
      503,
      undefined,
    ],
    [
      "a reset of 400 digits",
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9".repeat(400) },
      429,
      longestWaitMs,
    ],
  ])("%s", (_, headers, status, ms) => {
    expect(retryAfterMs(headers, now, status)).toBe(ms)
  })

  it("can always be waited for, whatever the headers are", () => {
    const name = fc.constantFrom(
      "retry-after",
      "retry-after-ms",
      "x-ratelimit-remaining",
      "x-ratelimit-reset",
      "x-ratelimit-limit-tokens",
      "x-ratelimit-remaining-tokens",
      "x-ratelimit-reset-tokens",
      "anthropic-ratelimit-tokens-reset",
    )
    const value = fc.oneof(
      fc.string(),
      fc.constant("0"),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map(String),
    )
    fc.assert(
      fc.property(fc.dictionary(name, value), fc.constantFrom(429, 500), (headers, status) => {
        const ms = retryAfterMs(headers, now, status)
        expect(ms === undefined || (ms >= 0 && ms <= longestWaitMs)).toBe(true)
        for (const limit of Object.values(rateLimits(headers, now) ?? {})) {
          for (const amount of [limit.limit, limit.remaining, limit.resetMs]) {
            expect(amount === undefined || (Number.isFinite(amount) && amount >= 0)).toBe(true)
          }
        }
      }),
    )
  })
})

describe("the rate limits that headers tell", () => {
  it("are OpenAI's", () => {
    const headers = {
      "x-ratelimit-limit-requests": "5000",
      "x-ratelimit-remaining-requests": "4999",
      "x-ratelimit-reset-requests": "12ms",
      "x-ratelimit-limit-tokens": "200000",
      "x-ratelimit-remaining-tokens": "199996",
      "x-ratelimit-reset-tokens": "1.235s",
    }
    expect(rateLimits(headers, now)).toEqual({
      requests: { limit: 5000, remaining: 4999, resetMs: 12 },
      tokens: { limit: 200_000, remaining: 199_996, resetMs: 1235 },
    })
  })

  it("are Anthropic's", () => {
    const headers = {
      "anthropic-ratelimit-requests-limit": "4000",
      "anthropic-ratelimit-requests-remaining": "3999",
      "anthropic-ratelimit-requests-reset": "2026-11-25T12:00:01Z",
      "anthropic-ratelimit-input-tokens-limit": "450000",
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-output-tokens-limit": "90000",
    }
    expect(rateLimits(headers, now)).toEqual({
      requests: { limit: 4000, remaining: 3999, resetMs: 1000 },
      inputTokens: { limit: 450_000, remaining: 0 },
      outputTokens: { limit: 90_000 },
    })
  })

  it("are, of several windows, the one with the smallest share left (Mistral, Cerebras)", () => {
    const headers = {
      "x-ratelimit-limit-tokens-month": "10000000000",
      "x-ratelimit-remaining-tokens-month": "9999999225",
      "x-ratelimit-limit-tokens-minute": "2000000",
      "x-ratelimit-remaining-tokens-minute": "1999225",
      "x-ratelimit-limit-req-minute": "120",
      "x-ratelimit-remaining-req-minute": "95",
    }
    expect(rateLimits(headers, now)).toEqual({
      tokens: { limit: 2_000_000, remaining: 1_999_225 },
      requests: { limit: 120, remaining: 95 },
    })
  })

  it("are of requests where a limit has no name (OpenRouter, Together)", () => {
    const headers = {
      "x-ratelimit-limit": "1",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": String(now + 60_000),
    }
    expect(rateLimits(headers, now)).toEqual({ requests: { limit: 1, remaining: 0, resetMs: 60_000 } })
  })

  it("are, where a window does not tell its size, the ones with less than all left", () => {
    const half = { "x-ratelimit-limit-tokens-day": "1000", "x-ratelimit-remaining-tokens-day": "500" }
    const told = { limit: 1000, remaining: 500 }
    const [limit, remaining] = ["x-ratelimit-limit-tokens-hour", "x-ratelimit-remaining-tokens-hour"]
    const cases: ReadonlyArray<readonly [Record<string, string>, object]> = [
      [{ [remaining]: "3" }, told],
      [{ [remaining]: "0" }, { remaining: 0 }],
      [{ [limit]: "9" }, told],
      [{ [limit]: "0", [remaining]: "7" }, told],
      [
        { [limit]: "0", [remaining]: "0" },
        { limit: 0, remaining: 0 },
      ],
    ]
    for (const [hour, expected] of cases) {
      expect(rateLimits({ ...half, ...hour }, now)?.tokens).toEqual(expected)
      expect(rateLimits({ ...hour, ...half }, now)?.tokens).toEqual(expected)
    }
    const alike = rateLimits({ ...half, [limit]: "10", [remaining]: "5" }, now)
    expect(alike?.tokens, "of two alike the first").toEqual(told)
  })

  it("are read from no header that only looks like one", () => {
    const headers = {
      "x-ratelimit-type": "4",
      "x-ratelimit-limits": "5",
      "x-ratelimit-unlimit": "6",
      "my-x-ratelimit-limit": "7",
      "ratelimit-limit-images": "8",
      "x-ratelimit-reset-requests": undefined,
    }
    expect(rateLimits(headers, now)).toBeUndefined()
  })

  it("are of the direction that a bucket of tokens names, in every window", () => {
    const headers = {
      "anthropic-ratelimit-input-tokens-minute-limit": "1",
      "anthropic-ratelimit-output-tokens-minute-limit": "2",
      "x-ratelimit-limit-tokens-usage-based": "3",
      "x-ratelimit-limit-requests-day": "4",
    }
    expect(rateLimits(headers, now)).toEqual({
      inputTokens: { limit: 1 },
      outputTokens: { limit: 2 },
      tokens: { limit: 3 },
      requests: { limit: 4 },
    })
  })

  it("are absent where a response tells none, or nothing that can be read", () => {
    expect(rateLimits({ "content-type": "application/json" }, now)).toBeUndefined()
    expect(
      rateLimits({ "x-ratelimit-limit-requests": "-1", "x-ratelimit-remaining-tokens": "many" }, now),
    ).toBeUndefined()
  })
})
