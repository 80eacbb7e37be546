/**
 * A day of a program that reads many sources: 20,000 articles, found in bursts at each full hour, of which some stand in two
 * sources. It is made of a seed, so that two stacks are asked the same.
 */

/** How many articles a day has. */
export const articles = 20_000

/** One article, to be summed up by a model. */
export interface Article {
  /** When it is found, in milliseconds of the day. */
  readonly atMs: number
  /** Which text it is: the same number is the same text, found in another source. */
  readonly story: number
  /** The length of the text, in characters. */
  readonly characters: number
}

/** Random numbers below 1, the same for the same seed (a linear congruence of 32 bits, mixed). */
export const randomOf = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d)
    return ((mixed ^ (mixed >>> 12)) >>> 0) / 2 ** 32
  }
}

/** How much is published in each hour, against the other hours: little at night, most in the morning. */
const weights = [1, 1, 1, 1, 2, 4, 8, 12, 10, 7, 6, 6, 8, 6, 5, 5, 6, 8, 8, 6, 4, 3, 2, 1]

/** All that is new at a full hour is found within this time. */
const burstMs = 3 * 60_000

/** The share of articles that have stood in another source before. */
const repeats = 0.12

/** The articles of a day, in the order in which they are found. */
export const dayOf = (seed: number): ReadonlyArray<Article> => {
  const random = randomOf(seed)
  const all = weights.reduce((sum, weight) => sum + weight)
  const found: Array<Article> = []
  let due = 0
  for (const [hour, weight] of weights.entries()) {
    due += (articles * weight) / all
    while (found.length < Math.round(due)) {
      const atMs = hour * 3_600_000 + random() * burstMs
      const before = random() < repeats ? found[Math.floor(random() * found.length)] : undefined
      const { characters, story } = before ?? {
        story: found.length,
        characters: Math.round(1500 + 9000 * random() ** 2),
      }
      found.push({ atMs, story, characters })
    }
  }
  return found.toSorted((one, other) => one.atMs - other.atMs)
}
