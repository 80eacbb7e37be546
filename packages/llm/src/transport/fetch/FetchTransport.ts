/**
 * The transport over `fetch`: the platform's where there is no Node, or any function of that shape which a program brings.
 * It reads nothing of a body once the exchange is closed.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { broken, drainMs, type Exchange, type Head, Transport, type WireRequest } from "../Transport.ts"

/** What `fetch` is to this library: a URL and its settings, for a promise of a response. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

type Reader = ReadableStreamDefaultReader<unknown>

const attempt = <A>(promise: () => Promise<A>) => Effect.tryPromise({ try: promise, catch: broken })

const encoder = new TextEncoder()

/** A stub's body may be made of strings. */
const bytesOf = (value: unknown): Uint8Array => {
  if (value instanceof Uint8Array) return value
  if (typeof value === "string") return encoder.encode(value)
  throw new TypeError("the response's body holds neither bytes nor text")
}

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

const ignore = () => undefined

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

  get head(): Effect.Effect<Head, ReturnType<typeof broken>> {
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
        attempt(async () => {
          const { done, value } = await reader.read()
          return done ? undefined : bytesOf(value)
        }),
        (bytes) => {
          if (bytes !== undefined) return Effect.succeed([bytes] as const)
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
    let timer: ReturnType<typeof setTimeout> | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainMs)
    })
    const rest = async () => {
      while (!this.ended) this.ended = (await reader?.read())?.done !== false
    }
    await Promise.race([rest().catch(ignore), patience])
    clearTimeout(timer)
    this.abort()
  }
}

/** Exchanges by this function. */
export const make =
  (fetch: Fetch) =>
  (request: WireRequest): Exchange =>
    new FetchExchange(fetch, request)

/** Exchanges by the platform's `fetch`, as it is at each call; the platform keeps the connections. */
export const layer: Layer.Layer<Transport> = Layer.succeed(
  Transport,
  make((url, init) => globalThis.fetch(url, init)),
)
