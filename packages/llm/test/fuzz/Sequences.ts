/**
 * Random event streams and how they break, and a small reader that says what a caller must see of each. It knows the four
 * kinds of event that it sends, and nothing of the library's readers.
 */
import * as fc from "fast-check"
import { delay, end, reset, type Step, stall, write } from "../faults/FaultServer.ts"
import { chunk, lastChunk, streamHead } from "../faults/HttpText.ts"
import { comment, fullText, type WireText } from "../faults/WireText.ts"

/** One event, or a group of them that belong together. */
export type Piece =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "noise"; readonly kind: "ping" | "unknown" | "comment" | "blank" }

/** How the stream ends: in order, early (FIN, RST or silence), or with a failure in the provider's words. */
export type End = "whole" | "fin" | "last-chunk" | "reset" | "stall" | "overloaded"

export interface Sequence {
  readonly pieces: ReadonlyArray<Piece>
  readonly end: End
  /** Where the bytes are cut into writes: lengths, used round and round. */
  readonly cuts: ReadonlyArray<number>
  /** Where the stream breaks off, as a share of its bytes; only where it does not end in order. */
  readonly brokenAt: number
}

const texts = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }),
  fc.constantFrom("\n\n", "data: ", "[DONE]", '"}', "\\", "\u2028", "🌍", "é", "\r\n"),
)

export const sequences: fc.Arbitrary<Sequence> = fc.record({
  pieces: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: texts.map((text): Piece => ({ type: "text", text })) },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom("ping" as const, "unknown" as const, "comment" as const, "blank" as const)
          .map((kind): Piece => ({ type: "noise", kind })),
      },
    ),
    { maxLength: 8 },
  ),
  end: fc.constantFrom<End>("whole", "whole", "fin", "last-chunk", "reset", "stall", "overloaded"),
  cuts: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 }),
  brokenAt: fc.double({ min: 0, max: 1, noNaN: true }),
})

const noise = (wire: WireText, kind: Extract<Piece, { readonly type: "noise" }>["kind"]): string => {
  switch (kind) {
    case "ping":
      return wire.ping
    case "unknown":
      return wire.unknownEvents
    case "comment":
      return comment("a\u2028b")
    case "blank":
      return "\n\n"
  }
}

const eventsOf = (wire: WireText, { pieces }: Sequence): ReadonlyArray<string> =>
  pieces.map((piece) => (piece.type === "text" ? wire.piece(piece.text) : noise(wire, piece.kind)))

const textOf = ({ pieces }: Sequence): string =>
  pieces.flatMap((piece) => (piece.type === "text" ? [piece.text] : [])).join("")

/** The end of a stream; Responses repeats the whole text there. */
const finishOf = (wire: WireText, sequence: Sequence): string =>
  (wire.finish + wire.terminal).replaceAll(JSON.stringify(fullText), () => JSON.stringify(textOf(sequence)))

/** The bytes of the stream up to where it breaks off. */
const bytesOf = (wire: WireText, sequence: Sequence): Buffer => {
  const body = wire.opening + eventsOf(wire, sequence).join("")
  if (sequence.end === "whole") return Buffer.from(body + finishOf(wire, sequence))
  if (sequence.end === "overloaded") return Buffer.from(body + wire.errorEvent("overloaded"))
  const bytes = Buffer.from(body)
  return bytes.subarray(0, Math.floor(bytes.length * sequence.brokenAt))
}

/** What the server does. */
export const stepsOf = (wire: WireText, sequence: Sequence): ReadonlyArray<Step> => {
  const bytes = bytesOf(wire, sequence)
  const steps: Array<Step> = [streamHead()]
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = sequence.cuts[turn % sequence.cuts.length] ?? 1
    steps.push(chunk(bytes.subarray(at, at + length)), delay(0))
    at += length
  }
  const { end: kind } = sequence
  if (kind === "whole" || kind === "overloaded" || kind === "last-chunk") return [...steps, lastChunk]
  return [...steps, kind === "fin" ? end : kind === "reset" ? reset : stall, write("")]
}

/** What a caller must see: the texts that it may have got, and how the stream ended. */
export interface Due {
  readonly end: "answered" | ReadonlyArray<string>
  readonly text: string
  /** False where bytes on their way may be lost (RST, or a clock that runs): a beginning of the text is as good. */
  readonly whole: boolean
}

/** The texts of every event that came whole, blank line included; the last may lack its blank line at an end of input. */
export const dueOf = (wire: WireText, sequence: Sequence): Due => {
  if (sequence.end === "whole") return { end: "answered", text: textOf(sequence), whole: true }
  if (sequence.end === "overloaded") return { end: ["OverloadedError"], text: textOf(sequence), whole: true }
  const sent = bytesOf(wire, sequence).length
  let at = Buffer.byteLength(wire.opening)
  let text = ""
  for (const [place, event] of eventsOf(wire, sequence).entries()) {
    at += Buffer.byteLength(event)
    const piece = sequence.pieces[place]
    if (at > sent + 2 || piece === undefined) break
    // Cut in its own blank line an event may count or not.
    if (at > sent) return { ...broken(sequence), text: text + (piece.type === "text" ? piece.text : ""), whole: false }
    if (piece.type === "text") text += piece.text
  }
  return { ...broken(sequence), text }
}

const broken = ({ end }: Sequence): Omit<Due, "text"> => ({
  end: end === "stall" ? ["TimeoutError"] : ["StreamInterruptedError", "ConnectionError"],
  whole: end === "fin" || end === "last-chunk",
})
