/** Randomness that is the same in every run: what fails once fails again. */

/** Numbers from 0 (included) to 1 (excluded). */
export type Random = () => number

/** Mulberry32, seeded with a text. */
export const seeded = (seed: string): Random => {
  let state = 2166136261
  for (const char of seed) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 16777619)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** A whole number from 0 to `end`, which is excluded. */
export const below = (random: Random, end: number): number => Math.floor(random() * end)

/** `count` elements, or all of them where there are fewer. */
export const sample = <A>(random: Random, from: ReadonlyArray<A>, count: number): ReadonlyArray<A> => {
  const left = [...from]
  const taken: Array<A> = []
  while (taken.length < count && left.length > 0) taken.push(...left.splice(below(random, left.length), 1))
  return taken
}

/** The bytes in pieces that end anywhere, inside characters too. */
export const pieces = (random: Random, bytes: Uint8Array, most: number): ReadonlyArray<Uint8Array> => {
  const ends = new Set([bytes.length])
  for (let cut = 1; cut < most; cut++) ends.add(below(random, bytes.length))
  let from = 0
  return [...ends]
    .toSorted((one, other) => one - other)
    .flatMap((end) => {
      const piece = bytes.subarray(from, end)
      from = end
      return piece.length === 0 ? [] : [piece]
    })
}
