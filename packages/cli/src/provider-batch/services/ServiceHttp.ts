/** Requests to a provider's batch interface, with the proxies of the environment. It follows no redirect and retries nothing. */
import { createReadStream } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { fieldsOf, type Fields, parsedFields, textOf } from "./JsonFields.ts"

/** What is sent as a body: texts and files, one after the other. */
export interface ServiceBody {
  readonly contentType: string
  readonly parts: ReadonlyArray<string | { readonly path: string; readonly bytes: number }>
}

/** One request; its answer is a 2xx, or a `ServiceFailure`. */
export interface ServiceRequest {
  /** Default `GET`. */
  readonly method?: "GET" | "POST"
  readonly url: string
  /** Those of the library's own request to the same origin, the key among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: ServiceBody
  readonly signal: AbortSignal
}

/** No answer, or none of success. */
export class ServiceFailure extends Error {
  override readonly name = "ServiceFailure"
  /** Undefined where no answer came. */
  readonly status: number | undefined
  /** How long the service asked to wait. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, status?: number, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }

  /** True where the service may have done what was asked. */
  get mayHaveHappened(): boolean {
    return this.status === undefined || this.status >= 500 || this.status === 408
  }

  /** True where the same request may succeed later. */
  get isTransient(): boolean {
    return this.mayHaveHappened || this.status === 429 || this.status === 409
  }
}

/** How long a connection may be silent. */
const silenceMs = 120_000

/** The most bytes of an answer that is read as a whole. */
const maxBytes = 32 * 1024 * 1024

/** The parts of a message that no log should have. */
const withoutSecrets = (text: string, headers: ServiceRequest["headers"]): string =>
  Object.entries(headers)
    .filter(([name]) => /auth|key|token|secret|cookie/i.test(name))
    .flatMap(([, value]) => [value, value.replace(/^\w+ /, "")])
    .filter((value) => value.length > 3)
    .reduce((said, secret) => said.replaceAll(secret, "[redacted]"), text)

const open = (request: ServiceRequest): Promise<http.IncomingMessage> => {
  const { body, headers, method = "GET", signal } = request
  const url = new URL(request.url)
  const { Agent, request: ask } = url.protocol === "https:" ? https : http
  // Those that belong to the body of the request that was caught.
  const kept = Object.entries(headers).filter(([name]) => !/^(content-.*|accept-encoding|host)$/i.test(name))
  const length = body?.parts.reduce(
    (sum, part) => sum + (typeof part === "string" ? Buffer.byteLength(part) : part.bytes),
    0,
  )
  const own = body === undefined ? {} : { "content-type": body.contentType, "content-length": String(length) }
  return new Promise((resolve, reject) => {
    const asked = ask(
      url,
      { method, headers: { ...Object.fromEntries(kept), ...own }, agent: new Agent({ proxyEnv: process.env }), signal },
      resolve,
    )
    asked.setTimeout(silenceMs, () => asked.destroy(new Error(`${url.host} is silent`)))
    asked.on("error", (error: NodeJS.ErrnoException) =>
      reject(
        signal.aborted
          ? signal.reason
          : new ServiceFailure(`${url.host}: ${error.message || error.code || error.name}`),
      ),
    )
    if (body === undefined) asked.end()
    else {
      const chunks = async function* (): AsyncGenerator<string | Buffer> {
        for (const part of body.parts) {
          if (typeof part === "string") yield part
          else yield* createReadStream(part.path)
        }
      }
      // What fails here is an error of the request too.
      pipeline(Readable.from(chunks(), { objectMode: false }), asked).catch(() => {})
    }
  })
}

const whole = async (response: http.IncomingMessage): Promise<string> => {
  const pieces: Array<Buffer> = []
  let length = 0
  for await (const piece of response) {
    const bytes: Buffer = piece
    pieces.push(bytes)
    length += bytes.length
    if (length > maxBytes) throw new ServiceFailure(`an answer is longer than ${maxBytes} bytes`, response.statusCode)
  }
  return Buffer.concat(pieces).toString("utf8")
}

const retryAfterOf = ({ headers }: http.IncomingMessage): number | undefined => {
  const ms = Number(headers["retry-after-ms"] ?? Number.NaN)
  const seconds = Number(headers["retry-after"] ?? Number.NaN)
  return Number.isFinite(ms) ? ms : Number.isFinite(seconds) ? seconds * 1000 : undefined
}

/** Sends a request, and resolves with the body of its answer while that comes. */
export const send = async (request: ServiceRequest): Promise<AsyncIterable<Uint8Array>> => {
  const response = await open(request)
  const { statusCode: status = 0 } = response
  if (status >= 200 && status < 300) return response
  const text = await whole(response).catch(() => "")
  const { error, message } = fieldsOf(parsedFields(text))
  const said = textOf(fieldsOf(error)["message"]) ?? textOf(message) ?? textOf(error) ?? text.trim().slice(0, 300)
  const where = `${new URL(request.url).host} answers ${status}`
  const full = withoutSecrets(said === "" ? where : `${where}: ${said.slice(0, 2000)}`, request.headers)
  throw new ServiceFailure(full, status, retryAfterOf(response))
}

/** Sends a request, and resolves with the JSON object that it is answered with. */
export const sendForJson = async (request: ServiceRequest): Promise<Fields> => {
  const pieces: Array<Uint8Array> = []
  let length = 0
  const chunks = await send(request)
  try {
    for await (const piece of chunks) {
      pieces.push(piece)
      length += piece.length
      if (length > maxBytes) break
    }
  } catch (thrown) {
    throw request.signal.aborted ? request.signal.reason : broken(thrown)
  }
  const fields = length > maxBytes ? undefined : parsedFields(Buffer.concat(pieces).toString("utf8"))
  if (fields === undefined) throw new ServiceFailure(`${new URL(request.url).host} answers with what is no JSON object`)
  return fields
}

/** An answer that broke off. */
export const broken = (thrown: unknown): ServiceFailure =>
  thrown instanceof ServiceFailure
    ? thrown
    : new ServiceFailure(`an answer broke off: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
