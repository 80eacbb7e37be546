/**
 * The connections to one origin: one request at a time on each, and as many as there are requests. undici's own pool looks
 * at every connection for a free one, twice for each request, which at 5,000 in flight was a quarter of what a call costs;
 * here the free ones are a stack. The one freed last goes first, so that after a burst the others fall idle and close.
 */
import { Socket } from "node:net"
import type { Proxy } from "./Proxy.ts"
import type { throughProxy, toProxy } from "./ProxyTunnel.ts"
import { buildConnector, Client, type Connector, type Dispatcher } from "./Undici.ts"

/** How long a connection may take to open. */
const connectMs = 30_000

/** How long a free connection is kept: a burst follows a pause, and a TLS handshake costs more than an open socket. */
const keepAliveMs = 60_000

/** One of undici's clients holds one connection, and opens another where that was lost under way. */
class Connection extends Client {
  connected = false
  free = false
}

/** A request's handler, which knows when nothing more can come. */
interface Handler extends Dispatcher.DispatchHandler {
  readonly isEnded: boolean
  readonly carriedBy: (proxy: Proxy, forwards: boolean) => void
}

/** The way to an origin through a proxy. */
export interface ProxyRoute {
  readonly proxy: Proxy
  readonly tunnel: { readonly toProxy: typeof toProxy; readonly throughProxy: typeof throughProxy }
}

/** A request as a proxy takes it that forwards it: the whole address as its path (RFC 9112 section 3.2.2). */
type Forwarded = (options: Dispatcher.DispatchOptions) => Dispatcher.DispatchOptions

const forwardedTo =
  ({ host, origin }: URL, { authorization }: Proxy): Forwarded =>
  (options) => ({
    ...options,
    path: `${origin}${options.path}`,
    headers: {
      host,
      ...options.headers,
      ...(authorization === undefined ? {} : { "proxy-authorization": authorization }),
    },
  })

export class UndiciConnections {
  /** What the connections are to: the origin, or the proxy that forwards to it. */
  private readonly peer: URL
  private readonly proxy: Proxy | undefined
  private readonly forwarded: Forwarded | undefined
  private readonly all = new Set<Connection>()
  private readonly free: Array<Connection> = []
  private readonly connector: Connector.connector
  /** The socket that the dispatch under way began to open. */
  private opening: Socket | undefined

  constructor(origin: string, route?: ProxyRoute) {
    const connector = buildConnector({ allowH2: false, timeout: connectMs })
    const url = new URL(origin)
    this.proxy = route?.proxy
    if (route === undefined) {
      this.peer = url
      this.connector = connector
    } else if (url.protocol === "https:") {
      this.peer = url
      this.connector = route.tunnel.throughProxy(route.proxy, connector, connectMs)
    } else {
      this.peer = new URL(route.proxy.origin)
      this.connector = route.tunnel.toProxy(route.proxy, connector)
      this.forwarded = forwardedTo(url, route.proxy)
    }
  }

  /**
   * Sends a request; gives the socket that it began to open for it, undefined where one was open. undici remembers no such
   * socket: it leaves a request that is aborted while it connects, and lets the connection go on (law 11).
   */
  dispatch(options: Dispatcher.DispatchOptions, handler: Handler): Socket | undefined {
    const connection = this.free.pop() ?? this.connection()
    connection.free = false
    this.opening = undefined
    const { forwarded, proxy } = this
    if (proxy !== undefined) handler.carriedBy(proxy, forwarded !== undefined)
    const taken = connection.dispatch(forwarded === undefined ? options : forwarded(options), handler)
    // It drains when it is free again, but not where it refused what could not be sent.
    if (!taken && handler.isEnded) this.release(connection)
    const { opening } = this
    this.opening = undefined
    return opening
  }

  /** Closes every connection, whatever runs on it. */
  async destroy(): Promise<void> {
    await Promise.all([...this.all].map((connection) => connection.destroy()))
  }

  private connection(): Connection {
    const connection = new Connection(this.peer, {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      connect: this.connect,
    })
    connection.on("connect", this.onConnect).on("disconnect", this.onDisconnect).on("drain", this.onDrain)
    this.all.add(connection)
    return connection
  }

  // Listeners that all connections share: undici tells each whom it is about.

  private readonly onConnect = (_: URL, [connection]: ReadonlyArray<unknown>): void => {
    if (connection instanceof Connection) connection.connected = true
  }

  private readonly onDisconnect = (_: URL, [connection]: ReadonlyArray<unknown>): void => {
    if (!(connection instanceof Connection)) return
    connection.connected = false
    if (connection.free) this.drop(connection)
  }

  private readonly onDrain = (_: URL, [connection]: ReadonlyArray<unknown> = []): void => {
    if (connection instanceof Connection) this.release(connection)
  }

  private readonly connect: Connector.connector = (options, callback) => {
    const socket: unknown = this.connector(options, callback)
    if (socket instanceof Socket) this.opening = socket
  }

  private release(connection: Connection): void {
    if (connection.free) return
    if (!connection.connected) return this.drop(connection)
    connection.free = true
    this.free.push(connection)
  }

  /** Forgets a connection that is lost: a new one costs no more than to open it again. */
  private drop(connection: Connection): void {
    if (!this.all.delete(connection)) return
    // The one that has been free for longest is lost first, and it lies at the bottom.
    if (connection.free) this.free.splice(this.free.indexOf(connection), 1)
    void connection.destroy()
  }
}
