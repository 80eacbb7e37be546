/**
 * Bodies that were compressed on their way (`content-encoding`, RFC 9110 section 8.4), as they were before. No coding is
 * asked for; one that comes all the same is decoded piece by piece, with no more held than one read: limits on a body count
 * decoded bytes, so that a small body which grows without end is given up like a large one.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import { decompressor } from "#decompressor"
import { type Broken, broken, type Exchange, unreadable } from "../Transport.ts"

/** One body's decoder. It is given input only when `isBusy` is false. */
export interface Decompressor {
  readonly write: (bytes: Uint8Array) => void
  /** No more input will come. */
  readonly end: () => void
  /** What has been decoded since the last call; it decodes on only when this was taken. */
  readonly take: () => ReadonlyArray<Uint8Array>
  readonly isBusy: boolean
  readonly isEnded: boolean
  /** Set once; it is closed by then. */
  readonly failure: DecodingFailure | undefined
  /** Calls back once, when anything above has changed since the last call. */
  readonly onChange: (callback: () => void) => () => void
  readonly close: () => void
}

/** The input ended early, or it never was in this coding. */
export interface DecodingFailure {
  readonly isTruncated: boolean
  readonly cause: unknown
}

/** The names of the codings in the order in which they were applied; `identity` is none. */
const codingsOf = (header: string): ReadonlyArray<string> =>
  header
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity")

const bytesOf = (characters: string): ReadonlySet<number> =>
  new Set([...characters].map((character) => character.charCodeAt(0)))

/** The first bytes of JSON, HTML and event streams. A compressed body begins with none of them, but for `[` in Brotli. */
const beginnings = bytesOf('{[<:deir"\r\n\t \u00ef')

/** What may follow `[` in JSON. A body in Brotli that begins with that byte is longer than 64 KiB, and seldom goes on so. */
const afterBracket = bytesOf('{["]\r\n\t ')

const beginsAsText = (coding: string, [first = -1, second = -1]: Uint8Array): boolean =>
  beginnings.has(first) && (first !== 0x5b || coding !== "br" || afterBracket.has(second))

/**
 * The body that `read` gives, decoded as its header says. `mayBeDecoded` is for clients that decode and keep the header:
 * a body that begins as text is then left as it is.
 */
export const decode = (read: Exchange["read"], header: string, mayBeDecoded: boolean): Exchange["read"] => {
  const codings = codingsOf(header)
  return codings.length > mostCodings
    ? Effect.fail(unreadable(`the answer is in more than ${mostCodings} content codings, one within another`))
    : codings.reduceRight((inner, coding) => decodeOne(inner, coding, mayBeDecoded), read)
}

/** A server applies one coding, a proxy another. Each that is undone takes its own memory. */
const mostCodings = 4

type Chunks = Arr.NonEmptyReadonlyArray<Uint8Array>
type Read = Effect.Effect<Chunks, Broken | Cause.Done>

const decodeOne = (read: Exchange["read"], coding: string, mayBeDecoded: boolean): Exchange["read"] => {
  let active: Decompressor | undefined
  let isPlain = false
  let inputEnded = false

  const begin = (chunks: Chunks): Read => {
    const first = chunks.find(isFilled)
    // Nothing but the header said so far that anything is compressed.
    if (first === undefined) return input
    if (mayBeDecoded && beginsAsText(coding, first)) {
      isPlain = true
      return Effect.succeed(chunks)
    }
    return Effect.flatMap(decompressor(coding, first), (made) => {
      if (made === undefined) return Effect.fail(unreadable(unknown(coding)))
      active = made
      return feed(made, chunks)
    })
  }

  const feed = (into: Decompressor, chunks: Chunks): Read => {
    into.write(joined(chunks))
    return output(into)
  }

  const input: Read = Pull.matchEffect(read, {
    onSuccess: (chunks) => (active === undefined ? begin(chunks) : feed(active, chunks)),
    onFailure: (cause) => {
      active?.close()
      return Effect.failCause(cause)
    },
    onDone: () => {
      inputEnded = true
      if (active === undefined) return Cause.done()
      active.end()
      return output(active)
    },
  })

  const output = (from: Decompressor): Read => {
    const chunks = from.take()
    if (Arr.isReadonlyArrayNonEmpty(chunks)) return Effect.succeed(chunks)
    const { failure } = from
    if (failure !== undefined) {
      return Effect.fail(
        failure.isTruncated
          ? broken(failure.cause)
          : unreadable(`the answer's ${coding} coding is corrupt`, failure.cause),
      )
    }
    if (from.isEnded) {
      from.close()
      return Cause.done()
    }
    if (!from.isBusy && !inputEnded) return input
    return Effect.flatMap(
      Effect.callback<void>((resume) => {
        const forget = from.onChange(() => resume(Effect.void))
        return Effect.sync(forget)
      }),
      () => output(from),
    )
  }

  return Effect.suspend(() => (isPlain ? read : active === undefined ? input : output(active)))
}

const isFilled = (bytes: Uint8Array): boolean => bytes.byteLength > 0

/** A server's text is shown only where it can be nothing but a name. */
const unknown = (coding: string): string =>
  `the answer is in a content coding that cannot be decoded here${/^[a-z][a-z0-9-]{1,15}$/.test(coding) ? ` (${coding})` : ""}`

const joined = (chunks: Chunks): Uint8Array => {
  if (chunks.length === 1) return chunks[0]
  const bytes = new Uint8Array(chunks.reduce((total, { byteLength }) => total + byteLength, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
