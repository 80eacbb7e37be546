/** Settings as TOML: names with texts, numbers, dates and lists. Tables are those of a structured setting only. */
import type * as Result from "effect/Result"
import { notAValue, type Problem, SettingsText, structured } from "./SettingsText.ts"

/** What stands without quotes: numbers of every form, dates, `true`, `false`. */
const bare = /(?:true|false|[+-]?(?:inf|nan)|[+-]?\d[\w.+:-]*(?: \d\d:\d\d[\w.+:-]*)?)(?=[\s,\]#]|$)/y

/** Digits may be grouped with underscores; no other form of a number is changed. */
const withoutGroups = (value: string): string =>
  /^[+-]?\d[\d_]*(?:\.\d[\d_]*)?$/.test(value) ? value.replaceAll("_", "") : value

/** A text over several lines, in three quotes. */
const multiLine = (text: SettingsText, quote: string): string | undefined => {
  const start = text.position
  text.position += quote.length
  text.take(/\r?\n/y)
  const from = text.position
  const end = text.text.indexOf(quote, from)
  if (end < 0) return text.fail("lacks the closing quotes", start)
  text.position = end + quote.length
  const raw = text.text.slice(from, end)
  if (quote === "'''" || !raw.includes("\\")) return raw
  // The escapes of a text in quotes, line by line; a backslash at the end of a line joins it to the next.
  const inner = new SettingsText(
    `"${raw
      .replaceAll(/\\[ \t]*\r?\n\s*/g, "")
      .replaceAll('"', '\\"')
      .replaceAll("\n", "\\n")}"`,
  )
  const value = inner.quoted(false)
  return value === undefined ? text.fail("has an unknown escape", start) : value
}

const scalar = (text: SettingsText): string | undefined => {
  for (const quote of ['"""', "'''"]) if (text.startsWith(quote)) return multiLine(text, quote)
  if (text.startsWith('"') || text.startsWith("'")) return text.quoted(false)
  if (text.startsWith("{")) return text.fail(notAValue)
  const value = text.take(bare)
  return value === undefined ? text.fail("is not a TOML value; put text in quotes") : withoutGroups(value)
}

/** A value as JSON: what reads as a JSON number or a truth value is one, everything else is a text. */
const jsonValue = (text: SettingsText): string | undefined => {
  const isText = text.startsWith('"') || text.startsWith("'")
  const value = scalar(text)
  if (value === undefined) return undefined
  return !isText && /^(?:true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(value)
    ? value
    : JSON.stringify(value)
}

/** The tables `[[NAME]]` of a structured setting, as the members of JSON objects. */
type Tables = Map<string, Array<Array<string>>>

/** Begins a table where one may begin; undefined where something is wrong with it. */
const table = (text: SettingsText, tables: Tables, start: number): Array<string> | undefined => {
  const key = text.take(/[\w-]+/y)
  text.key = key
  if (key === undefined) return text.fail("expected a name", start)
  if (!structured.has(key) || text.text.slice(start, text.position) !== `[[${key}`) return text.fail(notAValue, start)
  if (text.take(/\]\]/y) === undefined) return text.fail("lacks the closing brackets", start)
  text.endLine()
  const members: Array<string> = []
  const before = tables.get(key)
  if (before === undefined) tables.set(key, [members])
  else before.push(members)
  return members
}

export const read = (content: string): Result.Result<ReadonlyMap<string, string>, Problem> => {
  const text = new SettingsText(content)
  const tables: Tables = new Map()
  let members: Array<string> | undefined
  text.skip(true)
  while (text.isReading) {
    const start = text.position
    if (text.take(/\[+[ \t]*/y) !== undefined) {
      members = table(text, tables, start)
      text.skip(true)
      continue
    }
    const key = text.startsWith('"') || text.startsWith("'") ? text.quoted(false) : text.take(/[\w-]+/y)
    if (members === undefined) text.key = key
    text.take(/[ \t]*/y)
    if (text.startsWith(".")) text.fail(key === undefined ? "expected a name" : notAValue, start)
    else if (key === undefined) text.fail("expected a name")
    else if (text.take(/=[ \t]*/y) === undefined) text.fail("lacks the equals sign after its name")
    if (key === undefined || text.problem !== undefined) break
    if (members !== undefined) {
      const value = jsonValue(text)
      if (value === undefined) break
      members.push(`${JSON.stringify(key)}:${value}`)
      text.endLine()
    } else {
      const value = text.startsWith("[") ? text.list(true, () => scalar(text)) : scalar(text)
      if (value === undefined) break
      text.endLine()
      text.add(key, value)
    }
    text.skip(true)
  }
  for (const [key, all] of tables) text.add(key, `[${all.map((one) => `{${one.join(",")}}`).join(",")}]`)
  return text.result()
}
