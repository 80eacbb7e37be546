/**
 * Text of a server, made safe for a terminal: control characters, marks of direction and invisible characters are shown
 * as escapes, so that an answer cannot move the cursor, change a title or hide a word. Line feeds and tabs stay; carriage
 * returns are left out.
 */

/** C0 without tab and line feed, DEL, C1, marks of direction and width, line separators, tags (Unicode TR 36, section 3). */
const obeyed =
  // oxlint-disable-next-line no-control-regex
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu

// oxlint-disable-next-line no-control-regex
const style = /(\x1b\[[0-9;]*m)/

const escape = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`
}

/** `\x1b[2J` for the bytes that clear a screen. */
export const escaped = (text: string): string => text.replaceAll("\r", "").replace(obeyed, escape)

/** The same for text that has been styled here: colours stay. */
export const escapedAroundStyles = (text: string): string =>
  text
    .split(style)
    .map((piece, index) => (index % 2 === 1 ? piece : escaped(piece)))
    .join("")

/** Markdown whose character references (`&#27;`) cannot become what is escaped here. */
export const withoutControlReferences = (markdown: string): string =>
  markdown.replace(/&#(x[0-9a-f]+|[0-9]+);?/gi, (reference, digits: string) => {
    const code = /^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 10)
    if (code > 0x10ffff) return reference
    const character = String.fromCodePoint(code)
    return escaped(character) === character ? reference : escape(character)
  })
