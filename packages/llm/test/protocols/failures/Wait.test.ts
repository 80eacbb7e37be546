/** A wait is read in every form that services write it, and never as anything that cannot be waited for. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { headerWaitMs, longestWaitMs, waitInWords, waitMs } from "../../../src/protocols/failures/Wait.ts"

const now = Date.UTC(2026, 10, 25, 12, 0, 0)

const forms: ReadonlyArray<readonly [string, number | undefined]> = [
  ["42", 42_000],
  ["0", 0],
  ["49.43756651878357", 49_437.56651878357],
  ["120ms", 120],
  ["1s", 1000],
  ["6m0s", 360_000],
  ["6m0.5s", 360_500],
  ["2m59.56s", 179_560],
  ["1h2m3s", 3_723_000],
  ["1d", 86_400_000],
  ["500µs", 0.5],
  ["30 seconds", 30_000],
  ["1 minute 30 seconds", 90_000],
  [String(now / 1000 + 7), 7000],
  [String(now + 7000), 7000],
  ["2026-11-25T12:00:09Z", 9000],
  ["2026-11-25T12:00:09.250Z", 9250],
  ["Wed, 25 Nov 2026 12:00:05 GMT", 5000],
  ["1970-01-01T00:00:00Z", 0],
  ["Wed, 21 Oct 2015 07:28:00 GMT", 0],
  ["-5", 0],
  ["1e306", longestWaitMs],
  ["9".repeat(400), longestWaitMs],
  ["NaN", undefined],
  ["Infinity", undefined],
  ["soon", undefined],
  ["", undefined],
  ["12 parsecs", undefined],
  ["1.2.3s", undefined],
  ["+5", 5000],
  ["500μs", 0.5],
  ["2 days and 1 hour", 176_400_000],
  ["1 minute, 30 seconds", 90_000],
  ["5s or so", undefined],
  ["5 hz", undefined],
  ["99999999999", longestWaitMs],
  ["100000000000", 0],
  ["999999999", longestWaitMs],
  ["1000000000", 0],
  ["9".repeat(512), longestWaitMs],
  ["9".repeat(513), undefined],
  ["in 25 Nov 2027 12:00:09 GMT", undefined],
  ["2027", 2_027_000],
  ["2027/11/25", undefined],
]

describe("a wait", () => {
  it.each(forms)("%s", (text, ms) => {
    expect(waitMs(text, now)).toEqual(ms === undefined ? undefined : expect.closeTo(ms, 5))
  })

  it.each([
    ["20, 20", 20_000],
    ["20, 30", 30_000],
    ["Wed, 25 Nov 2026 12:00:05 GMT, Wed, 25 Nov 2026 12:00:09 GMT", 9000],
    ["20, Wed, 25 Nov 2026 12:00:05 GMT", 20_000],
    ["1m, 30s", 90_000],
    ["20, soon, 30", 30_000],
    ["soon, later", undefined],
    [`${"1,".repeat(255)}15`, 15_000],
    [`${"1,".repeat(255)}150`, undefined],
  ])("sent more than once in a header is the longest: %s", (text, ms) => {
    expect(headerWaitMs(text, now)).toBe(ms)
  })

  it.each([
    ["Rate limit reached. Please try again in 20s. Visit the page.", 20_000],
    ["Rate limit reached for requests per min. Please try again in 6ms.", 6],
    ["Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s. Need more?", 578_016],
    ["Please retry in 20.04466179s.", 20_044.66179],
    ["Please retry after 30 seconds. Please contact support.", 30_000],
    ["Rate limit is exceeded. Try again in 1 minute and 5 seconds.", 65_000],
    ["DEGRADED function cannot be invoked (reset after 27s)", 27_000],
    ["Too fast: wait 2 minutes", 120_000],
    ["Please wait a moment and try again.", undefined],
    ["Try again in a few seconds", undefined],
    ["Try again in 5", undefined],
    ["Retry after some time", undefined],
    ["Retry in 5s", 5000],
    ["Retry in -5s", undefined],
    ["Please retry in seconds.", undefined],
    ['{"message":"try again in 5s}', 5000],
    ["Retry in 5 hz", undefined],
    ["Retry in 2 days", 172_800_000],
    ["it took 5s", undefined],
    ["Retry in 1 minute and", 60_000],
  ])("is read in a message: %s", (message, ms) => {
    expect(waitInWords(message)).toEqual(ms === undefined ? undefined : expect.closeTo(ms, 5))
  })

  it("is never negative, never more than a year, and never throws, whatever was written", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.constantFrom("s", "ms", "m", ",", "and", " ", "GMT"),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.integer(), (pieces, at) => {
        const told = [headerWaitMs(pieces.join(""), at), waitInWords(`try again in ${pieces.join("")}`)]
        expect(told.every((ms) => ms === undefined || (ms >= 0 && ms <= longestWaitMs))).toBe(true)
      }),
    )
  })
})
