/** An HTTP proxy on the loopback interface: tunnels, forwards, and notes what it is asked. It can refuse, stall and die. */
import { once } from "node:events"
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { type AddressInfo, connect, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import * as Effect from "effect/Effect"
import { certificate, key } from "../tls/TlsFront.ts"

/** What the proxy was asked: `target` is an authority for a tunnel, a whole URL for a request that it forwards. */
export interface Asked {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

export interface ProxyManners {
  /** Over TLS, at https://localhost. */
  readonly tls?: boolean
  /** Refuses requests without these, with 407. */
  readonly credentials?: string
  /** Says this to every CONNECT, instead of opening a tunnel; nothing where it is empty. */
  readonly says?: string | undefined
  /** Closes the connection instead of answering. */
  readonly dies?: boolean
}

export interface LoopbackProxy {
  readonly url: string
  readonly port: number
  readonly asked: ReadonlyArray<Asked>
  readonly connections: ReadonlyArray<{ readonly closed: Promise<void> }>
  /** Resolves when the proxy has been asked for the first time. */
  readonly first: Promise<Asked>
}

/** A proxy until the end of the scope. */
export const loopbackProxy = (manners: ProxyManners = {}) =>
  Effect.acquireRelease(
    Effect.promise(() => start(manners)),
    ({ stop }) => Effect.sync(stop),
  )

const start = async (manners: ProxyManners): Promise<LoopbackProxy & { readonly stop: () => void }> => {
  const asked: Array<Asked> = []
  const connections: Array<{ readonly closed: Promise<void> }> = []
  const open = new Set<Duplex>()
  let tell: (first: Asked) => void = () => undefined
  const first = new Promise<Asked>((resolve) => {
    tell = resolve
  })

  const note = ({ headers, method = "", url = "" }: IncomingMessage) => {
    const seen = { method, target: url, headers }
    asked.push(seen)
    tell(seen)
  }
  const isRefused = ({ headers }: IncomingMessage) =>
    manners.credentials !== undefined &&
    headers["proxy-authorization"] !== `Basic ${Buffer.from(manners.credentials).toString("base64")}`

  const server: Server = manners.tls === true ? createTlsServer({ cert: certificate, key }) : createServer()
  server.on(manners.tls === true ? "secureConnection" : "connection", (socket: Socket) => {
    open.add(socket)
    connections.push({ closed: new Promise((resolve) => socket.on("close", () => resolve())) })
    socket.on("error", () => undefined)
  })
  server.on("connect", (message: IncomingMessage, socket: Duplex, rest: Buffer) => {
    note(message)
    if (manners.dies === true) return socket.destroy()
    if (manners.says !== undefined) {
      socket.resume().on("end", () => socket.end())
      return manners.says === "" ? undefined : socket.end(manners.says)
    }
    if (isRefused(message)) return socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    const port = Number(message.url?.slice(message.url.lastIndexOf(":") + 1))
    const behind = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\nproxy-agent: test\r\n\r\n")
      behind.write(rest)
      behind.pipe(socket)
      socket.pipe(behind)
    })
    open.add(behind)
    for (const side of [socket, behind]) {
      side.on("error", () => undefined)
      side.on("close", () => {
        socket.destroy()
        behind.destroy()
      })
    }
    return undefined
  })
  server.on("request", (message, response) => {
    note(message)
    if (manners.dies === true) return void message.socket.destroy()
    if (isRefused(message)) return void response.writeHead(407).end("credentials, please")
    const { "proxy-authorization": _, ...headers } = message.headers
    const forwarded = request(message.url ?? "", { method: message.method ?? "GET", headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    response.on("close", () => forwarded.destroy())
    forwarded.on("error", () => response.destroy())
    message.pipe(forwarded)
  })

  await once(server.listen(0, "127.0.0.1"), "listening")
  const { port } = server.address() as AddressInfo
  return {
    url: manners.tls === true ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    asked,
    connections,
    first,
    stop: () => {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}
