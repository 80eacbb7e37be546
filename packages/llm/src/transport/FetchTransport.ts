/** The default transport where there is no Node: the platform's `fetch`. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { broken, type Exchange, Transport, type WireRequest } from "./Transport.ts"

const open = (request: WireRequest): Exchange => {
  const controller = new AbortController()
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let ended = false
  const close = () => {
    if (ended) return
    ended = true
    controller.abort()
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
      () => Effect.sync(close),
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
    close,
  }
}

/** Exchanges by `fetch`; the platform keeps the connections. */
export const layer: Layer.Layer<Transport> = Layer.succeed(Transport, open)
