/**
 * Blanks known secrets in a text, in every spelling in which a server may echo them: plain, in either case, cut, in
 * base64, percent-encoded, JSON- or HTML-escaped, half-masked. It takes time linear in the text and reads no more than
 * `maxLength` characters of it. It does not guess: what no one gave it is not blanked.
 */

/** Blanks the secrets in a text. */
export type Redact = (text: string) => string

export const blank = "<redacted>"

/** A longer text is cut here: nothing of that length belongs in an error, a log line or a span. */
export const maxLength = 64 * 1024

/** This many characters of a secret in a row are blanked, so that a part of a key does not pass either. */
const window = 8

/** Escapes may stand inside escapes (JSON in JSON, a URL in JSON): so many layers are opened. */
const maxLayers = 3

/**
 * Lower case, and the URL-safe alphabet of base64 as the plain one. A hexadecimal key is the same key in either case, and
 * one table then serves both alphabets.
 */
const folded = new Uint8Array(128)
for (let code = 0; code < 128; code++) folded[code] = code >= 65 && code <= 90 ? code + 32 : code
folded[45] = 43
folded[95] = 47

const foldCode = (code: number): number => (code < 128 ? (folded[code] ?? code) : code)

const fold = (text: string): string => {
  let out = ""
  for (let index = 0; index < text.length; index++) out += String.fromCharCode(foldCode(text.charCodeAt(index)))
  return out
}

/** The base64 of a text at each of the three places where it can begin inside a longer one. */
const base64Spellings = (secret: string): ReadonlyArray<string> => {
  const bytes = new TextEncoder().encode(secret)
  return [0, 1, 2].map((shift) => {
    let binary = "\0".repeat(shift)
    for (const byte of bytes) binary += String.fromCharCode(byte)
    const whole = btoa(binary).replace(/=+$/, "")
    // The first and last characters also hold bits of the neighbours.
    return whole.slice(shift === 0 ? 0 : shift + 1, binary.length % 3 === 0 ? whole.length : -1)
  })
}

/** What is looked for: windows of long secrets, and short secrets as whole words. */
interface Patterns {
  readonly long: ReadonlyArray<string>
  readonly short: ReadonlyArray<string>
  readonly windows: ReadonlySet<string>
  /** Whether a window may end with four characters of this hash: most positions of a text end here. */
  readonly filter: Uint8Array
  readonly shift: number
}

const compile = (secrets: ReadonlyArray<string>): Patterns => {
  const known = [...new Set(secrets.map((secret) => fold(secret.trim())))]
  const long = known.filter((secret) => secret.length >= window)
  const windows = new Set<string>()
  for (const secret of secrets.map((text) => text.trim()).filter((text) => text.length >= window)) {
    for (const spelling of [secret, ...base64Spellings(secret)].map(fold)) {
      for (let end = window; end <= spelling.length; end++) windows.add(spelling.slice(end - window, end))
    }
  }
  const bits = Math.min(20, 8 + Math.ceil(Math.log2(windows.size + 1)))
  const filter = new Uint8Array(1 << bits)
  const shift = 32 - bits
  for (const piece of windows) {
    let hash = 0
    for (let index = window - 4; index < window; index++) hash = (hash << 8) ^ piece.charCodeAt(index)
    filter[Math.imul(hash, 0x9e3779b1) >>> shift] = 1
  }
  return { long, short: known.filter((secret) => secret.length < window && secret.length > 3), windows, filter, shift }
}

/** A text with its escapes opened. `starts[i]` is where its character `i` begins in the original; absent: at `i`. */
interface View {
  readonly text: string
  readonly starts: Uint32Array | undefined
}

const hex = (text: string, start: number, length: number): number => {
  let value = 0
  for (let index = start; index < start + length; index++) {
    const digit = Number.parseInt(text.charAt(index), 16)
    if (Number.isNaN(digit)) return -1
    value = value * 16 + digit
  }
  return value
}

const entities: Readonly<Record<string, string>> = { amp: "&", quot: '"', apos: "'", lt: "<", gt: ">" }

/** One escape at `index`: the character that it means and the length of its spelling; undefined where there is none. */
const escapeAt = (text: string, index: number): readonly [string, number] | undefined => {
  const sign = text.charAt(index)
  if (sign === "%") {
    const code = hex(text, index + 1, 2)
    return code < 0 ? undefined : [String.fromCharCode(code), 3]
  }
  if (sign === "\\") {
    const next = text.charAt(index + 1)
    const digits = next === "u" ? 4 : next === "x" ? 2 : 0
    const code = digits === 0 ? -1 : hex(text, index + 2, digits)
    if (code >= 0) return [String.fromCharCode(code), 2 + digits]
    return next === "" ? undefined : [next, 2]
  }
  if (sign !== "&") return undefined
  const end = text.slice(index, index + 10).indexOf(";")
  if (end < 2) return undefined
  const name = text.slice(index + 1, index + end)
  const code = name.startsWith("#") ? Number(`0${name.slice(1).toLowerCase()}`.replace(/^0(?=\d)/, "")) : Number.NaN
  const character = Number.isInteger(code) && code < 0x10000 ? String.fromCharCode(code) : entities[name.toLowerCase()]
  return character === undefined ? undefined : [character, end + 1]
}

/** The text with one layer of escapes opened, or undefined where it has none. */
const opened = ({ starts, text }: View): View | undefined => {
  const places = new Uint32Array(text.length + 1)
  const pieces: Array<string> = []
  let length = 0
  let copied = 0
  let index = 0
  while (index < text.length) {
    const code = text.charCodeAt(index)
    const found = code === 92 || code === 37 || code === 38 ? escapeAt(text, index) : undefined
    places[length++] = starts === undefined ? index : (starts[index] ?? 0)
    if (found === undefined) index++
    else {
      pieces.push(text.slice(copied, index), found[0])
      index += found[1]
      copied = index
    }
  }
  if (pieces.length === 0) return undefined
  places[length] = starts === undefined ? text.length : (starts[text.length] ?? 0)
  pieces.push(text.slice(copied))
  return { text: pieces.join(""), starts: places }
}

type Mark = (start: number, end: number) => void

/** What else there is to look for in a text: escapes to open, and masks. Most texts have neither. */
const hasEscape = 1
const hasMask = 2
const signs = new Uint8Array(128)
for (const sign of "\\%&") signs[sign.charCodeAt(0)] = hasEscape
for (const sign of "*.#xX[(<{") signs[sign.charCodeAt(0)] = hasMask

/** Marks every window of a long secret; returns which signs the text has. */
const markWindows = (text: string, { filter, shift, windows }: Patterns, mark: Mark): number => {
  let hash = 0
  let found = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    found |= code < 128 ? (signs[code] ?? 0) : hasMask
    hash = (hash << 8) ^ foldCode(code)
    const start = index - window + 1
    if (start < 0 || filter[Math.imul(hash, 0x9e3779b1) >>> shift] === 0) continue
    if (windows.has(fold(text.slice(start, index + 1)))) mark(start, index + 1)
  }
  return found
}

const isWord = (character: string): boolean => /^[A-Za-z0-9]$/.test(character)

/** Words that announce a credential: only behind one is a short secret of letters told apart from an ordinary word. */
const announced = /(?:bearer|basic|key|token|secret|password)[^a-z0-9]{1,4}$/

const markShort = (text: string, short: ReadonlyArray<string>, mark: Mark): void => {
  if (short.length === 0) return
  const plain = fold(text)
  for (const secret of short) {
    const ordinary = /^[a-z]+$/.test(secret)
    for (let at = plain.indexOf(secret); at >= 0; at = plain.indexOf(secret, at + secret.length)) {
      const end = at + secret.length
      if (isWord(plain.charAt(at - 1)) || isWord(plain.charAt(end))) continue
      if (!ordinary || announced.test(plain.slice(Math.max(0, at - 16), at))) mark(at, end)
    }
  }
}

/** What services write in place of the middle of a key. */
const masks = /[*•●·…]+|\.{2,}|x{4,}|#{2,}|[[(<{](?:redacted|hidden|masked|truncated|\.{3}|…)[\])>}]/gi

/** Longer visible ends are found by their windows. */
const longestEnd = 64

const isKeyCharacter = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 45 || code === 95

/** Blanks the visible ends of a known key on both sides of a mask: `sk-ab***yz`, `sk-abcd...wxyz`, `sk-ab[hidden]`. */
const markMasked = (text: string, long: ReadonlyArray<string>, mark: Mark): void => {
  const isEnd = (token: string, left: boolean): boolean =>
    token.length > 1 &&
    long.some((secret) =>
      token.length >= 4 ? secret.includes(token) : left ? secret.startsWith(token) : secret.endsWith(token),
    )
  for (const found of text.matchAll(masks)) {
    let end = found.index
    let start = end
    while (start > 0 && end - start <= longestEnd && isKeyCharacter(text.charCodeAt(start - 1))) start--
    const token = fold(text.slice(start, end))
    if (isEnd(token, true)) mark(start, end)
    else {
      // A text that was cut here may stand right behind another word.
      for (let length = Math.min(window - 1, token.length - 1); length >= 4; length--) {
        if (long.some((secret) => secret.startsWith(token.slice(-length)))) mark(end - length, end)
      }
    }
    start = found.index + found[0].length
    end = start
    while (end < text.length && end - start <= longestEnd && isKeyCharacter(text.charCodeAt(end))) end++
    if (isEnd(fold(text.slice(start, end)), false)) mark(start, end)
  }
}

const redactWith = (patterns: Patterns, whole: string): string => {
  const original = whole.length > maxLength ? `${whole.slice(0, maxLength)}…` : whole
  const ranges: Array<readonly [number, number]> = []
  let view: View | undefined = { text: original, starts: undefined }
  for (let layer = 0; view !== undefined && layer <= maxLayers; layer++) {
    const { starts, text }: View = view
    const mark: Mark = (start, end) =>
      ranges.push(starts === undefined ? [start, end] : [starts[start] ?? 0, starts[end] ?? 0])
    const found = markWindows(text, patterns, mark)
    markShort(text, patterns.short, mark)
    if ((found & hasMask) !== 0 && patterns.long.length > 0) markMasked(text, patterns.long, mark)
    view = (found & hasEscape) !== 0 && layer < maxLayers ? opened(view) : undefined
  }
  if (ranges.length === 0) return original
  ranges.sort(([left], [right]) => left - right)
  const pieces: Array<string> = []
  let copied = 0
  for (const [start, end] of ranges) {
    if (start > copied || pieces.length === 0) pieces.push(original.slice(copied, start), blank)
    copied = Math.max(copied, end)
  }
  pieces.push(original.slice(copied))
  return pieces.join("")
}

/** So many secrets are kept: a token that is renewed all day must not pile up. */
const maxSecrets = 64

/** So many texts without a secret are remembered, none longer than this: names of models, finish reasons. */
const maxClean = 64
const longestClean = 32

/**
 * Knows the secrets that it was given. One shorter than eight characters is blanked as a whole word only, and one of
 * letters only behind a word such as `key` or `Bearer`; a text shorter than four is no secret.
 */
export class Redactor {
  private secrets: ReadonlyArray<string> = []
  private patterns: Patterns | undefined
  /** Short texts that hold no secret. The same few come with every answer. */
  private readonly clean = new Set<string>()

  constructor(secrets: ReadonlyArray<string> = []) {
    this.learn(secrets)
  }

  /** Adds secrets, the newest in place of the oldest: a key may be renewed while answers to the old one still come. */
  learn(found: ReadonlyArray<string>): void {
    if (found.every((secret) => this.secrets.includes(secret))) return
    const before = this.secrets.filter((secret) => !found.includes(secret))
    this.secrets = [...before, ...new Set(found)].slice(-maxSecrets)
    this.patterns = undefined
    this.clean.clear()
  }

  /** The text with every secret blanked. */
  readonly redact: Redact = (text) => {
    if (this.secrets.length === 0) return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
    if (text.length <= longestClean && this.clean.has(text)) return text
    const shown = redactWith((this.patterns ??= compile(this.secrets)), text)
    if (shown === text && text.length <= longestClean) {
      if (this.clean.size === maxClean) this.clean.clear()
      this.clean.add(text)
    }
    return shown
  }

  /** True where the text holds a whole secret as it is. */
  holdsSecret(text: string): boolean {
    return this.secrets.some((secret) => secret.length >= window && text.includes(secret))
  }
}
