/** The two stacks that are compared: retries and fallbacks alone, and the policies of traffic. */
import type * as Layer from "effect/Layer"
import {
  type LlmError,
  type LlmProvider,
  withBalance,
  withBudget,
  withCache,
  withCircuitBreaker,
  withConcurrency,
  withFallback,
  withRateLimit,
  withRetry,
  withTimeout,
} from "@wiseflow/llm"
import { type DeploymentCount, type DeploymentFacts, simulated } from "./SimulatedDeployment.ts"

const hourMs = 3_600_000

/** Three deployments of one model; the largest is out of order for 40 minutes in the busiest hours. */
export const deployments: ReadonlyArray<DeploymentFacts> = [
  {
    name: "openai",
    model: "gpt-5-mini",
    rpm: 100,
    tpm: 250_000,
    medianMs: 2500,
    outage: [8 * hourMs, 8 * hourMs + (40 * hourMs) / 60],
  },
  { name: "azure-eu", model: "gpt-5-mini", rpm: 60, tpm: 150_000, medianMs: 3000 },
  { name: "azure-us", model: "gpt-5-mini", rpm: 40, tpm: 100_000, medianMs: 4000 },
]

/** A smaller model at a fifth of the price, for what the price cap leaves. */
export const small: DeploymentFacts = { name: "openai", model: "gpt-5-nano", rpm: 100, tpm: 250_000, medianMs: 1500 }

/** What the three may cost in a day, in US dollars. */
export const priceCapUsd = 10

/** An article is worth an answer until the next hour's have come. */
const deadline = "55 minutes"

/** A stack, and what its deployments were asked. */
export interface CountedStack {
  readonly layer: Layer.Layer<LlmProvider, LlmError>
  readonly counts: ReadonlyMap<DeploymentFacts, DeploymentCount>
}

/** Each deployment in turn, with three retries each: nothing knows of limits before it is refused. */
export const plainRetries = (): CountedStack => {
  const counts = new Map<DeploymentFacts, DeploymentCount>()
  const target = (facts: DeploymentFacts, index: number) => {
    const { count, layer } = simulated(facts, index + 1)
    counts.set(facts, count)
    return layer.pipe(withConcurrency(50), withRetry({ times: 3 }), withCircuitBreaker())
  }
  const layer = deployments
    .map(target)
    .reduce((first, next) => first.pipe(withFallback(next)))
    .pipe(withTimeout(deadline))
  return { layer, counts }
}

/** The same deployments, each within its limits, chosen by latency, under a price cap with a smaller model behind it. */
export const trafficPolicies = (): CountedStack => {
  const counts = new Map<DeploymentFacts, DeploymentCount>()
  const counted = (facts: DeploymentFacts, index: number) => {
    const { count, layer } = simulated(facts, index + 1)
    counts.set(facts, count)
    return layer
  }
  const balanced = withBalance(
    deployments.map((facts, index) => ({
      name: facts.name,
      layer: counted(facts, index).pipe(withTimeout({ attempt: "1 minute" })),
      concurrency: 50,
      rpm: facts.rpm,
      tpm: facts.tpm,
    })),
  )
  const cheaper = counted(small, deployments.length).pipe(
    withRateLimit({ rpm: small.rpm, tpm: small.tpm }),
    withRetry(),
  )
  const layer = balanced.pipe(
    withRetry({ times: 3 }),
    withBudget({ usd: priceCapUsd, per: "1 day" }),
    withFallback(cheaper),
    withCache({ ttl: "1 day", maxEntries: 20_000 }),
    withTimeout(deadline),
  )
  return { layer, counts }
}
