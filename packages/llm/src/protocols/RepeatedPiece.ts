/**
 * Most events of a stream are the event before with other text in one place. Where that is all that differs, the text is
 * taken out as it stands and the rest is not parsed again: parsing is the larger half of what a piece costs.
 *
 * It is exact, not a guess. An event is learnt only where its key stands once and nothing in it is escaped, so that the
 * place of its text is certain; the next one is taken only where every character outside that place is the same, and what
 * stands in it is the inside of one JSON string. Then both say the same but for the text, and a decoder that has just read
 * the one has nothing else to do for the other. Two things may differ besides, because they mean nothing: OpenAI's
 * `obfuscation`, and the blanks with which Anthropic pads an event before its last brace.
 */
import type { LlmEvent } from "../model/LlmEvent.ts"
import { parseJson } from "./WireReader.ts"

type Piece = Extract<LlmEvent, { readonly type: "text-delta" | "reasoning-delta" }>

/** Events learnt in vain, one after the other, before it gives up: some services number their events. */
const patience = 16

const blank = 0x20
const quote = 0x22
const colon = 0x3a

/** Where a document ends but for its last brace and the blanks before it; -1 where it ends otherwise. */
const bodyEnd = (data: string): number => {
  if (!data.endsWith("}")) return -1
  let end = data.length - 1
  while (data.charCodeAt(end - 1) === blank) end--
  return end
}

/** Where the text of a key begins, which stands once in the document; -1 where it does not, or has no text. */
const textStart = (data: string, key: string): number => {
  const name = `"${key}"`
  const at = data.indexOf(name)
  const colonAt = at + name.length
  if (at < 0 || data.includes(name, colonAt) || data.charCodeAt(colonAt) !== colon) return -1
  const opening = data.charCodeAt(colonAt + 1) === blank ? colonAt + 2 : colonAt + 1
  return data.charCodeAt(opening) === quote ? opening + 1 : -1
}

/** What needs no decoding: no quote, no escape, no control character. */
const isPlain = (inside: string): boolean => !/["\\]|\p{Cc}/u.test(inside)

/** The text that stands between two quotes; undefined where it is not the inside of one string, or empty. */
const unquoted = (inside: string): string | undefined => {
  if (inside === "") return undefined
  if (isPlain(inside)) return inside
  const text = parseJson(`"${inside}"`)
  return typeof text === "string" ? text : undefined
}

export class RepeatedPiece {
  private piece: Piece | undefined = undefined
  private before = ""
  /** From the end of the text to the obfuscation, in events that have one. */
  private between: string | undefined = undefined
  private after = ""
  private vain = 0

  /** The piece of an event that differs from the one learnt last in nothing but its text. */
  read(data: string): Piece | undefined {
    const { after, before, between, piece } = this
    const start = before.length
    // Four times as fast as `startsWith`, which compares character by character.
    if (piece === undefined || data.slice(0, start) !== before) return undefined
    const end = bodyEnd(data)
    const last = end - after.length
    if (last < start || data.slice(last, end) !== after) return undefined
    let textEnd = last
    if (between !== undefined) {
      textEnd = data.indexOf(between, start)
      const hidden = textEnd + between.length
      if (textEnd < 0 || hidden > last || !isPlain(data.slice(hidden, last))) return undefined
    }
    const delta = unquoted(data.slice(start, textEnd))
    if (delta === undefined) return undefined
    this.vain = 0
    return { type: piece.type, index: piece.index, delta }
  }

  /** An event was read whole and said this one piece, which is the text of `key`. */
  learn(data: string, key: string, piece: Piece): void {
    this.piece = undefined
    const { delta } = piece
    const end = bodyEnd(data)
    if (this.vain === patience || end < 0 || data.includes("\\") || !isPlain(delta)) return
    const start = textStart(data, key)
    if (start < 0 || !data.startsWith(`${delta}"`, start)) return
    this.vain += 1
    this.piece = piece
    this.before = data.slice(0, start)
    const rest = data.slice(start + delta.length, end)
    const hidden = textStart(rest, "obfuscation")
    this.between = hidden < 0 ? undefined : rest.slice(0, hidden)
    this.after = hidden < 0 ? rest : rest.slice(rest.indexOf('"', hidden))
  }

  /** An event was read that said anything else. */
  forget(): void {
    this.piece = undefined
  }
}
