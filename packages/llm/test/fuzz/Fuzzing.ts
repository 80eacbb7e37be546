/**
 * How long the fuzzing goes on and from which seed. `npm run fuzz -- --runs 2000 --seed 7` sets both; without it a run is
 * short and the same each time. A failure prints its seed and its smallest example.
 */
import type * as fc from "fast-check"

const setting = (name: string, otherwise: number): number => {
  const value = Number(process.env[name])
  return Number.isInteger(value) && value > 0 ? value : otherwise
}

/** The seed of everything that is random here. */
export const seed = setting("FUZZ_SEED", 20_261_126)

/** How many runs a property has that has `usual` of them in CI: `--runs` sets how many times as many. */
export const runs = (usual: number): fc.Parameters<unknown> => {
  const numRuns = usual * setting("FUZZ_RUNS", 1)
  return { numRuns, seed, endOnFailure: false, verbose: 1 }
}

/** The time limit of a test: it only tells a hang. */
export const patient = { timeout: 60_000 * setting("FUZZ_RUNS", 1) }

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
export const sequence = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}
