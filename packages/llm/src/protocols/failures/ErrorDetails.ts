/**
 * Google's `details`, and what OpenRouter keeps of the headers of the provider behind it: reasons that are more exact than
 * the status, and how long to wait. Sources: google.rpc `ErrorInfo` and `RetryInfo`
 * (cloud.google.com/apis/design/errors); recorded exchanges of OpenRouter.
 */
import { elements, isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"
import { waitMs } from "./Wait.ts"

/** What an error's details tell. */
export interface ErrorInfo {
  /** The reasons that it names, `API_KEY_INVALID` for example. */
  readonly reasons: ReadonlyArray<string>
  /** A wait that was told as a duration. */
  readonly retryAfterMs: number | undefined
  /** A wait that was told in a form that only the time of day turns into a duration. */
  readonly retryAfter: string | undefined
}

const mostDetails = 20
const longestReason = 200

/** A protobuf duration: `"3s"`, or `{ seconds, nanos }`. */
const durationIn = (value: unknown): number | undefined => {
  if (typeof value === "string") return waitMs(value, 0)
  if (!isWireObject(value)) return undefined
  const part = (amount: unknown) => (amount === undefined ? 0 : Number(amount))
  const ms = part(value.seconds) * 1000 + part(value.nanos) / 1e6
  return Number.isFinite(ms) ? waitMs(`${ms}ms`, 0) : undefined
}

/** The reset that OpenRouter quotes from its own rate limit, once it is used up. */
const quotedReset = (metadata: unknown): string | undefined => {
  const headers = isWireObject(metadata) && isWireObject(metadata.headers) ? metadata.headers : undefined
  return headers?.["X-RateLimit-Remaining"] === "0" ? nonEmpty(headers["X-RateLimit-Reset"]) : undefined
}

/** What the details of an error tell. */
export const errorInfo = (error: WireObject): ErrorInfo => {
  const reasons: Array<string> = []
  let retryAfterMs: number | undefined
  for (const detail of elements(error.details).slice(0, mostDetails)) {
    if (!isWireObject(detail)) continue
    const reason = nonEmpty(detail.reason)
    if (reason !== undefined && reason.length <= longestReason) reasons.push(reason)
    if (detail.retryDelay !== undefined) retryAfterMs = durationIn(detail.retryDelay)
  }
  return { reasons, retryAfterMs, retryAfter: quotedReset(error.metadata) }
}
