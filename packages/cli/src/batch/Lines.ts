/** The lines of a stream of bytes, one at a time: a reader who pauses pauses the stream, and a line has a limit. */
import { StringDecoder } from "node:string_decoder"

/** A line without its end. `text` is undefined where it is longer than the limit; `end` is the byte after it. */
export interface Line {
  readonly number: number
  readonly text: string | undefined
  readonly end: number
  /** False for what follows the last line end: where a writer was killed, half a line. */
  readonly isEnded: boolean
}

/** The most characters of a line: 64 MiB, as large as an answer may be. */
export const maxLine = 64 * 1024 * 1024

const lineFeed = 10

/** Reads the lines. Empty ones, and a byte order mark, are left out; numbers count from 1. */
export const linesOf = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let decoder = new StringDecoder("utf8")
  let pieces: Array<string> = []
  let length = 0
  let number = 1
  let position = 0
  let bytes = 0
  const take = (isEnded: boolean): Line | undefined => {
    const text = length > maxLine ? undefined : (pieces.join("") + decoder.end()).replace(/^\uFEFF/, "")
    const line = { number, text, end: position, isEnded }
    decoder = new StringDecoder("utf8")
    pieces = []
    length = 0
    bytes = 0
    number += 1
    return text?.trim() === "" ? undefined : line
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let at = chunk.indexOf(lineFeed); at !== -1; at = chunk.indexOf(lineFeed, from)) {
      add(chunk.subarray(from, at))
      position += 1
      from = at + 1
      const line = take(true)
      if (line !== undefined) yield line
    }
    add(chunk.subarray(from))
  }
  if (bytes > 0) {
    const line = take(false)
    if (line !== undefined) yield line
  }

  function add(part: Uint8Array): void {
    position += part.length
    bytes += part.length
    length += part.length
    // What is past the limit is not kept.
    if (length <= maxLine) pieces.push(decoder.write(part))
  }
}
