/**
 * What the readers of JSON, TOML and YAML settings have in common: a place in the text, quoted texts, lists, and the first
 * problem with its place. Values are read as the text that stands there, so that `0x1F`, `12e4567` and dates stay as they
 * were written. A problem never quotes the file: keys stand in it.
 */
import * as Result from "effect/Result"

/** What is wrong with a file: the place, the setting that is being read there, and the reason in words. */
export interface Problem {
  readonly line: number
  readonly column: number
  readonly key: string | undefined
  readonly reason: string
  /** What is wrong: the file holds no settings at all, a setting has a value that none can have, or the text is broken. */
  readonly about: "file" | "value" | "text"
}

/** A file that holds anything but a list of names with values. */
export const noSettings = "holds no settings"

/** A value that no setting can have. */
export const notAValue = "is neither a text, a number, nor a list of them"

/** Settings that hold a list of tables: their value is its JSON, however the file writes it. */
export const structured: ReadonlySet<string> = new Set(["DEPLOYMENTS"])

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  e: "\x1b",
  "0": "\0",
  " ": " ",
  "/": "/",
  '"': '"',
  "\\": "\\",
}

const escapeDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

/** A text being read, and the settings found in it so far. */
export class SettingsText {
  readonly text: string
  readonly settings = new Map<string, string>()
  position = 0
  /** The setting that is being read. */
  key: string | undefined
  problem: Problem | undefined

  constructor(text: string) {
    this.text = text.replace(/^\uFEFF/, "")
  }

  get atEnd(): boolean {
    return this.position >= this.text.length
  }

  /** True while there is something to read and nothing went wrong. */
  get isReading(): boolean {
    return this.problem === undefined && !this.atEnd
  }

  /** Notes the first problem; where it stood is the present position unless said otherwise. */
  fail(reason: string, at = this.position): undefined {
    const before = this.text.slice(0, at)
    const line = before.split("\n").length
    const column = at - before.lastIndexOf("\n")
    const about = reason === noSettings ? "file" : reason === notAValue ? "value" : "text"
    this.problem ??= { line, column, key: this.key, reason, about }
    return undefined
  }

  add(key: string, value: string): void {
    if (this.settings.has(key)) this.fail("is set twice")
    else this.settings.set(key, value)
    this.key = undefined
  }

  result(): Result.Result<ReadonlyMap<string, string>, Problem> {
    return this.problem === undefined ? Result.succeed(this.settings) : Result.fail(this.problem)
  }

  startsWith(piece: string): boolean {
    return this.text.startsWith(piece, this.position)
  }

  /** Takes what a sticky expression matches here. */
  take(expression: RegExp): string | undefined {
    expression.lastIndex = this.position
    const found = expression.exec(this.text)?.[0]
    if (found !== undefined) this.position += found.length
    return found
  }

  /** Passes over white space and, where the format has them, comments. */
  skip(hasComments: boolean): void {
    for (let before = -1; before !== this.position;) {
      before = this.position
      this.take(/[\s\uFEFF]*/y)
      if (hasComments) this.take(/#[^\n]*/y)
    }
  }

  /** The rest of a line may hold blanks and a comment only. */
  endLine(): void {
    this.take(/[ \t\r]*/y)
    if (this.startsWith("#")) this.take(/[^\n]*/y)
    if (!this.atEnd && this.take(/\n/y) === undefined) this.fail("is followed by more text on its line")
  }

  /** A text in double quotes with escapes, or in single ones, where `''` may stand for a quote. */
  quoted(doubledQuote: boolean): string | undefined {
    const start = this.position
    const quote = this.text.charAt(start)
    const pieces: Array<string> = []
    let copied = ++this.position
    for (; !this.atEnd && this.text.charAt(this.position) !== "\n"; this.position++) {
      const character = this.text.charAt(this.position)
      if (character === "\\" && quote === '"') {
        pieces.push(this.text.slice(copied, this.position))
        pieces.push(this.escaped() ?? "")
        if (this.problem !== undefined) return undefined
        copied = this.position + 1
      } else if (character === quote) {
        pieces.push(this.text.slice(copied, this.position))
        this.position++
        if (!doubledQuote || quote !== "'" || !this.startsWith("'")) return pieces.join("")
        copied = this.position
      }
    }
    return this.fail("lacks the closing quote on its line", start)
  }

  /** The character that an escape means; leaves the position at its last character. */
  private escaped(): string | undefined {
    const name = this.text.charAt(++this.position)
    const digits = escapeDigits[name]
    if (digits === undefined) return escapes[name] ?? this.fail("has an unknown escape")
    const hex = this.text.slice(this.position + 1, this.position + 1 + digits)
    const code = Number.parseInt(hex, 16)
    if (!/^[0-9a-f]+$/i.test(hex) || hex.length < digits || code > 0x10ffff) {
      return this.fail("has an unknown escape")
    }
    this.position += digits
    return String.fromCodePoint(code)
  }

  /** A list or an object in JSON, as it stands there. */
  json(): string | undefined {
    const start = this.position
    let depth = 0
    do {
      const character = this.text.charAt(this.position)
      if (character === '"') {
        if (this.quoted(false) === undefined) return undefined
        continue
      }
      if (/[[{]/.test(character)) depth += 1
      if (/[\]}]/.test(character)) depth -= 1
      this.position += 1
    } while (depth > 0 && !this.atEnd)
    const value = this.text.slice(start, this.position)
    return Result.isFailure(Result.try((): unknown => JSON.parse(value))) ? this.fail("is not JSON", start) : value
  }

  /** A list in brackets, as the environment would hold it, separated by commas; `read` reads one item. */
  list(hasComments: boolean, read: () => string | undefined): string | undefined {
    const items: Array<string> = []
    const start = this.position++
    this.skip(hasComments)
    while (this.isReading && !this.startsWith("]")) {
      const item = this.startsWith("[") || this.startsWith("{") ? this.fail(notAValue) : read()
      if (item === undefined) return undefined
      items.push(item)
      this.skip(hasComments)
      if (this.take(/,/y) === undefined && !this.startsWith("]"))
        return this.fail("lacks a comma or the closing bracket")
      this.skip(hasComments)
    }
    if (this.problem !== undefined) return undefined
    return this.take(/\]/y) === undefined ? this.fail("lacks the closing bracket", start) : items.join(",")
  }
}
