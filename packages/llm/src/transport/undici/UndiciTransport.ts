/**
 * The default transport on Node: undici's HTTP/1.1 client. As many connections as requests in flight (the concurrency
 * policy limits, not the pool), and HTTP/1.1 because an abort must close the socket of its own request. Free connections
 * never keep a process alive.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LlmError } from "../../model/LlmError.ts"
import { fromOption, fromSettings, type Proxies } from "./Proxy.ts"
import { type Exchange, Transport, type TransportOptions, type WireRequest } from "../Transport.ts"
import type { UndiciConnections } from "./UndiciConnections.ts"
import { UndiciExchange } from "./UndiciExchange.ts"

export { platformHeaders } from "./PlatformHeaders.ts"

/** Splits a URL into origin and path; the last one is remembered, because a provider asks the same one all day. */
const addressReader = () => {
  let last = { url: "", origin: "", path: "" }
  return (url: string) => {
    if (url !== last.url) {
      const parsed = new URL(url)
      last = { url, origin: parsed.origin, path: parsed.pathname + parsed.search }
    }
    return last
  }
}

/** The connections of one transport, by origin, until it is closed. */
class Origins {
  private readonly connections = new Map<string, UndiciConnections>()
  private readonly connect: (origin: string) => UndiciConnections
  private closed = false

  constructor(connect: (origin: string) => UndiciConnections) {
    this.connect = connect
  }

  /** Undefined once closed: a call may outlive its layer, and nothing would close the connections that it opens then. */
  to(origin: string): UndiciConnections | undefined {
    if (this.closed) return undefined
    const known = this.connections.get(origin)
    if (known !== undefined) return known
    const connections = this.connect(origin)
    this.connections.set(origin, connections)
    return connections
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([...this.connections.values()].map((connections) => connections.destroy()))
  }
}

const make = (origins: Origins) => {
  const addressOf = addressReader()
  return ({ body, headers, method = "POST", url }: WireRequest): Exchange =>
    new UndiciExchange((exchange) => {
      const { origin, path } = addressOf(url)
      const request = { path, method, headers, body: body ?? null, headersTimeout: 0, bodyTimeout: 0 }
      const connections = origins.to(origin)
      if (connections !== undefined) return connections.dispatch(request, exchange)
      exchange.onResponseError(undefined, new Error("the transport is closed"))
      return undefined
    })
}

/** How to connect to an origin. undici is loaded here, and what knows proxies only where there is one. */
const connecting = (proxies: Proxies | undefined) =>
  Effect.gen(function* () {
    const { UndiciConnections: Connections } = yield* Effect.promise(() => import("./UndiciConnections.ts"))
    if (proxies === undefined) return (origin: string) => new Connections(origin)
    const tunnel = yield* Effect.promise(() => import("./ProxyTunnel.ts"))
    return (origin: string) => {
      const proxy = proxies.proxyOf(new URL(origin))
      return new Connections(origin, proxy === undefined ? undefined : { proxy, tunnel })
    }
  })

const proxiesOf = ({ proxy }: TransportOptions): Effect.Effect<Proxies | undefined, LlmError> =>
  proxy === undefined ? fromSettings : proxy === false ? Effect.succeed(undefined) : fromOption(proxy)

/**
 * Connections of its own, closed with the scope, through the proxy that the options or else the settings name. Fails with
 * `ConfigurationError` where that is no proxy's address.
 */
export const layerOptions = (options: TransportOptions): Layer.Layer<Transport, LlmError> =>
  Layer.effect(
    Transport,
    Effect.gen(function* () {
      const proxies = yield* proxiesOf(options)
      const connect = yield* connecting(proxies)
      const origins = yield* Effect.acquireRelease(
        Effect.sync(() => new Origins(connect)),
        (opened) => Effect.promise(() => opened.close()),
      )
      return Object.assign(make(origins), { secrets: proxies?.secrets })
    }),
  )

/** `layerOptions` without any. */
export const layer: Layer.Layer<Transport, LlmError> = layerOptions({})
