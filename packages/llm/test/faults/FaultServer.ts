/**
 * An HTTP/1.1 server that misbehaves to order. It speaks through a raw socket because HTTP libraries refuse to send what
 * broken servers send. It knows no wire format: `WireText` says what to send, a `Script` when. Loopback only.
 */
import { EventEmitter, once } from "node:events"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises"

/** One thing to do with the socket. `end` sends FIN, `reset` sends RST, `stall` says nothing until the client leaves. */
export type Step =
  | { readonly type: "write"; readonly bytes: Uint8Array }
  | { readonly type: "delay"; readonly milliseconds: number }
  | { readonly type: "end" }
  | { readonly type: "reset" }
  | { readonly type: "stall" }

/** What one request is answered with. A generator may go on for ever: it is left when the client is gone. */
export type Answer = Iterable<Step>

/** Chooses the answer to a request. `request.index` counts the requests of the server, from 0. */
export type Script = (request: RecordedRequest) => Answer

/** Times are milliseconds since the epoch with fractions, comparable between processes of one machine. */
export interface RecordedConnection {
  readonly index: number
  readonly openedAtMs: number
  /** When the other side's FIN or RST arrived, or when the server destroyed the socket. */
  closedAtMs: number | undefined
  /** Who closed first. */
  closedBy: "client" | "server" | undefined
  /** Resolves with `closedAtMs`. */
  readonly closed: Promise<number>
}

/** A request as it arrived. */
export interface RecordedRequest {
  readonly index: number
  readonly connection: RecordedConnection
  readonly receivedAtMs: number
  /** When the last step of the answer was done; undefined while it runs, and for ever after a stall. */
  answeredAtMs: number | undefined
  readonly method: string
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The parsed body; undefined where it is not JSON. */
  readonly json: unknown
  /** Head and body together, as they came over the socket. */
  readonly byteLength: number
}

export const write = (content: string | Uint8Array): Step => ({
  type: "write",
  bytes: typeof content === "string" ? Buffer.from(content) : content,
})
export const delay = (milliseconds: number): Step => ({ type: "delay", milliseconds })
export const end: Step = { type: "end" }
export const reset: Step = { type: "reset" }
export const stall: Step = { type: "stall" }

/** The same bytes in writes of `size` bytes; a pause of 0 is one turn of the event loop. */
export const slowly = (content: string | Uint8Array, size = 1, pauseMs = 0): ReadonlyArray<Step> => {
  const bytes = Buffer.from(content)
  const steps: Array<Step> = []
  for (let from = 0; from < bytes.length; from += size) {
    steps.push(write(bytes.subarray(from, from + size)), delay(pauseMs))
  }
  return steps
}

/** Answers the first request with the first answer, the second with the second; the last one repeats. */
export const inTurn =
  (...answers: ReadonlyArray<Answer>): Script =>
  (request) =>
    answers[Math.min(request.index, answers.length - 1)] ?? [reset]

/** Milliseconds since the epoch, finer than `Date.now`. */
export const nowMs = (): number => performance.timeOrigin + performance.now()

/** The server. `await using server = await FaultServer.start(script)` closes it at the end of the block. */
export class FaultServer implements AsyncDisposable {
  /** `http://127.0.0.1:<port>`, without a path. */
  readonly url: string
  readonly requests: Array<RecordedRequest> = []
  readonly connections: Array<RecordedConnection> = []
  /** The most requests that were being answered at one moment. */
  peakInFlight = 0

  readonly #script: Script
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #arrivals = new EventEmitter()
  readonly #scriptErrors: Array<unknown> = []
  #inFlight = 0

  private constructor(script: Script, server: Server) {
    this.#script = script
    this.#server = server
    this.#arrivals.setMaxListeners(0)
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on("connection", (socket) => this.#accept(socket))
  }

  /** Listens on a free loopback port. */
  static async start(script: Script): Promise<FaultServer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    return new FaultServer(script, server)
  }

  /** An address at which connections are refused: its port was free a moment ago. */
  static async refusedUrl(): Promise<string> {
    const server = await FaultServer.start(() => [reset])
    await server.close()
    return server.url
  }

  /** Resolves with the request of that index, now or when it arrives. */
  async request(index: number): Promise<RecordedRequest> {
    for (;;) {
      const request = this.requests[index]
      if (request !== undefined) return request
      await once(this.#arrivals, "request")
    }
  }

  /** Connections that neither side has closed. */
  get openConnections(): number {
    return this.connections.filter((connection) => connection.closedAtMs === undefined).length
  }

  /** Destroys every socket. Rejects with what a script threw, so that a broken script does not pass for a fault. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    if (this.#scriptErrors.length > 0) throw this.#scriptErrors[0]
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #accept(socket: Socket): void {
    let resolve: (closedAtMs: number) => void = () => undefined
    const connection: RecordedConnection = {
      index: this.connections.length,
      openedAtMs: nowMs(),
      closedAtMs: undefined,
      closedBy: undefined,
      closed: new Promise((onClosed) => {
        resolve = onClosed
      }),
    }
    this.connections.push(connection)
    this.#sockets.add(socket)
    const gone = new AbortController()
    const closed = (by: "client" | "server") => {
      if (connection.closedAtMs !== undefined) return
      connection.closedAtMs = nowMs()
      connection.closedBy ??= by
      resolve(connection.closedAtMs)
      gone.abort()
      socket.destroy()
    }
    socket.on("end", () => closed("client"))
    socket.on("error", () => closed("client"))
    socket.on("close", () => {
      closed("server")
      this.#sockets.delete(socket)
    })

    let unread = Buffer.alloc(0)
    let turn = Promise.resolve()
    socket.on("data", (bytes) => {
      unread = Buffer.concat([unread, bytes])
      for (let parsed = parseRequest(unread); parsed !== undefined; parsed = parseRequest(unread)) {
        unread = unread.subarray(parsed.byteLength)
        const request: RecordedRequest = {
          ...parsed,
          index: this.requests.length,
          connection,
          receivedAtMs: nowMs(),
          answeredAtMs: undefined,
        }
        this.requests.push(request)
        this.#arrivals.emit("request")
        turn = turn.then(() => this.#answer(socket, request, gone.signal))
      }
    })
  }

  async #answer(socket: Socket, request: RecordedRequest, gone: AbortSignal): Promise<void> {
    this.#inFlight += 1
    this.peakInFlight = Math.max(this.peakInFlight, this.#inFlight)
    try {
      for (const step of this.#script(request)) {
        if (gone.aborted) return
        await perform(step, socket, request.connection, gone)
      }
      if (!gone.aborted || request.connection.closedBy === "server") request.answeredAtMs = nowMs()
    } catch (error) {
      if (gone.aborted) return
      this.#scriptErrors.push(error)
      socket.destroy()
    } finally {
      this.#inFlight -= 1
    }
  }
}

const perform = async (step: Step, socket: Socket, connection: RecordedConnection, gone: AbortSignal) => {
  switch (step.type) {
    case "write":
      if (!socket.write(step.bytes)) await once(socket, "drain", { signal: gone })
      return
    case "delay":
      if (step.milliseconds === 0) await nextTurn()
      else await sleep(step.milliseconds, undefined, { signal: gone })
      return
    case "end":
      connection.closedBy ??= "server"
      socket.end()
      return
    case "reset":
      connection.closedBy ??= "server"
      socket.resetAndDestroy()
      return
    case "stall":
      await once(gone, "abort")
  }
}

type ParsedRequest = Pick<RecordedRequest, "method" | "path" | "headers" | "body" | "json" | "byteLength">

/** The first whole request in the bytes; undefined while some of it is missing. */
const parseRequest = (bytes: Buffer): ParsedRequest | undefined => {
  const headLength = bytes.indexOf("\r\n\r\n")
  if (headLength < 0) return undefined
  const [requestLine = "", ...lines] = bytes.toString("latin1", 0, headLength).split("\r\n")
  const [method = "", path = ""] = requestLine.split(" ")
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(":")
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const content = readContent(bytes.subarray(headLength + 4), headers)
  if (content === undefined) return undefined
  return {
    method,
    path,
    headers,
    body: content.body,
    json: parseJson(content.body),
    byteLength: headLength + 4 + content.byteLength,
  }
}

const readContent = (bytes: Buffer, headers: Readonly<Record<string, string>>) => {
  if (headers["transfer-encoding"] !== undefined) return readChunks(bytes)
  const byteLength = Number(headers["content-length"] ?? 0)
  return bytes.length < byteLength ? undefined : { body: bytes.toString("utf8", 0, byteLength), byteLength }
}

const readChunks = (bytes: Buffer) => {
  const chunks: Array<Buffer> = []
  for (let from = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", from)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.toString("latin1", from, lineEnd), 16)
    const next = lineEnd + 2 + size + 2
    if (bytes.length < next) return undefined
    if (size === 0) return { body: Buffer.concat(chunks).toString("utf8"), byteLength: next }
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    from = next
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
