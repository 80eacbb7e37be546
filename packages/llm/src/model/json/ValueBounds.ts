/**
 * How much a value may hold to be checked: validators run in one go, and hold the event loop meanwhile. It looks at values, and
 * knows no schema.
 */
import { maxCheckedValues, maxDigits } from "./JsonBounds.ts"

/** A number that is written as a text: a schema may read one, which takes more than in proportion to its length. */
const digits = /^\s*[+-]?\d+n?\s*$/

/**
 * What makes a value too much to be checked, in words that follow "it"; undefined where nothing does. It looks at no more values
 * than may be checked, so that one that holds itself has an end.
 */
export const excessOfValue = (value: unknown, most = maxCheckedValues): string | undefined => {
  const waiting: Array<unknown> = [value]
  for (let count = 1; waiting.length > 0; count++) {
    const next = waiting.pop()
    if (typeof next === "string" && next.length > maxDigits && digits.test(next)) {
      return `holds a number of more than ${maxDigits} digits`
    }
    if (typeof next !== "object" || next === null) continue
    const names = Array.isArray(next) ? undefined : Object.keys(next)
    const size = names === undefined && Array.isArray(next) ? next.length : (names?.length ?? 0)
    if (count + waiting.length + size > most) return `holds more than ${most} values`
    for (let place = 0; place < size; place++) waiting.push(Reflect.get(next, names?.[place] ?? place))
  }
  return undefined
}
