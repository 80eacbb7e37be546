/**
 * One request in undici's hands, with no Node stream between its parser and the reader. What one read of the socket
 * brings, the head of a response and its whole body or forty pieces of a stream, wakes the reader once: it is woken in a
 * microtask, when undici has parsed all of it.
 */
import type { Socket } from "node:net"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Dispatcher } from "./Undici.ts"
import { afterMs } from "../RealTime.ts"
import { decode } from "../codings/ContentCoding.ts"
import type { Proxy } from "./Proxy.ts"
import { broken, type Broken, drainMs, type Exchange, type Head, type WireHeaders } from "../Transport.ts"
import { ProxyError, refusal } from "./ProxyError.ts"

/** Bytes a response may hold unread before its socket is paused. */
const highWaterMark = 128 * 1024

type Chunks = Arr.NonEmptyReadonlyArray<Uint8Array>

/** One request in undici's hands: its head, then its bytes, to one reader at a time. */
export class UndiciExchange implements Exchange, Dispatcher.DispatchHandler {
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
  /** The body as it was before a coding that its head names. */
  private decoded: Exchange["read"] | undefined
  /** What carries the request in the origin's stead, and whether it reads the request itself. */
  private carrier: { readonly proxy: Proxy; readonly forwards: boolean } | undefined
  /** Sends the request, once: what it holds of it is not held while the answer is waited for. */
  private send: ((exchange: UndiciExchange) => Socket | undefined) | undefined

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
      const { send } = this
      this.send = undefined
      try {
        const opening = send?.(this)
        if (this.controller === undefined) this.opening = opening
      } catch (cause) {
        this.onResponseError(undefined, cause)
      }
      return Effect.sync(() => this.abort())
    })
  }

  get read(): Effect.Effect<Chunks, Broken | Cause.Done> {
    return this.decoded ?? this.received
  }

  /** Says that the request goes through a proxy. */
  carriedBy(proxy: Proxy, forwards: boolean): void {
    this.carrier = { proxy, forwards }
  }

  /** The body as it comes. */
  private get received(): Effect.Effect<Chunks, Broken | Cause.Done> {
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

  whole(): ReadonlyArray<Uint8Array> | undefined {
    if (!this.ended || this.failure !== undefined || this.decoded !== undefined) return undefined
    const { chunks } = this
    this.chunks = []
    return chunks
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
      const stopTimer = afterMs(drainMs, () => this.abort())
      this.awaitingEnd = () => {
        stopTimer()
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
    this.ended = true
    this.failure = broken(new Error("aborted"))
    this.controller?.abort(new Error("aborted"))
    this.opening?.destroy(new Error("aborted"))
    // Last: who waits for the end may send the next request at once, and the connection of this one is closed by then.
    this.tellEnd()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    this.opening = undefined
    if (this.ended) controller.abort(new Error("aborted"))
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | Array<string> | undefined>,
  ): void {
    if (status < 200) return
    const { carrier } = this
    if (status === 407 && carrier?.forwards === true) {
      this.onResponseError(controller, new ProxyError(carrier.proxy.origin, refusal(status)))
      controller.abort(new Error("refused by the proxy"))
      return
    }
    this.response = { status, headers: areSingle(headers) ? headers : joined(headers) }
    const coding = this.response.headers["content-encoding"]
    if (coding !== undefined) this.decoded = decode(this.received, coding, false)
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
    this.end(this.carrier === undefined ? broken(cause) : brokenBehind(this.carrier.proxy, cause))
  }

  private end(failure: Broken | undefined): void {
    if (this.ended) return
    this.ended = true
    this.failure = failure
    this.tellEnd()
  }

  private tellEnd(): void {
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

  /** Gives what has come to the waiting reader. It is woken by a head, by bytes and by the end: the first two in this order. */
  private deliver(): void {
    this.waking = false
    const { awaitingChunks, awaitingHead } = this
    if (awaitingHead !== undefined) {
      this.awaitingHead = undefined
      awaitingHead(
        this.response === undefined
          ? Effect.fail(this.failure ?? broken(new Error("the response ended before its head")))
          : Effect.succeed(this.response),
      )
    } else if (awaitingChunks !== undefined) {
      const next = this.take()
      if (next === undefined) return
      this.awaitingChunks = undefined
      awaitingChunks(next)
    }
  }
}

/** A failure behind a proxy says so: either side of it may have been lost. */
const brokenBehind = (proxy: Proxy, cause: unknown): Broken => {
  if (cause instanceof ProxyError) return { ...broken(cause), message: cause.message }
  return { ...broken(cause), via: `the proxy ${proxy.origin}` }
}

type Headers = Record<string, string | Array<string> | undefined>

/** True where each header came once, as nearly always. */
const areSingle = (headers: Headers): headers is Record<string, string | undefined> => {
  for (const name in headers) if (Array.isArray(headers[name])) return false
  return true
}

/** A header that came more than once counts with all its values, as HTTP joins them. */
const joined = (headers: Headers): WireHeaders => {
  const result: Record<string, string | undefined> = {}
  for (const name in headers) {
    const value = headers[name]
    result[name] = Array.isArray(value) ? value.join(", ") : value
  }
  return result
}
