/** One line that says how far a batch is. It measures nothing itself. */
import type { Progress } from "./RunBatch.ts"

/** What a line is made of. */
export interface ProgressFacts extends Progress {
  readonly elapsedMs: number
  /** The bytes of the whole input, where they are known. */
  readonly inputBytes: number | undefined
  /** Dollars, of those answers whose price is known. */
  readonly costUsd: number
  /** How many have no known price. */
  readonly unpriced: number
}

const clock = (seconds: number): string => {
  const whole = Math.round(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, "0")} min`
  return minutes > 0 ? `${minutes} min ${String(whole % 60).padStart(2, "0")} s` : `${whole} s`
}

const count = (amount: number): string => amount.toLocaleString("en-US")

/** Dollars, with as many digits as small amounts need. */
export const dollars = (usd: number): string => `$${usd.toFixed(usd < 0.1 ? 6 : usd < 10 ? 4 : 2)}`

/** What a batch cost so far; never 0 for answers whose price is not known. */
const cost = ({ costUsd, unpriced }: ProgressFacts): string => {
  if (unpriced === 0) return dollars(costUsd)
  return costUsd === 0 ? "cost unknown" : `${dollars(costUsd)} and ${count(unpriced)} of unknown cost`
}

/** `1,204 answered, 3 failed, 12 from before, 41%, 61/s, 5 min 12 s left, $1.23` */
export const progressLine = (facts: ProgressFacts): string => {
  const { answered, elapsedMs, failed, inputBytes, readBytes, skipped } = facts
  const share = inputBytes === undefined || inputBytes === 0 ? undefined : Math.min(1, readBytes / inputBytes)
  const done = answered + failed
  const rate = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0
  const leftMs = share === undefined || share === 0 || done === 0 ? undefined : (elapsedMs * (1 - share)) / share
  return [
    `${count(answered)} answered`,
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(skipped > 0 ? [`${count(skipped)} from before`] : []),
    ...(share === undefined ? [] : [`${Math.floor(share * 100)}%`]),
    `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`,
    ...(leftMs === undefined || share === 1 ? [] : [`${clock(leftMs / 1000)} left`]),
    cost(facts),
  ].join(", ")
}

/** The line at the end of a run. */
export const summaryLine = (facts: ProgressFacts): string => {
  const { answered, elapsedMs, failed, skipped } = facts
  return [
    `${count(answered)} answered`,
    `${count(failed)} failed`,
    ...(skipped > 0 ? [`${count(skipped)} from before`] : []),
    `in ${clock(elapsedMs / 1000)}`,
    cost(facts),
  ].join(", ")
}
