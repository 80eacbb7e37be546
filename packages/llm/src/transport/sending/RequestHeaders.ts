/**
 * What stands in the head of every request, and the one check of headers that a caller gave: a header that cannot be sent
 * is a `ConfigurationError` that names it, before anything is sent. Its value is never quoted.
 */
import * as Result from "effect/Result"
import { platformHeaders } from "#transport"
import { ConfigurationError } from "../../model/LlmError.ts"
import { isHeaderName } from "../../settings/Setting.ts"

type Headers = Readonly<Record<string, string>>

const defaults: Headers = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  ...platformHeaders,
}

/** One line of Latin-1, which is all that HTTP/1.1 and `fetch` carry. */
const isValue = (value: unknown): boolean => typeof value === "string" && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

/** They say where a message ends or what becomes of its connection, which only the transport knows. */
const framing = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
])

const refused = (name: string, problem: string): Result.Result<never, ConfigurationError> =>
  Result.fail(
    new ConfigurationError({
      setting: "headers",
      message: `headers: ${problem} (header ${JSON.stringify(name.slice(0, 80))})`,
    }),
  )

/** The headers of a request: the defaults, then the caller's, by their names in lower case. */
const make = (given: Headers): Result.Result<Headers, ConfigurationError> => {
  const headers: Record<string, string> = { ...defaults }
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase()
    if (!isHeaderName(name)) return refused(name, "a name holds a character that no header's name contains")
    if (framing.has(lower)) return refused(name, "the transport sets this header itself")
    if (!isValue(value)) {
      return refused(
        name,
        "a value holds a line end, or a character outside Latin-1; encode it, for example with encodeURIComponent",
      )
    }
    headers[lower] = value
  }
  return Result.succeed(headers)
}

/** Reads the headers of requests; the same object as the last time is not read again. `onNew` is told of each other one. */
export const reader = (
  onNew: (given: Headers) => void,
): ((given: Headers) => Result.Result<Headers, ConfigurationError>) => {
  let last: { readonly given: Headers; readonly read: Result.Result<Headers, ConfigurationError> } | undefined
  return (given) => {
    if (last?.given !== given) {
      onNew(given)
      last = { given, read: make(given) }
    }
    return last.read
  }
}
