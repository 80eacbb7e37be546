/** Finds lists that have the same item twice, in one pass: by a number for each value, the same for equal ones. It knows no schema. */

/** Items of a list that are kept of it, beside two that are the same. */
const kept = 14

const mix = (hash: number): number => {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

const ofText = (text: string, start: number): number => {
  let hash = start
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mix(hash)
}

/** What was found below a value: its number, and whether a list in it has the same item twice. */
interface Seen {
  isEqual: boolean
  /** The numbers of lists' items. */
  readonly items: Map<ReadonlyArray<unknown>, ReadonlyArray<number>>
}

/** A number for a value of JSON; the order of an object's keys does not matter. */
const numberOf = (value: unknown, seen: Seen): number => {
  if (Array.isArray(value)) {
    const numbers = value.map((item) => numberOf(item, seen))
    if (new Set(numbers).size < numbers.length) seen.isEqual = true
    seen.items.set(value, numbers)
    return numbers.reduce((hash, number) => mix(Math.imul(hash, 31) ^ number), 0x51ed270b)
  }
  if (typeof value === "object" && value !== null) {
    let sum = 0x2545f491
    for (const [name, inner] of Object.entries(value)) {
      sum = (sum + mix(ofText(name, 0x1234567) ^ Math.imul(numberOf(inner, seen), 0x27d4eb2d))) | 0
    }
    return mix(sum)
  }
  return ofText(String(value), typeof value === "string" ? 0x7f4a7c15 : 0x3c6ef372)
}

const look = (value: unknown): Seen => {
  const seen: Seen = { isEqual: false, items: new Map() }
  numberOf(value, seen)
  return seen
}

/** True where a list anywhere in the value may have the same item twice; false only where none has. */
export const hasEqualItems = (value: unknown): boolean => look(value).isEqual

/** The places of two items with the same number. */
const pairIn = (numbers: ReadonlyArray<number>): ReadonlyArray<number> => {
  const places = new Map<number, number>()
  for (const [place, number] of numbers.entries()) {
    const before = places.get(number)
    if (before !== undefined) return [before, place]
    places.set(number, place)
  }
  return []
}

/** The value with short lists only, in each of which two equal items are where it had some. */
export const shortened = (value: unknown): unknown => {
  const { items } = look(value)
  const short = (inner: unknown): unknown => {
    if (Array.isArray(inner)) {
      const places = new Set([...Array(Math.min(kept, inner.length)).keys(), ...pairIn(items.get(inner) ?? [])])
      return [...places].map((place) => short(inner[place]))
    }
    if (typeof inner !== "object" || inner === null) return inner
    return Object.fromEntries(Object.entries(inner).map(([name, member]) => [name, short(member)]))
  }
  return short(value)
}
