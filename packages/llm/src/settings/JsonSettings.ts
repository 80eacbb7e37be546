/** Settings as JSON: one object of texts, numbers and lists. Numbers are read as they were written, not as doubles. */
import type * as Result from "effect/Result"
import { noSettings, notAValue, type Problem, SettingsText, structured } from "./SettingsText.ts"

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y

const scalar = (text: SettingsText): string | undefined => {
  if (text.startsWith('"')) return text.quoted(false)
  if (text.startsWith("{")) return text.fail(notAValue)
  const word = text.take(/(?:true|false|null)(?!\w)/y)
  if (word !== undefined) return word === "null" ? "" : word
  return text.take(number) ?? text.fail("is not a JSON value; put text in double quotes")
}

/** Reads an object at the present position, to the end of the text. */
export const readObject = (text: SettingsText): void => {
  text.skip(false)
  if (text.take(/\{/y) === undefined) {
    text.fail(noSettings)
    return
  }
  text.skip(false)
  while (text.isReading && !text.startsWith("}")) {
    const key = text.startsWith('"') ? text.quoted(false) : text.fail("expected a name in double quotes")
    text.skip(false)
    if (key === undefined) return
    text.key = key
    if (text.take(/:/y) === undefined) text.fail("lacks the colon after its name")
    text.skip(false)
    const value =
      structured.has(key) && /^[[{]/.test(text.text.charAt(text.position))
        ? text.json()
        : text.startsWith("[")
          ? text.list(false, () => scalar(text))
          : scalar(text)
    if (value === undefined || text.problem !== undefined) return
    text.add(key, value)
    text.skip(false)
    const comma = text.take(/,/y)
    text.skip(false)
    if (comma === undefined ? !text.startsWith("}") : text.startsWith("}"))
      text.fail("expected a comma or the closing brace")
  }
  if (text.take(/\}/y) === undefined) text.fail("expected the closing brace")
  text.skip(false)
  if (!text.atEnd) text.fail("unexpected text after the closing brace")
}

export const read = (content: string): Result.Result<ReadonlyMap<string, string>, Problem> => {
  const text = new SettingsText(content)
  readObject(text)
  return text.result()
}
