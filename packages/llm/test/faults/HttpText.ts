/** HTTP/1.1 as text: heads and the three ways to say where a body ends. It makes steps; it opens no socket. */
import { type Answer, end, type Step, write } from "./FaultServer.ts"

export type Headers = Readonly<Record<string, string | number>>

const reasons: Readonly<Record<number, string>> = { 200: "OK", 302: "Found", 307: "Temporary Redirect" }

/** A status line and headers, with the blank line that ends them. */
export const head = (status: number, headers: Headers = {}): string =>
  [
    `HTTP/1.1 ${status} ${reasons[status] ?? "Fault"}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
    .map((line) => `${line}\r\n`)
    .join("") + "\r\n"

const json: Headers = { "content-type": "application/json", "x-request-id": "req_fault", "request-id": "req_fault" }
const eventStream: Headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  "x-request-id": "req_fault",
  "request-id": "req_fault",
}

/** A whole answer with `Content-Length`; the connection stays open for the next request. */
export const whole = (body: string, status = 200, headers: Headers = {}): ReadonlyArray<Step> => [
  write(head(status, { ...json, "content-length": Buffer.byteLength(body), ...headers }) + body),
]

/** The head of a chunked event stream. Follow it with `chunk` and, for a proper end, `lastChunk`. */
export const streamHead = (headers: Headers = {}): Step =>
  write(head(200, { ...eventStream, "transfer-encoding": "chunked", ...headers }))

/** One chunk, in one write. */
export const chunk = (content: string | Uint8Array): Step => {
  const bytes = Buffer.from(content)
  return write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]))
}

/** The end of a chunked body: what follows belongs to the next answer. */
export const lastChunk: Step = write("0\r\n\r\n")

/** A chunked event stream, one chunk a piece, properly ended; the connection stays open. */
export const stream = (...pieces: ReadonlyArray<string | Uint8Array>): ReadonlyArray<Step> => [
  streamHead(),
  ...pieces.map(chunk),
  lastChunk,
]

/** An event stream whose only end is FIN: to the client a cut looks like an end. */
export const streamUntilClose = (...pieces: ReadonlyArray<string | Uint8Array>): Answer => [
  write(head(200, { ...eventStream, connection: "close" })),
  ...pieces.map(write),
  end,
]
