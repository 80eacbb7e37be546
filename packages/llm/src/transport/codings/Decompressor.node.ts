/** Decoders of gzip, deflate, Brotli and Zstandard by Node's zlib, loaded with the first body that needs one. */
import type { Transform } from "node:stream"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { DecodingFailure, Decompressor } from "./ContentCoding.ts"

const loadZlib = Effect.promise(() => import("node:zlib"))

class ZlibDecompressor implements Decompressor {
  isBusy = false
  isEnded = false
  failure: DecodingFailure | undefined
  private hasChanged = false
  private changed: (() => void) | undefined
  private readonly stream: Transform

  constructor(stream: Transform) {
    this.stream = stream
    stream.on("readable", () => this.tell())
    stream.on("end", () => {
      this.isEnded = true
      this.tell()
    })
    stream.on("error", (cause) => {
      const isTruncated = Predicate.hasProperty(cause, "code") && cause.code === "Z_BUF_ERROR"
      this.failure ??= { isTruncated, cause }
      this.tell()
    })
  }

  write(bytes: Uint8Array): void {
    this.isBusy = true
    this.stream.write(bytes, () => {
      this.isBusy = false
      this.tell()
    })
  }

  end(): void {
    this.stream.end()
  }

  take(): ReadonlyArray<Uint8Array> {
    const chunks: Array<Uint8Array> = []
    for (let chunk: unknown = this.stream.read(); chunk instanceof Uint8Array; chunk = this.stream.read()) {
      chunks.push(chunk)
    }
    return chunks
  }

  onChange(callback: () => void): () => void {
    if (this.hasChanged) {
      this.hasChanged = false
      callback()
    } else {
      this.changed = callback
    }
    return () => {
      this.changed = undefined
    }
  }

  close(): void {
    this.stream.destroy()
  }

  private tell(): void {
    const { changed } = this
    this.changed = undefined
    this.hasChanged = changed === undefined
    changed?.()
  }
}

/** A body called deflate is one of zlib (RFC 1950), but some servers send the bare stream (RFC 1951). */
const hasZlibHeader = (first: Uint8Array): boolean => ((first[0] ?? 0) & 0x0f) === 8

/** A decoder of a coding by its registered name; undefined for one that Node does not know. `first` is the body's first chunk. */
export const decompressor = (coding: string, first: Uint8Array): Effect.Effect<Decompressor | undefined> =>
  Effect.map(loadZlib, (zlib) => {
    switch (coding) {
      case "gzip":
      case "x-gzip":
        return new ZlibDecompressor(zlib.createGunzip())
      case "deflate":
        return new ZlibDecompressor(hasZlibHeader(first) ? zlib.createInflate() : zlib.createInflateRaw())
      case "br":
        return new ZlibDecompressor(zlib.createBrotliDecompress())
      case "zstd":
        return new ZlibDecompressor(zlib.createZstdDecompress())
      default:
        return undefined
    }
  })
