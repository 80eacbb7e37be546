/**
 * The socket writes that one streamed answer is made of. Made once for each kind and length, then only written.
 */
import { closingEvents, openingEvents, pieceEvents, streamHead, type Wire } from "./Answers.ts"

/** `large`: about 16 KB of events in a write, as from a proxy that buffers. `small`: one event in a write, a millisecond apart. */
export type Writes = "large" | "small"

const largeWriteBytes = 16_384
const lastChunk = "0\r\n\r\n"

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

const make = (wire: Wire, writes: Writes, pieces: number): ReadonlyArray<Buffer> => {
  const opening = streamHead.toString() + chunk(openingEvents[wire])
  const closing = chunk(closingEvents(wire, pieces)) + lastChunk
  const events = pieceEvents[wire]
  const perRun = events.length
  const run = events.join("")
  const perWrite = writes === "small" ? 1 : Math.floor(largeWriteBytes / run.length) * perRun
  const written = (from: number, count: number): Buffer =>
    Buffer.from(chunk(Array.from({ length: count }, (_, index) => events[(from + index) % perRun] ?? "").join("")))
  // Writes that begin at the same piece are one buffer: a long script costs no memory.
  const known = new Map<number, Buffer>()
  const full = (from: number): Buffer => {
    const before = known.get(from % perRun)
    if (before !== undefined) return before
    const buffer = written(from, perWrite)
    known.set(from % perRun, buffer)
    return buffer
  }
  const whole = Math.floor(pieces / perWrite)
  const script = Array.from({ length: whole }, (_, index) => full(index * perWrite))
  const rest = pieces % perWrite
  if (rest > 0) script.push(written(whole * perWrite, rest))
  return [Buffer.from(opening), ...script, Buffer.from(closing)]
}

const made = new Map<string, ReadonlyArray<Buffer>>()

/** The writes of a stream of `pieces` pieces, the head of the response included. */
export const streamScript = (wire: Wire, writes: Writes, pieces: number): ReadonlyArray<Buffer> => {
  const key = `${wire}/${writes}/${pieces}`
  const known = made.get(key)
  if (known !== undefined) return known
  const script = make(wire, writes, pieces)
  made.set(key, script)
  return script
}
