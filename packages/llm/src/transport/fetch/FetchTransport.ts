/** The default transport where there is no Node: the platform's `fetch`. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { broken, type Exchange, Transport, type WireRequest } from "../Transport.ts"

/** How long a reader that stopped leaves the end of its body time to arrive. */
const graceMs = 25

const open = (request: WireRequest): Exchange => {
  const controller = new AbortController()
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let ended = false
  const abort = () => {
    if (ended) return
    ended = true
    controller.abort()
  }
  /** Reads what is left of a body that is about to end, so that its connection is used again; not for long. */
  const drain = async () => {
    const patience = setTimeout(abort, graceMs)
    try {
      while (!ended) ended = (await reader?.read())?.done !== false
    } catch {
      abort()
    }
    clearTimeout(patience)
  }
  const attempt = <A>(promise: () => Promise<A>) => Effect.tryPromise({ try: promise, catch: broken })
  return {
    head: Effect.onInterrupt(
      Effect.map(
        attempt(() =>
          globalThis.fetch(request.url, {
            method: "POST",
            headers: request.headers,
            body: request.body,
            redirect: "manual",
            signal: controller.signal,
          }),
        ),
        (response) => {
          reader = response.body?.getReader()
          return { status: response.status, headers: Object.fromEntries(response.headers) }
        },
      ),
      () => Effect.sync(abort),
    ),
    read: Effect.suspend(() => {
      const source = reader
      if (source === undefined || ended) return Cause.done()
      return Effect.flatMap(
        attempt(() => source.read()),
        ({ done, value }) => {
          if (!done) return Effect.succeed([value] as const)
          ended = true
          return Cause.done()
        },
      )
    }),
    close: (isComplete) => {
      if (isComplete && !ended) void drain()
      else abort()
    },
  }
}

/** Exchanges by `fetch`; the platform keeps the connections. */
export const layer: Layer.Layer<Transport> = Layer.succeed(Transport, open)
