/** What is wrong with the settings of a balance, named by the deployment and the field that hold it. */
import type * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import { looksLikeKey, shownValue } from "../../model/KeyShape.ts"
import { ConfigurationError, LlmError } from "../../model/LlmError.ts"
import { durationProblem } from "../DurationRange.ts"

/**
 * How to choose among the deployments that can be asked: in turns by weight; the one with the least in flight, by weight;
 * or of two at random the one that was faster of late to its first output.
 */
export type BalanceStrategy = "weighted" | "least-in-flight" | "latency"

/** Every strategy. */
export const strategies: ReadonlyArray<BalanceStrategy> = ["weighted", "least-in-flight", "latency"]

/** The numbers of a deployment, as a program without types may have written them. */
export interface DeploymentNumbers {
  /** What it is called. */
  readonly name: string
  /** Its share of the calls. */
  readonly weight?: number | undefined
  /** The most requests in flight there. */
  readonly concurrency?: number | undefined
  /** The most requests within any 60 seconds. */
  readonly rpm?: number | undefined
  /** The most tokens within any 60 seconds. */
  readonly tpm?: number | undefined
}

/** The settings of a balance that can be wrong. */
export interface BalanceNumbers {
  /** How one is chosen. */
  readonly strategy?: string | undefined
  /** How many deployments one call may ask. */
  readonly maxTries?: number | undefined
  /** Failures in a row that make one be passed over. */
  readonly failures?: number | undefined
  /** How long one that keeps failing is passed over. */
  readonly openFor?: Duration.Input | undefined
  /** How long one that is out of quota is passed over. */
  readonly quotaPause?: Duration.Input | undefined
  /** The key of a request. */
  readonly stickyBy?: unknown
}

const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 1

/** The first mistake of a deployment, as a field and what is wrong with it. */
export const mistakeOf = ({
  concurrency,
  name,
  rpm,
  tpm,
  weight,
}: DeploymentNumbers): readonly [field: string, problem: string] | undefined => {
  if (!Predicate.isString(name) || name.trim() === "") return ["name", 'must be a text; write for example "europe"']
  if (looksLikeKey(name)) return ["name", 'looks like a key, and names are shown; write for example "europe"']
  if (weight !== undefined && !(Number.isFinite(weight) && weight > 0)) {
    return ["weight", `must be a number above 0, not ${shownValue(weight)}; leave it out for 1`]
  }
  if (concurrency !== undefined && !isWhole(concurrency)) {
    return ["concurrency", `must be a whole number above 0, not ${shownValue(concurrency)}; leave it out for no limit`]
  }
  for (const [field, value] of Object.entries({ rpm, tpm })) {
    if (value === undefined || (Number.isFinite(value) && value >= 1)) continue
    return [field, `must be a number, 1 or more, not ${shownValue(value)}; leave it out for no limit`]
  }
  return undefined
}

/** The first mistake of the options, as a field and what is wrong with it. */
export const mistakeInOptions = ({
  failures,
  maxTries,
  openFor,
  quotaPause,
  stickyBy,
  strategy,
}: BalanceNumbers): readonly [field: string, problem: string] | undefined => {
  if (strategy !== undefined && !strategies.some((known) => known === strategy)) {
    return ["strategy", `is not one of ${strategies.join(", ")}`]
  }
  if (stickyBy !== undefined && typeof stickyBy !== "function") return ["stickyBy", "is not a function"]
  for (const [field, value] of Object.entries({ maxTries, failures })) {
    if (value !== undefined && !isWhole(value))
      return [field, `must be a whole number above 0, not ${shownValue(value)}`]
  }
  for (const [field, value] of Object.entries({ openFor, quotaPause })) {
    const problem = value === undefined ? undefined : durationProblem(value, "0 or more and finite")
    if (problem !== undefined) return [field, problem]
  }
  return undefined
}

/** The error of the first mistake. */
export const mistakeIn = (
  deployments: ReadonlyArray<DeploymentNumbers>,
  options: BalanceNumbers,
): LlmError | undefined => {
  if (deployments.length === 0) return invalid("needs at least one deployment")
  const names = new Set<string>()
  for (const [index, deployment] of deployments.entries()) {
    const mistake = mistakeOf(deployment)
    if (mistake !== undefined) return invalid(`deployments[${index}].${mistake.join(" ")}`)
    if (names.has(deployment.name)) {
      return invalid(
        `deployments[${index}].name is ${JSON.stringify(deployment.name)}, as of another one; each needs its own`,
      )
    }
    names.add(deployment.name)
  }
  const mistake = mistakeInOptions(options)
  return mistake === undefined ? undefined : invalid(mistake.join(" "))
}

/** The error of a balance. */
export const invalid = (problem: string): LlmError =>
  new LlmError({
    reason: new ConfigurationError({ setting: "withBalance", message: `withBalance: ${problem}` }),
    provider: "configuration",
    attempts: [],
  })
