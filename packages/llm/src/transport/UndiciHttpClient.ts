/**
 * Effect's `HttpClient` straight on undici's dispatcher: the default transport on Node. It follows no redirect (a key
 * must not travel to another address), sets no timer (the clocks are policies), and adds no span or trace header of its
 * own (a call has one span already, and trace ids sent to a third party are a leak).
 *
 * Bytes go from undici's parser to the reader with no Node stream between. A reader that falls behind pauses the socket.
 */
import type { Socket } from "node:net"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { pipeArguments } from "effect/Pipeable"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Agent, type Dispatcher } from "undici"
import * as UndiciConnector from "./UndiciConnector.ts"

/** Bytes a response may hold unread before its socket is paused. */
const highWaterMark = 128 * 1024

/** How long a reader that stopped leaves the end of its body time to arrive. */
const graceMs = 25

type Chunks = Arr.NonEmptyReadonlyArray<Uint8Array>
type WireHeaders = Readonly<Record<string, string | Array<string> | undefined>>

/** One request in undici's hands: its head, then its bytes, to one reader at a time. */
class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined
  private chunks: Array<Uint8Array> = []
  private held = 0
  private headed = false
  private paused = false
  private ended = false
  private failure: unknown
  /** The socket that was opened for this request, until it is connected. */
  private opening: Socket | undefined
  private reader: ((next: Effect.Effect<Chunks, unknown>) => void) | undefined
  private readonly onHead: (status: number, headers: WireHeaders) => void
  private readonly onFailure: (cause: unknown) => void

  constructor(onHead: (status: number, headers: WireHeaders) => void, onFailure: (cause: unknown) => void) {
    this.onHead = onHead
    this.onFailure = onFailure
  }

  /** The request waits for this socket. */
  waitFor(opening: Socket | undefined): void {
    if (this.controller === undefined) this.opening = opening
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    this.opening = undefined
    if (this.ended) controller.abort(new Error("aborted"))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: WireHeaders): void {
    if (status < 200) return
    this.headed = true
    this.onHead(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    const { reader } = this
    if (reader !== undefined) {
      this.reader = undefined
      return reader(Effect.succeed([chunk]))
    }
    this.chunks.push(chunk)
    this.held += chunk.byteLength
    if (this.held > highWaterMark && !this.paused) {
      this.paused = true
      controller.pause()
    }
  }

  onResponseEnd(): void {
    this.end(undefined)
  }

  onResponseError(_: Dispatcher.DispatchController, cause: unknown): void {
    if (!this.headed && !this.ended) this.onFailure(cause)
    this.end(cause)
  }

  private end(failure: unknown): void {
    if (this.ended) return
    this.ended = true
    this.failure = failure
    const { reader } = this
    this.reader = undefined
    if (reader !== undefined) reader(failure === undefined ? Cause.done() : Effect.fail(failure))
  }

  /** Closes the connection, unless the response has ended. */
  abort(): void {
    if (this.ended) return
    this.end(new Error("aborted"))
    this.controller?.abort(new Error("aborted"))
    this.opening?.destroy(new Error("aborted"))
  }

  /** The reader has what it wanted: a body about to end may do so, and its connection is used again. */
  release(): void {
    if (!this.ended) setTimeout(() => this.abort(), graceMs).unref()
  }

  /** Every chunk that has come since the last read; waits for the next where none has. */
  readonly read: Effect.Effect<Chunks, unknown> = Effect.suspend(() => {
    const { chunks } = this
    if (Arr.isArrayNonEmpty(chunks)) {
      this.chunks = []
      this.held = 0
      if (this.paused) {
        this.paused = false
        this.controller?.resume()
      }
      return Effect.succeed(chunks)
    }
    if (this.ended) return this.failure === undefined ? Cause.done() : Effect.fail(this.failure)
    return Effect.callback<Chunks, unknown>((resume) => {
      this.reader = resume
    })
  })
}

/** A response whose every view is read from `stream`. */
class Response extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly url: string
  readonly headers: Headers.Headers
  readonly stream: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>

  constructor(request: HttpClientRequest.HttpClientRequest, status: number, headers: WireHeaders, exchange: Exchange) {
    super()
    this.request = request
    this.status = status
    this.url = request.url
    this.headers = Headers.fromInput(headers)
    this.stream = Stream.fromChannel(
      Channel.fromTransform((_, scope) =>
        Effect.as(
          Scope.addFinalizerExit(scope, (exit) =>
            Effect.sync(() => (Exit.isSuccess(exit) ? exchange.release() : exchange.abort())),
          ),
          Effect.mapError(exchange.read, (cause) => (Cause.isDone(cause) ? cause : this.unreadable(cause))),
        ),
      ),
    )
  }

  private unreadable(cause: unknown): HttpClientError.HttpClientError {
    return new HttpClientError.HttpClientError({
      reason: new HttpClientError.DecodeError({ request: this.request, response: this, cause }),
    })
  }

  private read<A>(parse: (bytes: ArrayBuffer) => A): Effect.Effect<A, HttpClientError.HttpClientError> {
    return Effect.flatMap(Stream.mkArrayBuffer(this.stream), (bytes) =>
      Effect.try({ try: () => parse(bytes), catch: (cause) => this.unreadable(cause) }),
    )
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.HttpClientError> {
    return Stream.mkArrayBuffer(this.stream)
  }

  get text(): Effect.Effect<string, HttpClientError.HttpClientError> {
    return this.read((bytes) => new TextDecoder().decode(bytes))
  }

  get json(): Effect.Effect<Schema.Json, HttpClientError.HttpClientError> {
    return Effect.flatMap(this.text, (text) =>
      Effect.try({
        try: (): Schema.Json => (text === "" ? null : JSON.parse(text)),
        catch: (cause) => this.unreadable(cause),
      }),
    )
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.HttpClientError> {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get formData(): Effect.Effect<FormData, HttpClientError.HttpClientError> {
    return Effect.flatMap(this.arrayBuffer, (bytes) =>
      Effect.tryPromise({
        try: () =>
          new globalThis.Response(bytes, {
            headers: { "content-type": this.headers["content-type"] ?? "" },
          }).formData(),
        catch: (cause) => this.unreadable(cause),
      }),
    )
  }

  get cookies(): Cookies.Cookies {
    return Cookies.fromSetCookie(this.headers["set-cookie"] ?? [])
  }

  get remoteAddress(): Option.Option<string> {
    return Option.none()
  }

  get upgrade(): Effect.Effect<never, HttpClientError.HttpClientError> {
    return Effect.fail(
      new HttpClientError.HttpClientError({
        reason: new HttpClientError.StatusCodeError({
          request: this.request,
          response: this,
          description: "this client upgrades no connection",
        }),
      }),
    )
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "effect/http/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status,
    })
  }

  pipe() {
    return pipeArguments(this, arguments)
  }
}

const failed = (request: HttpClientRequest.HttpClientRequest, cause: unknown) =>
  new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })

/** Splits a URL for the dispatcher; the last one is remembered, because a provider asks the same one all day. */
const addressReader = () => {
  let last: { readonly url: string; readonly origin: string; readonly path: string } | undefined
  return (request: HttpClientRequest.HttpClientRequest) => {
    if (last?.url === request.url && request.urlParams.params.length === 0) return last
    const url = Option.getOrUndefined(HttpClientRequest.toUrl(request))
    if (url === undefined) return undefined
    last = { url: request.url, origin: url.origin, path: url.pathname + url.search }
    return last
  }
}

/** What undici takes as a body; a request of this library is always text. */
const wireBody = (request: HttpClientRequest.HttpClientRequest): string | Uint8Array | null | undefined => {
  const { body } = request
  if (body._tag === "Empty") return null
  if (body._tag === "Uint8Array") return body.body
  if (body._tag === "Raw" && (typeof body.body === "string" || body.body instanceof Uint8Array)) return body.body
  return undefined
}

const make = (dispatcher: Dispatcher, connector: UndiciConnector.UndiciConnector): HttpClient.HttpClient => {
  const readAddress = addressReader()
  const send = (request: HttpClientRequest.HttpClientRequest) =>
    Effect.callback<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>((resume) => {
      const address = readAddress(request)
      const body = wireBody(request)
      if (address === undefined || body === undefined) {
        const description = address === undefined ? "the URL cannot be read" : "only text and bytes can be sent"
        return resume(
          Effect.fail(
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.InvalidUrlError({ request, description }),
            }),
          ),
        )
      }
      const exchange = new Exchange(
        (status, headers) => resume(Effect.succeed(new Response(request, status, headers, exchange))),
        (cause) => resume(Effect.fail(failed(request, cause))),
      )
      try {
        const options: Dispatcher.DispatchOptions = {
          origin: address.origin,
          path: address.path,
          method: request.method,
          headers: request.headers,
          body,
          headersTimeout: 0,
          bodyTimeout: 0,
        }
        exchange.waitFor(connector.openedBy(() => dispatcher.dispatch(options, exchange)))
      } catch (cause) {
        resume(Effect.fail(failed(request, cause)))
      }
      return Effect.sync(() => exchange.abort())
    })
  return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(Effect.flatMap(send), Effect.succeed)
}

/**
 * The default transport: a pool of its own, closed with the scope. Pool settings for this traffic: as many connections
 * as there are requests in flight (the `Semaphore` policy limits, not the pool), idle ones kept for a minute because a
 * burst follows a pause and a TLS handshake costs more than an open socket, HTTP/1.1 because an abort must close the
 * socket of its own request. Idle connections never keep a process alive.
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.suspend(() => {
    const connector = UndiciConnector.make(30_000)
    const { connect } = connector
    return Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => new Agent({ allowH2: false, pipelining: 1, keepAliveTimeout: 60_000, connect })),
        (agent) => Effect.promise(() => agent.destroy()),
      ),
      (agent) => make(agent, connector),
    )
  }),
)
