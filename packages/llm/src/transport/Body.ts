/** A response's body as text, up to a limit: past it the call fails rather than the process. */
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"

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

/** Reads the whole body as UTF-8. */
export const collectBody = (
  response: HttpClientResponse,
  maxBytes: number,
): Effect.Effect<string, HttpClientError | BodyTooLarge> =>
  Effect.suspend(() => {
    const scope = Scope.makeUnsafe()
    const chunks: Array<Uint8Array> = []
    let length = 0
    const readAll = (
      pull: Pull.Pull<ReadonlyArray<Uint8Array>, HttpClientError>,
    ): Effect.Effect<string, HttpClientError | BodyTooLarge> =>
      Pull.matchEffect(pull, {
        onSuccess: (arrived) => {
          for (const chunk of arrived) {
            chunks.push(chunk)
            length += chunk.byteLength
          }
          return length > maxBytes ? Effect.fail(tooLarge) : readAll(pull)
        },
        onFailure: (cause) => Effect.failCause(cause),
        onDone: () => Effect.succeed(new TextDecoder().decode(join(chunks, length))),
      })
    return Effect.onExit(Effect.flatMap(Channel.toPullScoped(response.stream.channel, scope), readAll), (exit) =>
      Scope.close(scope, exit),
    )
  })
