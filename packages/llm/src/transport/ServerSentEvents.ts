/**
 * Bytes to server-sent events, however the network cut them. Framing is `eventsource-parser`'s (every line end, BOM,
 * comments, `id:` and `retry:` lines, which mean nothing here); this file adds the bytes and the limit.
 */
import { createParser } from "eventsource-parser"

/** Called with an event's name (undefined where it has none) and its data. */
export type OnEvent = (name: string | undefined, data: string) => void

/** Reads one body. `feed` and `end` call `onEvent` as often as events are complete; false says that one is too large. */
export interface EventReader {
  readonly feed: (bytes: Uint8Array) => boolean
  /** The end of the body: an event that only lacks its blank line is complete. */
  readonly end: () => boolean
}

/** The longest beginning of a line that the parser counts with what it holds, though it is no data: `event: `. */
const longestPrefix = 7

/** A reader of one body of whose events the data and the name hold at most `maxEventLength` characters each. */
export const make = (maxEventLength: number, onEvent: OnEvent): EventReader => {
  const decoder = new TextDecoder()
  let withinLimit = true
  const parser = createParser({
    // It looks at what is not whole yet, however the network cut it; an event that comes whole is looked at here.
    maxBufferSize: maxEventLength + longestPrefix,
    onEvent: ({ data, event }) => {
      if (Math.max(data.length, event?.length ?? 0) > maxEventLength) withinLimit = false
      if (withinLimit) onEvent(event, data)
    },
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") withinLimit = false
    },
  })
  const feed = (text: string) => {
    if (withinLimit) parser.feed(text)
    return withinLimit
  }
  return {
    feed: (bytes) => feed(decoder.decode(bytes, { stream: true })),
    end: () => feed(`${decoder.decode()}\n\n`),
  }
}
