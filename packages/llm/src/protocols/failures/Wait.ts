/**
 * How long a service asks to wait, in every form that services write it. It reads; whether the wait is honoured is the
 * retry policy's to say.
 *
 * Forms: durations (OpenAI and Groq `120ms`, `6m0.5s`, `2m59.56s`; Google `3s`), bare seconds (Azure, Cerebras, Together),
 * epoch seconds, epoch milliseconds (OpenRouter), RFC 3339 (Anthropic), HTTP dates, and words ("try again in 20s", "retry
 * after 30 seconds"). All were recorded but the HTTP date (RFC 9110) and the epoch seconds (general knowledge).
 */

/** The longest wait that is told, a year: what is longer means never, and a number past the largest means nothing. */
export const longestWaitMs = 365 * 86_400_000

/** A wait that can be waited for: not before now, and no longer than the longest. */
export const clamp = (ms: number): number => Math.min(Math.max(ms, 0), longestWaitMs)

const unitMs: ReadonlyMap<string, number> = new Map(
  [
    { names: "ns nanosecond nanoseconds", ms: 1e-6 },
    { names: "us µs μs microsecond microseconds", ms: 1e-3 },
    { names: "ms msec msecs millisecond milliseconds", ms: 1 },
    { names: "s sec secs second seconds", ms: 1000 },
    { names: "m min mins minute minutes", ms: 60_000 },
    { names: "h hr hrs hour hours", ms: 3_600_000 },
    { names: "d day days", ms: 86_400_000 },
  ].flatMap(({ ms, names }) => names.split(" ").map((name): [string, number] => [name, ms])),
)

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
const isNumeric = (code: number): boolean => isDigit(code) || code === 0x2e
const isLetter = (code: number): boolean => (code >= 0x61 && code <= 0x7a) || code === 0xb5 || code === 0x3bc
const isBlank = (code: number): boolean => code === 0x20 || code === 0x2c

const skip = (text: string, from: number, isPart: (code: number) => boolean): number => {
  let at = from
  while (isPart(text.charCodeAt(at))) at++
  return at
}

/** The duration that begins at `from` in lower-case text, `1m30s` or `2 minutes and 3 seconds`, and where it ends. */
const scan = (text: string, from: number): { readonly ms: number; readonly end: number } | undefined => {
  let ms = 0
  let end: number | undefined
  for (let at = from; ;) {
    at = skip(text, at, isBlank)
    if (text.startsWith("and ", at)) at += 4
    const unitAt = skip(text, at, isNumeric)
    const amount = unitAt === at ? Number.NaN : Number(text.slice(at, unitAt))
    const nameAt = skip(text, unitAt, isBlank)
    const next = skip(text, nameAt, isLetter)
    const unit = unitMs.get(text.slice(nameAt, next))
    if (Number.isNaN(amount) || unit === undefined) return end === undefined ? undefined : { ms: clamp(ms), end }
    ms += amount * unit
    at = next
    end = next
  }
}

/** No form of a wait is longer. */
const longestForm = 512

/** `120ms`, `1s`, `6m0.5s`, `1h2m3s` in milliseconds. */
const durationMs = (text: string): number | undefined => {
  const found = scan(text, 0)
  return found !== undefined && found.end === text.length ? found.ms : undefined
}

const earliestEpochSeconds = 1e9
const earliestEpochMs = 1e11

/** A number is seconds, unless it can only be a time since 1970: in seconds (from 1e9), or in milliseconds (from 1e11). */
const numberMs = (text: string, nowMs: number): number | undefined => {
  const first = text.charCodeAt(0)
  if (!isNumeric(first) && first !== 0x2d && first !== 0x2b) return undefined
  const value = Number(text)
  if (Number.isNaN(value)) return undefined
  if (value >= earliestEpochMs) return clamp(value - nowMs)
  return clamp(value >= earliestEpochSeconds ? value * 1000 - nowMs : value * 1000)
}

/** A date begins with its year (RFC 3339) or its day of the week (HTTP). */
const dateMs = (text: string, nowMs: number): number | undefined => {
  if (!/^(?:\d{4}-\d\d|[a-z]{3})/i.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : clamp(at - nowMs)
}

/** A wait in any single form, in milliseconds from `nowMs`; undefined where it cannot be read. A past date is 0. */
export const waitMs = (text: string, nowMs: number): number | undefined => {
  const form = text.trim()
  if (form.length > longestForm) return undefined
  return numberMs(form, nowMs) ?? durationMs(form.toLowerCase()) ?? dateMs(form, nowMs)
}

/** The longest of the waits in a header that may have come more than once (`20, 20`); a date has a comma of its own. */
export const headerWaitMs = (text: string, nowMs: number): number | undefined => {
  const whole = waitMs(text, nowMs)
  if (whole !== undefined || text.length > longestForm) return whole
  const pieces = text.split(",")
  const waits = pieces.flatMap(
    (piece, index) => waitMs(piece, nowMs) ?? waitMs(pieces.slice(index, index + 2).join(","), nowMs) ?? [],
  )
  return waits.length === 0 ? undefined : Math.max(...waits)
}

/** What stands before a wait in a message: OpenAI, Groq, Google, Azure and gateways write one of these. */
const markers = ["again in", "again after", "retry in", "retry after", "retrying in", "reset after", "reset in", "wait"]

/** The wait that a message tells in words, in milliseconds. A number without a unit is not one. */
export const waitInWords = (message: string): number | undefined => {
  const words = message.toLowerCase()
  for (const marker of markers) {
    const at = words.indexOf(marker)
    const found = at < 0 ? undefined : scan(words, at + marker.length)
    if (found !== undefined) return found.ms
  }
  return undefined
}
