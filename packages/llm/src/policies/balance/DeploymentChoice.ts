/**
 * Which deployment to ask: by weight, by what is in flight, by latency, or by a caller's key. It is pure but for the turns
 * that it remembers, and knows nothing of requests.
 */
import type { BalanceStrategy } from "./BalanceCheck.ts"
import type { ChosenDeployment } from "../../call/CallContext.ts"
import type { AnswerKind, DeploymentHealth } from "./DeploymentHealth.ts"
import type { Pace } from "../traffic/Pace.ts"

/** What a choice depends on. */
export interface Choosing {
  /** What decides among those that can be asked at once. */
  readonly strategy: BalanceStrategy
  /** Calls with the same key go to the same deployment. */
  readonly key: string | undefined
  /** What is asked for: latencies are kept for each kind. */
  readonly kind: AnswerKind
  /** Monotonic milliseconds. */
  readonly nowMs: number
  /** The tokens that the request would reserve there, at its pace. */
  readonly tokensAt: (pace: Pace) => number
  /** A random number from 0 up to 1. */
  readonly random: () => number
}

/** What a choice is made among. */
export interface Candidate {
  /** What is known of the deployment. */
  readonly health: DeploymentHealth
}

/** The deployment to ask, and why. */
export interface Choice<D> {
  /** The one that was chosen. */
  readonly deployment: D
  /** What it was chosen by. */
  readonly chosenBy: ChosenDeployment["chosenBy"]
}

/**
 * Chooses among those that have not been asked yet; undefined where each of them has said until when it is not to be asked.
 * One that is passed over for a time that it did not say itself is asked if there is no other (`soonest`), and one that has
 * to let the request wait if none is free.
 */
export const choose = <D extends Candidate>(untried: ReadonlyArray<D>, choosing: Choosing): Choice<D> | undefined => {
  const { key, nowMs, strategy } = choosing
  const well = untried.filter(({ health }) => health.away(nowMs) === undefined)
  const [one] = well
  if (one === undefined) return soonestGuess(untried, nowMs)
  const free = well.filter(({ health }) => isFree(health, choosing))
  const [first] = free
  if (first === undefined) return { deployment: soonestFree(one, well, choosing), chosenBy: "soonest" }
  if (free.length === 1) return { deployment: first, chosenBy: "only" }
  if (key !== undefined) return { deployment: byKey(first, free, key), chosenBy: "sticky" }
  return { deployment: byStrategy[strategy](first, free, choosing), chosenBy: strategy }
}

/** True where a request would be sent at once. */
const isFree = (health: DeploymentHealth, choosing: Choosing): boolean =>
  health.inFlight < health.settings.concurrency && paceWaitMs(health, choosing) <= 0

const paceWaitMs = ({ settings: { pace } }: DeploymentHealth, { nowMs, tokensAt }: Choosing): number =>
  pace?.expectedWaitMs(nowMs, tokensAt(pace)) ?? 0

/** The one with the least, the first of those that have equally little. */
const least = <D extends Candidate>(
  first: D,
  among: ReadonlyArray<D>,
  measure: (health: DeploymentHealth) => number,
): D => {
  let best = first
  let bestAmount = Number.POSITIVE_INFINITY
  for (const candidate of among) {
    const amount = measure(candidate.health)
    if (amount >= bestAmount) continue
    best = candidate
    bestAmount = amount
  }
  return best
}

/** Where a request would be sent first: by the rate limit, and then by how much is in flight for each permit. */
const soonestFree = <D extends Candidate>(first: D, among: ReadonlyArray<D>, choosing: Choosing): D => {
  const waits = among.map(({ health }) => paceWaitMs(health, choosing))
  const shortestMs = Math.min(...waits)
  const soonest = among.filter((_, index) => (waits[index] ?? 0) <= shortestMs)
  const { kind, nowMs } = choosing
  const times = soonest.map(({ health }) => health.expectedMs(kind, nowMs))
  const areKnown = times.every((ms) => ms !== undefined)
  return least(first, soonest, (health) => {
    const { concurrency } = health.settings
    const turns = Number.isFinite(concurrency) ? (health.inFlight + 1) / concurrency : health.load
    return areKnown ? turns * (health.expectedMs(kind, nowMs) ?? 1) : turns
  })
}

const soonestGuess = <D extends Candidate>(untried: ReadonlyArray<D>, nowMs: number): Choice<D> | undefined => {
  const guessed = untried.filter(({ health }) => health.away(nowMs)?.isGuess === true)
  const [first] = guessed
  if (first === undefined) return undefined
  const deployment = least(first, guessed, (health) => health.away(nowMs)?.remainingMs ?? 0)
  return { deployment, chosenBy: "soonest" }
}

/** In turns: each is owed its weight with each turn, and who is owed the most pays for all. */
const inTurns = <D extends Candidate>(first: D, among: ReadonlyArray<D>): D => {
  let total = 0
  for (const { health } of among) {
    total += health.settings.weight
    health.credit += health.settings.weight
  }
  const chosen = least(first, among, ({ credit }) => -credit)
  chosen.health.credit -= total
  return chosen
}

/** The least in flight, in turns where several have equally little. */
const leastInFlight = <D extends Candidate>(first: D, among: ReadonlyArray<D>): D => {
  const { load } = least(first, among, (health) => health.load).health
  const equal = among.filter(({ health }) => health.load <= load)
  return inTurns(first, equal)
}

/** One at random, by weight. */
const drawn = <D extends Candidate>(first: D, among: ReadonlyArray<D>, random: () => number): D => {
  const total = among.reduce((sum, { health }) => sum + health.settings.weight, 0)
  let left = random() * total
  for (const candidate of among) {
    left -= candidate.health.settings.weight
    if (left < 0) return candidate
  }
  return among.at(-1) ?? first
}

/** Times that differ by less than this share are as good as equal. */
const closeness = 0.1

/** Of two at random the faster one; one that nothing is known of is tried, by one request at a time. */
const fasterOfTwo = <D extends Candidate>(first: D, among: ReadonlyArray<D>, { kind, nowMs, random }: Choosing): D => {
  const one = drawn(first, among, random)
  const rest = among.filter((candidate) => candidate !== one)
  const other = drawn(one, rest, random)
  const oneMs = one.health.expectedMs(kind, nowMs)
  const otherMs = other.health.expectedMs(kind, nowMs)
  const lessLoaded = other.health.load < one.health.load ? other : one
  if (oneMs === undefined || otherMs === undefined) {
    if (oneMs === otherMs) return lessLoaded
    const [unknown, known] = oneMs === undefined ? [one, other] : [other, one]
    return unknown.health.inFlight === 0 ? unknown : known
  }
  if (Math.min(oneMs, otherMs) >= (1 - closeness) * Math.max(oneMs, otherMs)) return lessLoaded
  return oneMs < otherMs ? one : other
}

const byStrategy: Readonly<
  Record<BalanceStrategy, <D extends Candidate>(first: D, among: ReadonlyArray<D>, choosing: Choosing) => D>
> = {
  weighted: inTurns,
  "least-in-flight": leastInFlight,
  latency: fasterOfTwo,
}

/**
 * The deployment of a key: each draws a lot from the key and its own name, and the highest wins. While one is away only its
 * keys move, each to the next one of its own order. A heavier weight draws higher.
 */
const byKey = <D extends Candidate>(first: D, among: ReadonlyArray<D>, key: string): D =>
  least(first, among, ({ settings }) => -Math.log(lot(`${key}\n${settings.name}`)) / settings.weight)

/** A number above 0 and below 1 that depends on every character of the text (FNV-1a, with the final mix of MurmurHash 3). */
const lot = (text: string): number => {
  let hash = 2166136261
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16777619)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32
}
