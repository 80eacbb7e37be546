/**
 * Settings as YAML: names with texts, numbers and lists, in the block or the flow style. Anchors, aliases, tags and
 * documents behind the first are refused, so that a file means what stands in it and cannot grow when it is read.
 */
import type * as Result from "effect/Result"
import { readObject } from "./JsonSettings.ts"
import { noSettings, notAValue, type Problem, SettingsText, structured } from "./SettingsText.ts"

const indentation = (line: string): number => line.length - line.trimStart().length
const isEmpty = (line: string): boolean => /^\s*(?:#|$)/.test(line)
const isItem = (line: string): boolean => /^\s*-(?:\s|$)/.test(line)

/** A value without quotes. What could be taken for another is refused, not guessed. */
const plain = (text: SettingsText, raw: string, at: number): string | undefined => {
  if (/^[&*!]/.test(raw))
    return text.fail("uses an anchor, an alias or a tag, which are not supported; write the value", at)
  if (/^[@`%,]/.test(raw)) return text.fail("begins with a reserved character; put the value in quotes", at)
  if (/:(?:\s|$)/.test(raw)) return text.fail("contains a colon and a space; put the value in quotes", at)
  return /^(?:~|null|Null|NULL)$/.test(raw) ? "" : raw
}

const beforeComment = (line: string): string => line.replace(/(?:^|[ \t])#.*$/, "").trimEnd()

/** Lines as one paragraph; an empty line ends one, and what is indented stays as it is. */
const folded = (lines: ReadonlyArray<string>): string => {
  let value = ""
  let before: string | undefined
  let empty = 0
  for (const line of lines) {
    if (line.trim() === "") empty++
    else {
      const isParagraph = before !== undefined && !/^\s/.test(before) && !/^\s/.test(line)
      if (before === undefined) value += "\n".repeat(empty) + line
      else value += (!isParagraph ? "\n".repeat(empty + 1) : empty === 0 ? " " : "\n".repeat(empty)) + line
      before = line
      empty = 0
    }
  }
  return value + "\n".repeat(empty)
}

class YamlReader {
  readonly text: SettingsText
  private index = 0
  private readonly lines: ReadonlyArray<string>
  private readonly starts: Array<number> = []
  private indent: number | undefined

  constructor(content: string) {
    this.text = new SettingsText(content.replaceAll(/\r\n?/g, "\n"))
    this.lines = this.text.text.split("\n")
    let start = 0
    for (const line of this.lines) {
      this.starts.push(start)
      start += line.length + 1
    }
  }

  private get line(): string | undefined {
    return this.lines[this.index]
  }

  private at(column = 0): number {
    return (this.starts[this.index] ?? this.text.text.length) + column
  }

  private skipEmpty(): void {
    while (this.line !== undefined && isEmpty(this.line)) this.index++
  }

  read(): void {
    const { text } = this
    while (this.line !== undefined && (isEmpty(this.line) || this.line.startsWith("%"))) this.index++
    if (/^---\s*(?:#|$)/.test(this.line ?? "")) this.index++
    this.skipEmpty()
    if (this.line === undefined) return
    if (/^\s*\{/.test(this.line)) {
      text.position = this.at()
      return readObject(text)
    }
    if (isItem(this.line) || /^\s*\[/.test(this.line)) {
      text.fail(noSettings, this.at())
      return
    }
    while (this.line !== undefined && text.problem === undefined && !/^\.\.\.\s*$/.test(this.line)) {
      this.setting(this.line)
      this.skipEmpty()
    }
  }

  private setting(line: string): void {
    const { text } = this
    const indent = indentation(line)
    this.indent ??= indent
    text.position = this.at(indent)
    if (line.startsWith("---")) text.fail("the file holds more than one document")
    else if (line.slice(0, indent).includes("\t")) text.fail("indent with spaces, not with a tab", this.at())
    else if (indent !== this.indent) text.fail("expected the indentation of the first name")
    if (text.problem !== undefined) return
    const key = /^["']/.test(line.slice(indent))
      ? text.quoted(true)
      : text.take(/[^:#\n]+(?:[:#](?![\s])[^:#\n]+)*/y)?.trimEnd()
    text.take(/[ \t]*/y)
    if (key === undefined || text.take(/:(?=\s|$)[ \t]*/y) === undefined) {
      text.fail("expected a name followed by a colon and a space", this.at(indent))
      return
    }
    text.key = key
    if (key === "<<") text.fail("merge keys are not supported; write the settings themselves")
    const value = text.problem === undefined ? this.value() : undefined
    if (value !== undefined && text.problem === undefined) text.add(key, value)
  }

  /** The value behind a name, and the lines that belong to it. */
  private value(): string | undefined {
    const { text } = this
    const rest = this.text.text.slice(text.position, this.at(this.line?.length))
    if (/^[[{]/.test(rest) && structured.has(text.key ?? "")) {
      const value = text.json()
      text.endLine()
      while (this.index < this.lines.length && this.at() < text.position) this.index++
      return value
    }
    if (/^["'[]/.test(rest)) {
      const value = rest.startsWith("[") ? text.list(true, () => this.flowScalar()) : text.quoted(true)
      text.endLine()
      while (this.index < this.lines.length && this.at() < text.position) this.index++
      return value
    }
    if (rest.startsWith("{")) return text.fail(notAValue)
    if (/^[|>]/.test(rest)) return this.block(rest)
    const first = beforeComment(rest)
    const start = text.position
    this.index++
    return first === "" ? this.below() : plain(text, this.continued(first), start)
  }

  private flowScalar(): string | undefined {
    const { text } = this
    if (text.startsWith('"') || text.startsWith("'")) return text.quoted(true)
    const start = text.position
    const raw = text.take(/[^,\]\n#]+/y)?.trimEnd()
    return raw === undefined ? text.fail("lacks an item") : plain(text, raw, start)
  }

  /** A plain text goes on in lines that are indented further. */
  private continued(first: string): string {
    let value = first
    while (this.line !== undefined && !isEmpty(this.line) && indentation(this.line) > (this.indent ?? 0)) {
      value += ` ${beforeComment(this.line).trim()}`
      this.index++
    }
    return value
  }

  /** What stands below a name without a value: a list, a text, or nothing. */
  private below(): string | undefined {
    const { text } = this
    this.skipEmpty()
    const { line } = this
    const indent = this.indent ?? 0
    if (line === undefined || indentation(line) < indent || (indentation(line) === indent && !isItem(line))) return ""
    if (!isItem(line)) {
      const start = this.at(indentation(line))
      if (/^\s*["'[{|>]/.test(line) || /:(?:\s|$)/.test(beforeComment(line))) return text.fail(notAValue, start)
      this.index++
      return plain(text, this.continued(beforeComment(line).trim()), start)
    }
    const depth = indentation(line)
    if (structured.has(text.key ?? "")) return this.entries(depth)
    const items: Array<string> = []
    for (; this.line !== undefined && isItem(this.line) && indentation(this.line) === depth; this.index++) {
      text.position = this.at(depth + 1)
      text.take(/[ \t]*/y)
      const isQuoted = text.startsWith('"') || text.startsWith("'")
      const raw = beforeComment(this.text.text.slice(text.position, this.at(this.line.length)))
      if (/^(?:[[{|>]|-\s|$)/.test(raw)) return text.fail(notAValue)
      const item = isQuoted ? text.quoted(true) : plain(text, raw, text.position)
      if (isQuoted) text.endLine()
      if (item === undefined || text.problem !== undefined) return undefined
      items.push(item)
    }
    return items.join(",")
  }

  /** A list of maps, each of names with plain values, as JSON. */
  private entries(depth: number): string | undefined {
    const { text } = this
    const all: Array<Array<string>> = []
    for (this.skipEmpty(); this.line !== undefined && indentation(this.line) >= depth; this.skipEmpty()) {
      const { line } = this
      const begins = isItem(line) && indentation(line) === depth
      if (!begins && (indentation(line) <= depth || isItem(line))) break
      text.position = this.at(begins ? depth + 1 : 0)
      text.take(/[ \t]*/y)
      const name = text.take(/[\w-]+/y)
      if (name === undefined || text.take(/:(?=\s|$)[ \t]*/y) === undefined) return text.fail(notAValue)
      if (begins) all.push([])
      const isQuoted = text.startsWith('"') || text.startsWith("'")
      const raw = beforeComment(text.text.slice(text.position, this.at(line.length)))
      if (/^[[{|>]/.test(raw)) return text.fail(notAValue)
      const value = isQuoted ? text.quoted(true) : plain(text, raw, text.position)
      if (isQuoted) text.endLine()
      if (value === undefined || text.problem !== undefined) return undefined
      const isBare = !isQuoted && /^(?:true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?)$/.test(value)
      if (isQuoted || value !== "")
        all.at(-1)?.push(`${JSON.stringify(name)}:${isBare ? value : JSON.stringify(value)}`)
      this.index++
    }
    return `[${all.map((one) => `{${one.join(",")}}`).join(",")}]`
  }

  /** A text over several lines behind `|` or `>`. */
  private block(header: string): string | undefined {
    const { text } = this
    const found = /^([|>])(?:([+-])?([1-9])?|([1-9])([+-])?)[ \t]*(?:#.*)?$/.exec(header)
    if (found === null) return text.fail("has an unknown block scalar header")
    const chomping = found[2] ?? found[5]
    const lines: Array<string> = []
    const outer = this.indent ?? 0
    for (this.index++; this.line !== undefined; this.index++) {
      if (this.line.trim() !== "" && indentation(this.line) <= outer) break
      lines.push(this.line)
    }
    const told = found[3] ?? found[4]
    const depth =
      told === undefined ? indentation(lines.find((line) => line.trim() !== "") ?? "") : outer + Number(told)
    const body = lines.map((line) => line.slice(depth))
    const value = found[1] === ">" ? folded(body) : body.join("\n")
    return chomping === "+" ? value : value.trimEnd() + (chomping === "-" || value.trim() === "" ? "" : "\n")
  }
}

export const read = (content: string): Result.Result<ReadonlyMap<string, string>, Problem> => {
  const reader = new YamlReader(content)
  reader.read()
  return reader.text.result()
}
