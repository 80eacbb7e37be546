/** Finds the name that was meant by a misspelt one. It compares names; what a misspelling means is for others to say. */

/** Longer names are not compared. */
const longest = 64

/** The letters to change, add, leave out or swap, up to `limit`; `limit + 1` where it takes more. */
const distance = (left: string, right: string, limit: number): number => {
  if (Math.abs(left.length - right.length) > limit) return limit + 1
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const next = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      if (left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? cost) + 1)
      }
      next.push(cost)
    }
    beforeLast = last
    last = next
  }
  return last[right.length] ?? limit + 1
}

/** `llmTimeout`, `llm-timeout` and `llm.timeout` as a variable is written. */
const asVariable = (name: string): string =>
  name
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, "_")
    .replaceAll(/[-. ]/g, "_")
    .toUpperCase()

/**
 * The known name that differs from `name` by at most two letters, or only in how it is written. A known name with
 * something behind it (`OPENAI_API_KEY_OLD`) is somebody's own.
 */
export const nearest = (name: string, known: Iterable<string>): string | undefined => {
  if (name.length > longest) return undefined
  const written = asVariable(name)
  let found: string | undefined
  let least = 3
  for (const candidate of known) {
    if (written.startsWith(`${candidate}_`)) continue
    const letters = distance(written, candidate, 2)
    if (letters < least && letters * 4 <= candidate.length) {
      least = letters
      found = candidate
    }
  }
  return found
}
