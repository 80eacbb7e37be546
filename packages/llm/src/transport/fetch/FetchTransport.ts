/**
 * The transport over `fetch`: the platform's where there is no Node, or any function of that shape which a program brings.
 * It reads nothing of a body once the exchange is closed.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LlmError } from "../../model/LlmError.ts"
import * as Setting from "../../settings/Setting.ts"
import { afterMs } from "../RealTime.ts"
import {
  type Broken,
  broken,
  drainMs,
  type Exchange,
  type Fetch,
  type Head,
  Transport,
  type TransportOptions,
  type WireRequest,
} from "../Transport.ts"

type Reader = ReadableStreamDefaultReader<unknown>

const attempt = <A>(promise: () => Promise<A>) => Effect.tryPromise({ try: promise, catch: broken })

const encoder = new TextEncoder()

/**
 * A stub's body may be made of strings; undefined where it holds neither bytes nor text. Bytes of another realm (a worker
 * inside an edge runtime) are not instances of this realm's `Uint8Array`.
 */
const bytesOf = (value: unknown): Uint8Array | undefined => {
  if (value instanceof Uint8Array) return value
  if (typeof value === "string") return encoder.encode(value)
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : undefined
}

const notABody = broken(new TypeError("the response's body holds neither bytes nor text"))

/** A body as a stream. React Native's responses have none, only their whole content. */
const readerOf = async (response: Response): Promise<Reader | undefined> => {
  if (response.body !== undefined) return response.body?.getReader()
  const bytes = new Uint8Array(await response.arrayBuffer())
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(bytes)
      controller.close()
    },
  }).getReader()
}

/** How many more pieces of a body are read, at most, to see whether it ends. */
const maxDrainReads = 16

const ignore = (): void => undefined

class FetchExchange implements Exchange {
  private readonly fetch: Fetch
  private readonly request: WireRequest
  private readonly controller = new AbortController()
  private reader: Reader | undefined
  private ended = false

  constructor(fetch: Fetch, request: WireRequest) {
    this.fetch = fetch
    this.request = request
  }

  get head(): Effect.Effect<Head, Broken> {
    return Effect.onInterrupt(
      attempt(() => this.send()),
      () => Effect.sync(() => this.abort()),
    )
  }

  get read(): Exchange["read"] {
    return Effect.suspend(() => {
      const { reader } = this
      if (reader === undefined || this.ended) return Cause.done()
      return Effect.flatMap(
        attempt(() => reader.read()),
        ({ done, value }): Effect.Effect<readonly [Uint8Array], Broken | Cause.Done> => {
          if (!done) {
            const bytes = bytesOf(value)
            return bytes === undefined ? Effect.fail(notABody) : Effect.succeed([bytes])
          }
          this.ended = true
          return Cause.done()
        },
      )
    })
  }

  close(isComplete: boolean): Effect.Effect<void> | undefined {
    if (this.ended) return undefined
    if (isComplete) return Effect.promise(() => this.drain())
    this.abort()
    return undefined
  }

  private async send(): Promise<Head> {
    const { body, headers, method = "POST", url } = this.request
    const response = await this.fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal: this.controller.signal,
      ...(body === undefined ? {} : { body }),
    })
    this.reader = await readerOf(response)
    // A function that does not heed its signal may answer a call that is over.
    if (this.ended) this.reader?.cancel().catch(ignore)
    return { status: response.status, headers: Object.fromEntries(response.headers) }
  }

  private abort(): void {
    if (this.ended) return
    this.ended = true
    this.controller.abort()
    this.reader?.cancel().catch(ignore)
  }

  /** Reads what is left of a body that is about to end, so that its connection is used again; not for long. */
  private async drain(): Promise<void> {
    const { reader } = this
    let stopTimer = ignore
    const patience = new Promise<void>((resolve) => {
      stopTimer = afterMs(drainMs, resolve)
    })
    const rest = async () => {
      // A body that is always ready would keep the timer from ever firing.
      for (let reads = 0; !this.ended && reads < maxDrainReads; reads++) {
        this.ended = (await reader?.read())?.done !== false
      }
    }
    await Promise.race([rest().catch(ignore), patience])
    stopTimer()
    this.abort()
  }
}

/** Exchanges by this function. */
export const make =
  (fetch: Fetch) =>
  (request: WireRequest): Exchange =>
    new FetchExchange(fetch, request)

/** A browser names itself, and asks for the codings that it decodes. */
export const platformHeaders: Readonly<Record<string, string>> = {}

const platform = make((url, init) => globalThis.fetch(url, init))

/**
 * Exchanges by the platform's `fetch`, as it is at each call; the platform keeps the connections, and decides about
 * proxies. Fails with `ConfigurationError` where the options name one.
 */
export const layerOptions = ({ proxy }: TransportOptions): Layer.Layer<Transport, LlmError> =>
  proxy === undefined || proxy === false
    ? Layer.succeed(Transport, platform)
    : Layer.effect(Transport, Effect.fail(noProxy))

const noProxy = Setting.invalid(
  "proxy",
  "this platform's fetch connects as it does; give a fetch of your own that goes through the proxy",
)

/** `layerOptions` without any. */
export const layer: Layer.Layer<Transport, LlmError> = layerOptions({})
