/**
 * Sockets through an HTTP proxy: a connection to the proxy, and for an `https:` origin a tunnel (`CONNECT`, RFC 9110
 * section 9.3.6) with TLS inside it. It holds no connection and repeats nothing.
 */
import type { Socket } from "node:net"
import * as Predicate from "effect/Predicate"
import type { Proxy } from "./Proxy.ts"
import { ProxyError, refusal } from "./ProxyError.ts"
import type { Connector } from "./Undici.ts"

/** The longest head that a proxy may answer a CONNECT with, in bytes. */
const maxHeadLength = 16 * 1024

const codeOf = (cause: unknown): string | undefined =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined

const unreachable = (proxy: Proxy, cause: Error): ProxyError => {
  const code = codeOf(cause)
  return new ProxyError(proxy.origin, `cannot be reached: ${code ?? cause.message}`, code)
}

/** Connects to the proxy itself, for requests that it forwards. */
export const toProxy =
  (proxy: Proxy, connector: Connector.connector): Connector.connector =>
  (_, callback) =>
    connector(
      {
        hostname: proxy.hostname,
        host: proxy.host,
        protocol: proxy.protocol,
        port: proxy.port,
      },
      (error, socket) => (error === null ? callback(null, socket) : callback(unreachable(proxy, error), null)),
    )

/** Connects to an origin through a tunnel; the socket it gives at once is the one to the proxy. */
export const throughProxy = (proxy: Proxy, connector: Connector.connector, limitMs: number): Connector.connector => {
  const connectProxy = toProxy(proxy, connector)
  return (options, callback) =>
    connectProxy(options, (error, socket) => {
      if (error !== null) return callback(error, null)
      openTunnel(proxy, socket, target(options), limitMs, (problem) =>
        problem === undefined ? connector({ ...options, httpSocket: socket }, callback) : callback(problem, null),
      )
    })
}

const target = ({ hostname, port }: Connector.Options): string =>
  `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port === "" ? "443" : port}`

/** Asks the proxy for a tunnel; calls `done` once, with the problem if there is one. */
const openTunnel = (
  proxy: Proxy,
  socket: Socket,
  authority: string,
  limitMs: number,
  done: (problem: ProxyError | undefined) => void,
): void => {
  let head = Buffer.alloc(0)
  const stopWaiting = () => {
    clearTimeout(timer)
    socket.off("data", onData).off("close", onClose)
  }
  const fail = (problem: string) => {
    stopWaiting()
    socket.destroy()
    done(new ProxyError(proxy.origin, problem))
  }
  const onData = (bytes: Buffer) => {
    head = Buffer.concat([head, bytes])
    const end = head.indexOf("\r\n\r\n")
    if (end < 0) return head.length > maxHeadLength ? fail("did not answer in HTTP") : undefined
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head.toString("latin1", 0, end))?.[1]
    if (status === undefined) return fail("did not answer in HTTP")
    if (!status.startsWith("2")) return fail(refusal(Number(status)))
    stopWaiting()
    // What came behind the proxy's answer is the tunnel's.
    socket.pause().unshift(head.subarray(end + 4))
    return done(undefined)
  }
  const onClose = () => fail("closed the connection")
  const timer = setTimeout(() => fail(`opened no tunnel within ${limitMs} ms`), limitMs)
  timer.unref()
  socket.on("data", onData).on("close", onClose)
  const credentials = proxy.authorization === undefined ? "" : `proxy-authorization: ${proxy.authorization}\r\n`
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${credentials}\r\n`)
}
