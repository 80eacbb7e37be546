/**
 * The default transport on Node: undici's HTTP/1.1 client, with no Node stream between its parser and the reader. As many
 * connections as requests in flight (the concurrency policy limits, not the pool), and HTTP/1.1 because an abort must
 * close the socket of its own request. Free connections never keep a process alive.
 *
 * What one read of the socket brings, the head of a response and its whole body or forty pieces of a stream, wakes the
 * reader once: it is woken in a microtask, when undici has parsed all of it.
 */
import type { Socket } from "node:net"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Dispatcher } from "./Undici.ts"
import { broken, type Broken, drainMs, type Exchange, type Head, Transport, type WireRequest } from "../Transport.ts"
import { UndiciConnections } from "./UndiciConnections.ts"

/** Bytes a response may hold unread before its socket is paused. */
const highWaterMark = 128 * 1024

type Chunks = Arr.NonEmptyReadonlyArray<Uint8Array>

/** One request in undici's hands: its head, then its bytes, to one reader at a time. */
class UndiciExchange implements Exchange, Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined
  private chunks: Array<Uint8Array> = []
  private held = 0
  private paused = false
  private ended = false
  private failure: Broken | undefined
  private response: Head | undefined
  /** The socket that was opened for this request, until it is connected. */
  private opening: Socket | undefined
  private awaitingHead: ((head: Effect.Effect<Head, Broken>) => void) | undefined
  private awaitingChunks: ((next: Effect.Effect<Chunks, Broken | Cause.Done>) => void) | undefined
  private waking = false
  /** Called at the end of a body of which only the end is awaited. */
  private awaitingEnd: (() => void) | undefined
  private readonly send: (exchange: UndiciExchange) => Socket | undefined

  constructor(send: (exchange: UndiciExchange) => Socket | undefined) {
    this.send = send
  }

  get isEnded(): boolean {
    return this.ended
  }

  // Effects are made when they are wanted: a call that waits for its answer holds no more than it must.

  get head(): Effect.Effect<Head, Broken> {
    return Effect.callback((resume) => {
      if (this.ended) return resume(Effect.fail(broken(new Error("aborted"))))
      this.awaitingHead = resume
      try {
        const opening = this.send(this)
        if (this.controller === undefined) this.opening = opening
      } catch (cause) {
        this.onResponseError(undefined, cause)
      }
      return Effect.sync(() => this.abort())
    })
  }

  get read(): Effect.Effect<Chunks, Broken | Cause.Done> {
    return Effect.suspend(
      () =>
        this.take() ??
        Effect.callback((resume) => {
          this.awaitingChunks = resume
          // What comes now is for the next reader.
          return Effect.sync(() => {
            this.awaitingChunks = undefined
          })
        }),
    )
  }

  close(isComplete: boolean): Effect.Effect<void> | undefined {
    if (isComplete && !this.ended) return this.drain
    this.abort()
    return undefined
  }

  /** Waits for the end of a body that is about to end, and drops what still comes of it. */
  private get drain(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.ended) return resume(Effect.void)
      const timer = setTimeout(() => this.abort(), drainMs)
      timer.unref()
      this.awaitingEnd = () => {
        clearTimeout(timer)
        resume(Effect.void)
      }
      this.take()
    })
  }

  private abort(): void {
    if (this.ended) {
      // Its connection may have been given up while it was being opened.
      this.opening?.destroy()
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
    this.response = { status, headers: single(headers) }
    this.wake()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.ended || this.awaitingEnd !== undefined) return
    this.chunks.push(chunk)
    this.held += chunk.byteLength
    if (this.held > highWaterMark && !this.paused) {
      this.paused = true
      controller.pause()
    }
    this.wake()
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
    this.awaitingEnd?.()
    this.wake()
  }

  /** What has come since the last read, or the end; undefined where there is nothing yet. */
  private take(): Effect.Effect<Chunks, Broken | Cause.Done> | undefined {
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
    if (!this.ended) return undefined
    return this.failure === undefined ? Cause.done() : Effect.fail(this.failure)
  }

  private wake(): void {
    if (this.waking) return
    this.waking = true
    queueMicrotask(() => this.deliver())
  }

  /** Hands what has come to whoever waits for it. */
  private deliver(): void {
    this.waking = false
    const { awaitingChunks, awaitingHead } = this
    if (awaitingHead !== undefined) {
      if (this.response !== undefined) {
        this.awaitingHead = undefined
        awaitingHead(Effect.succeed(this.response))
      } else if (this.ended) {
        this.awaitingHead = undefined
        awaitingHead(Effect.fail(this.failure ?? broken(new Error("the response ended before its head"))))
      }
    } else if (awaitingChunks !== undefined) {
      const next = this.take()
      if (next === undefined) return
      this.awaitingChunks = undefined
      awaitingChunks(next)
    }
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
  private closed = false

  /** None once it is closed: a call may outlive its layer, and what it sends then would be closed by nobody. */
  to(origin: string): UndiciConnections | undefined {
    if (this.closed) return undefined
    const known = this.connections.get(origin)
    if (known !== undefined) return known
    const connections = new UndiciConnections(origin)
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

/** Connections of its own, closed with the scope. */
export const layer: Layer.Layer<Transport> = Layer.effect(
  Transport,
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Origins()),
      (origins) => Effect.promise(() => origins.close()),
    ),
    make,
  ),
)
