/**
 * What keeps a JSON text from being parsed: it would exhaust the stack, or hold the event loop. One pass over the text, linear
 * in its length; it builds nothing of what it reads.
 */
/**
 * Levels of JSON. No honest text has half as many; `JSON.stringify` compares each value with all that it stands in, so that
 * deeper ones take far more than in proportion to their length.
 */
export const maxDepth = 128

/**
 * Different sequences of keys in one JSON text: of each object, its first key, its first two, and so on. A parser keeps
 * something for each of them, 2 to 5 µs apiece; objects with the same keys in the same order share it, so that long lists cost little.
 */
export const maxShapes = 10_000

/** Lists and objects in the arguments of a call, or in a value that is asked for: each step that follows takes 0.1 µs for one. */
export const maxContainers = 200_000

/**
 * Values that are checked against a schema, every text, number, list and object counted, whatever the schema. Validators run in
 * one go; the slowest take 1 µs for a value, and for each alternative of a union as much again: with ten of them 4,000 values
 * take 20 to 45 ms. A program that wants longer ones asks with `generate`, and reads the text.
 */
export const maxCheckedValues = 4000

/** The same for a schema that looks at each value once: without references, alternatives and conditions. */
export const maxPlainValues = 30_000

/** Digits of a number that is written as a text. Reading one takes more than in proportion to its length. */
export const maxDigits = 10_000

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/** Where the string that begins at `start` ends; -1 where it does not. */
const endOfString = (text: string, start: number): number => {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++
    if (slashes % 2 === 0) return end
  }
  return -1
}

/** True where a colon follows the string that ends at `end`. */
const isKey = (text: string, end: number): boolean => {
  let at = end + 1
  while (text.charCodeAt(at) <= 0x20) at++
  return text.charCodeAt(at) === colon
}

/** So many characters of a key tell it from others: a text of longer keys has few of them. */
const toldApart = 32

/** A number for the keys of an object up to the one that stands from `start` to `end`. */
const withKey = (shape: number, text: string, start: number, end: number): number => {
  let hash = shape ^ (end - start)
  const last = Math.min(end, start + toldApart)
  for (let at = start; at < last; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}

/** Different shapes, each as one bit of 262,144: few enough are counted that hardly two of them fall together. */
class Shapes {
  private readonly seen = new Int32Array(8192)
  private readonly open = new Int32Array(maxDepth + 1)
  /** Another number for each text, so that nobody outside can choose keys that look alike. */
  private readonly seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 1
  count = 0

  /** An object begins at this depth. */
  begin(depth: number): void {
    this.open[depth] = this.seed
  }

  /** The object at this depth goes on with a key. */
  add(depth: number, text: string, start: number, end: number): void {
    const shape = withKey(this.open[depth] ?? this.seed, text, start, end)
    this.open[depth] = shape
    const place = (shape >>> 14) >>> 5
    const bit = 1 << ((shape >>> 14) & 31)
    const word = this.seen[place] ?? 0
    if ((word & bit) !== 0) return
    this.seen[place] = word | bit
    this.count++
  }
}

/** Each shape takes a key, a colon, a value and what stands between them: a shorter text cannot have too many. */
const shortestOfManyShapes = 5 * maxShapes

/**
 * True for a text, as most events are, that has no room for more levels if it is JSON at all: each has two brackets, and takes at
 * least three characters where no list begins with a list.
 */
const isTooShortToBeDeep = (text: string): boolean =>
  text.length < 2 * maxDepth || (text.length < 3 * maxDepth && !text.includes("[["))

/** True where no more brackets open than there may be levels, as in nearly every answer: found without a look at its strings. */
const isShallow = (text: string): boolean => {
  let opened = 0
  for (const bracket of ["{", "["]) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++opened > maxDepth) return false
    }
  }
  return true
}

/**
 * What makes the JSON in `text` too much to be parsed, in words that follow "is"; undefined where nothing does. `most` is how many
 * lists and objects it may hold: a body may hold millions of probabilities.
 */
export const excessOf = (text: string, most = Infinity): string | undefined => {
  if (isTooShortToBeDeep(text)) return undefined
  const shapes = text.length < shortestOfManyShapes ? undefined : new Shapes()
  if (shapes === undefined && isShallow(text)) return undefined
  let depth = 0
  let containers = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at)
        // The parser says what is wrong with a string that does not end.
        if (end < 0) return undefined
        if (shapes !== undefined && isKey(text, end)) {
          shapes.add(depth, text, at + 1, end)
          if (shapes.count > maxShapes) return `made of more than ${maxShapes} different sequences of keys`
        }
        at = end
        break
      }
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > maxDepth) return tooDeep
        if (++containers > most) return `made of more than ${most} lists and objects`
        shapes?.begin(depth)
        break
      case 0x7d: // }
      case 0x5d: // ]
        depth--
        break
    }
  }
  return undefined
}

const tooDeep = `nested deeper than ${maxDepth} levels`

/** What a text is as JSON, or why it is not read, in words that follow "is". */
export const readJson = (text: string, most?: number): { readonly value: unknown } | { readonly problem: string } => {
  const problem = excessOf(text, most)
  if (problem !== undefined) return { problem }
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { problem: "not JSON" }
  }
}
