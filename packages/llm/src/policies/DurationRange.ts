/** The durations that a setting may have. It judges what a program without types passes, and throws nothing. */
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { shownValue } from "../model/KeyShape.ts"

/** Which durations, in the words of a message. `Infinity` is one of those that need not be finite. */
export type DurationRange = "0 or more" | "above 0" | "0 or more and finite" | "above 0 and finite"

const ranges: Readonly<Record<DurationRange, { readonly withZero: boolean; readonly withInfinity: boolean }>> = {
  "0 or more": { withZero: true, withInfinity: true },
  "above 0": { withZero: false, withInfinity: true },
  "0 or more and finite": { withZero: true, withInfinity: false },
  "above 0 and finite": { withZero: false, withInfinity: false },
}

/** A duration in milliseconds; undefined for anything else, and for one that is not in the range. */
export const millisWithin = (input: unknown, range: DurationRange): number | undefined => {
  // What is passed may throw where it is read.
  const ms = Result.getOrElse(
    Result.try(() =>
      isNothing(input) ? Number.NaN : Duration.toMillis(Duration.fromInputUnsafe(input as Duration.Input)),
    ),
    () => Number.NaN,
  )
  const { withInfinity, withZero } = ranges[range]
  const isWithin = ms === 0 ? withZero : ms > 0 && (withInfinity || Number.isFinite(ms))
  return isWithin ? ms : undefined
}

/** What is wrong with a setting, to be told after its name. */
export const durationProblem = (input: unknown, range: DurationRange): string | undefined =>
  millisWithin(input, range) === undefined
    ? `must be a duration, ${range}, not ${shownValue(input)}: write for example "10 seconds", or milliseconds`
    : undefined

const units = new Set(["weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"])

/** Effect reads a duration of 0 from what is not a number, and from an object that names no unit. */
const isNothing = (input: unknown): boolean =>
  Number.isNaN(input) ||
  (Predicate.isObject(input) && !Duration.isDuration(input) && !Object.keys(input).some((key) => units.has(key)))
