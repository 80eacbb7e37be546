/** A response's body as text, up to a limit: past it the call fails rather than the process. */
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import type { Broken, Exchange } from "./Transport.ts"

/** The body was larger than the limit; what came after was not read. */
export interface BodyTooLarge {
  readonly _tag: "BodyTooLarge"
}

const tooLarge: BodyTooLarge = { _tag: "BodyTooLarge" }

const join = (chunks: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  const [only] = chunks
  if (only !== undefined && chunks.length === 1) return only
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

const decoder = new TextDecoder()

type Source = Pick<Exchange, "read" | "whole">

type Text<E> = Effect.Effect<string, Broken | E>

/** Reads a body as UTF-8, as far as `maxBytes`; `past` says what becomes of one that goes on. */
const collect = <E>(exchange: Source, maxBytes: number, past: (read: () => string) => Text<E>): Text<E> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let length = 0
    const text = () => decoder.decode(join(chunks, length))
    /** Takes what has arrived, and goes on where it is not too much. */
    const taken = (arrived: ReadonlyArray<Uint8Array>, next: () => Text<E>): Text<E> => {
      for (const chunk of arrived) {
        chunks.push(chunk)
        length += chunk.byteLength
      }
      return length > maxBytes ? past(text) : next()
    }
    const end = (): Text<E> => Effect.succeed(text())
    const whole = exchange.whole?.()
    if (whole !== undefined) return taken(whole, end)
    const readAll: Text<E> = Pull.matchEffect(exchange.read, {
      onSuccess: (arrived) => taken(arrived, () => readAll),
      onFailure: (cause) => Effect.failCause(cause),
      onDone: end,
    })
    return readAll
  })

/** Reads the whole body as UTF-8. */
export const collectBody = (exchange: Source, maxBytes: number): Effect.Effect<string, Broken | BodyTooLarge> =>
  collect(exchange, maxBytes, () => Effect.fail(tooLarge))

/** Reads the beginning of a body as UTF-8: what came when it had become longer than `maxBytes`, or all of it. */
export const collectBeginning = (exchange: Source, maxBytes: number): Effect.Effect<string, Broken> =>
  collect(exchange, maxBytes, (text) => Effect.succeed(text()))
