/**
 * How much one answer may hold, in one place. No honest answer comes near any of it; past a limit the call fails with an
 * `InvalidResponseError` that names the field, never with an exhausted stack or memory. The pieces of a stream have no
 * limit of their own: they are handed on as they come, and `maxBodyBytes` bounds them.
 */

/** What an endpoint may set. */
export interface Limits {
  /** The largest body, streamed or whole, in bytes after decompression. */
  readonly maxBodyBytes: number
  /** The longest event of a stream, in characters. */
  readonly maxEventLength: number
}

/** A picture in base64 is a few MiB and the largest answers that models write are below 1 MiB. */
export const defaultLimits: Limits = { maxBodyBytes: 64 * 1024 * 1024, maxEventLength: 10 * 1024 * 1024 }

/** Levels of JSON. Recursive code (`JSON.stringify`, Schema) needs some thousands of them to exhaust the stack. */
export const maxDepth = 512

/** Parts of one answer, tool calls included. */
export const maxParts = 10_000

/** What an answer carries beside its parts, each kind counted together: citations, details of reasoning. */
export const maxNotes = 10_000

/** The largest number that is taken for a count: sums of such numbers stay finite. */
export const maxCount = Number.MAX_SAFE_INTEGER

const quote = 0x22
const backslash = 0x5c

/** Where the string that begins at `start` ends; -1 where it does not. */
const endOfString = (text: string, start: number): number => {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++
    if (slashes % 2 === 0) return end
  }
  return -1
}

/** True unless the JSON in `text` is nested deeper than `maxDepth`. One pass, before anything is parsed. */
export const isNestedWithin = (text: string): boolean => {
  // Each level has two brackets.
  if (text.length < 2 * maxDepth) return true
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at)
        // The parser says what is wrong with a string that does not end.
        if (at < 0) return true
        break
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > maxDepth) return false
        break
      case 0x7d: // }
      case 0x5d: // ]
        depth--
        break
    }
  }
  return true
}
