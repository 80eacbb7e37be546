/**
 * Text of a server, made safe for a terminal: control characters, marks of direction and invisible characters are shown
 * as escapes, so that an answer cannot move the cursor, change a title or hide a word. Line feeds and tabs stay.
 */

/** C0 without tab and line feed, DEL, C1, marks of direction and width, line separators (Unicode TR 36, section 3). */
// oxlint-disable-next-line no-control-regex
const obeyed = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

const escape = (character: string): string => {
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`
}

export const SafeText = {
  /** `\x1b[2J` for the bytes that clear a screen. A carriage return before a line feed is dropped. */
  escaped: (text: string): string => text.replace(/\r+\n/g, "\n").replace(obeyed, escape),
}
