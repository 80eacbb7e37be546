/**
 * The default transport on Node: undici's dispatcher, with no Node stream between its parser and the reader. Pool settings
 * for this traffic: as many connections as requests in flight (the `Semaphore` policy limits, not the pool), idle ones
 * kept for a minute because a burst follows a pause and a TLS handshake costs more than an open socket, HTTP/1.1 because
 * an abort must close the socket of its own request. Idle connections never keep a process alive.
 */
import type { Socket } from "node:net"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, type Dispatcher } from "./Undici.ts"
import { broken, type Broken, type Exchange, type Head, Transport, type WireRequest } from "./Transport.ts"
import * as UndiciConnector from "./UndiciConnector.ts"

/** Bytes a response may hold unread before its socket is paused. */
const highWaterMark = 128 * 1024

/** How long a reader that stopped leaves the end of its body time to arrive. */
const graceMs = 25

/** How long a connection may take to open. */
const connectMs = 30_000

type Chunks = Arr.NonEmptyReadonlyArray<Uint8Array>

/** One request in undici's hands: its head, then its bytes, to one reader at a time. */
class UndiciExchange implements Exchange, Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined
  private chunks: Array<Uint8Array> = []
  private held = 0
  private paused = false
  private ended = false
  private failure: Broken | undefined
  /** The socket that was opened for this request, until it is connected. */
  private opening: Socket | undefined
  private awaitingHead: ((head: Effect.Effect<Head, Broken>) => void) | undefined
  private awaitingChunks: ((next: Effect.Effect<Chunks, Broken | Cause.Done>) => void) | undefined
  private readonly send: (exchange: UndiciExchange) => Socket | undefined

  constructor(send: (exchange: UndiciExchange) => Socket | undefined) {
    this.send = send
  }

  readonly head: Effect.Effect<Head, Broken> = Effect.callback((resume) => {
    if (this.ended) return resume(Effect.fail(broken(new Error("aborted"))))
    this.awaitingHead = resume
    try {
      const opening = this.send(this)
      if (this.controller === undefined) this.opening = opening
    } catch (cause) {
      this.onResponseError(undefined, cause)
    }
    return Effect.sync(() => this.close(false))
  })

  readonly read: Effect.Effect<Chunks, Broken | Cause.Done> = Effect.suspend(() => {
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
    return Effect.callback((resume) => {
      this.awaitingChunks = resume
    })
  })

  close(isComplete: boolean): void {
    if (this.ended) return
    if (isComplete) {
      setTimeout(() => this.close(false), graceMs).unref()
      return
    }
    this.end(broken(new Error("aborted")))
    this.controller?.abort(new Error("aborted"))
    this.opening?.destroy(new Error("aborted"))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    this.opening = undefined
    if (this.ended) controller.abort(new Error("aborted"))
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | Array<string> | undefined>,
  ): void {
    if (status < 200) return
    const resume = this.awaitingHead
    this.awaitingHead = undefined
    resume?.(Effect.succeed({ status, headers: single(headers) }))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    const resume = this.awaitingChunks
    if (resume !== undefined) {
      this.awaitingChunks = undefined
      return resume(Effect.succeed([chunk]))
    }
    if (this.ended) return
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

  onResponseError(_: Dispatcher.DispatchController | undefined, cause: unknown): void {
    this.end(broken(cause))
  }

  private end(failure: Broken | undefined): void {
    if (this.ended) return
    this.ended = true
    this.failure = failure
    const { awaitingChunks, awaitingHead } = this
    this.awaitingHead = undefined
    this.awaitingChunks = undefined
    awaitingHead?.(Effect.fail(failure ?? broken(new Error("the response ended before its head"))))
    awaitingChunks?.(failure === undefined ? Cause.done() : Effect.fail(failure))
  }
}

/** A header that came more than once counts with all its values, as HTTP joins them; nearly none does. */
const single = (headers: Record<string, string | Array<string> | undefined>): Record<string, string | undefined> => {
  const result: Record<string, string | undefined> = {}
  for (const name in headers) {
    const value = headers[name]
    result[name] = Array.isArray(value) ? value.join(", ") : value
  }
  return result
}

/** Splits a URL for the dispatcher; the last one is remembered, because a provider asks the same one all day. */
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

const make = (dispatcher: Dispatcher, connector: UndiciConnector.UndiciConnector) => {
  const addressOf = addressReader()
  return ({ body, headers, url }: WireRequest): Exchange =>
    new UndiciExchange((exchange) => {
      const { origin, path } = addressOf(url)
      return connector.openedBy(() =>
        dispatcher.dispatch(
          { origin, path, method: "POST", headers, body, headersTimeout: 0, bodyTimeout: 0 },
          exchange,
        ),
      )
    })
}

/** A pool of connections of its own, closed with the scope. */
export const layer: Layer.Layer<Transport> = Layer.effect(
  Transport,
  Effect.suspend(() => {
    const connector = UndiciConnector.make(connectMs)
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
