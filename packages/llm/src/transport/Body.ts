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

/** Reads the whole body as UTF-8. */
export const collectBody = (exchange: Exchange, maxBytes: number): Effect.Effect<string, Broken | BodyTooLarge> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let length = 0
    const readAll: Effect.Effect<string, Broken | BodyTooLarge> = Pull.matchEffect(exchange.read, {
      onSuccess: (arrived) => {
        for (const chunk of arrived) {
          chunks.push(chunk)
          length += chunk.byteLength
        }
        return length > maxBytes ? Effect.fail(tooLarge) : readAll
      },
      onFailure: (cause) => Effect.failCause(cause),
      onDone: () => Effect.succeed(decoder.decode(join(chunks, length))),
    })
    return readAll
  })
