/**
 * What each policy adds to a call: the CPU of a call through it, less that of the same call without, over a provider that
 * answers at once from memory. All policies are measured in turn in every round, so that they meet the same machine.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import {
  type LlmError,
  LlmProvider,
  Provider,
  UsageLedger,
  withAdaptiveConcurrency,
  withBalance,
  withBudget,
  withCache,
  withCircuitBreaker,
  withConcurrency,
  withFallback,
  withHedge,
  withObserver,
  withRateLimit,
  withRetry,
  withTelemetry,
  withTimeout,
  withUsageLedger,
} from "@wiseflow/llm"
import type { Effort } from "../Effort.ts"

type Stack = Layer.Layer<LlmProvider, LlmError>

/** Microseconds of CPU that each policy adds to a call, one figure a round. */
export type PolicyCosts = ReadonlyMap<string, ReadonlyArray<number>>

const provider: Stack = Provider.layer({
  name: "memory",
  model: "gpt-5-mini",
  prices: { "gpt-5-mini": { input: 0.25, output: 2 } },
  generate: () =>
    Effect.succeed({
      parts: [{ type: "text", text: "Hello." }],
      finishReason: "stop",
      usage: { inputTokens: 10, outputTokens: 5 },
    }),
})

/** Each policy as it is used; limits are high enough that none of them acts. */
const policies: Readonly<Record<string, (layer: Stack) => Stack>> = {
  withRetry: withRetry(),
  withTimeout: withTimeout("1 minute"),
  withConcurrency: withConcurrency(100),
  withAdaptiveConcurrency: withAdaptiveConcurrency(),
  withFallback: (layer) => layer.pipe(withFallback(provider)),
  withCircuitBreaker: withCircuitBreaker(),
  withTelemetry: (layer) => withTelemetry(layer),
  withObserver: withObserver(() => {}),
  withUsageLedger: withUsageLedger(new UsageLedger()),
  withBudget: withBudget({ usd: 1e9 }),
  withRateLimit: withRateLimit({ rpm: 1e9, tpm: 1e12 }),
  "withBalance, of two": (layer) =>
    withBalance([
      { name: "one", layer },
      { name: "other", layer: provider },
    ]),
  withHedge: withHedge(),
  "withCache, another question each time": withCache({ maxEntries: 1000 }),
  "withCache, the same question": withCache(),
}

const repeats = (name: string): boolean => name !== "withCache, another question each time"

/** CPU microseconds of one call through a stack, over `calls` of them. */
const measure = async (
  runtime: ManagedRuntime.ManagedRuntime<LlmProvider, LlmError>,
  calls: number,
  isSame: boolean,
): Promise<number> => {
  const llm = await runtime.runPromise(LlmProvider)
  const requests = Array.from({ length: calls }, (_, index) => ({
    messages: [{ role: "user" as const, content: isSame ? "Say hello." : `Say hello ${index + Math.random()}.` }],
  }))
  const { system, user } = await runtime.runPromise(
    Effect.gen(function* () {
      const before = process.cpuUsage()
      yield* Effect.forEach(requests, (request) => llm.generate(request), { discard: true })
      return process.cpuUsage(before)
    }),
  )
  return (system + user) / calls
}

/** Measures every policy. */
export const measurePolicies = async ({ batchMs, rounds }: Effort): Promise<PolicyCosts> => {
  const calls = batchMs * 20
  const bare = ManagedRuntime.make(provider)
  const runtimes = Object.entries(policies).map(
    ([name, policy]) => [name, ManagedRuntime.make(policy(provider))] as const,
  )
  const costs = new Map(runtimes.map(([name]): [string, Array<number>] => [name, []]))
  try {
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      const base = await measure(bare, calls, true)
      for (const [name, runtime] of runtimes) {
        const each = await measure(runtime, calls, repeats(name))
        if (round > 0) costs.get(name)?.push(each - base)
      }
    }
    return costs
  } finally {
    await Promise.all([bare, ...runtimes.map(([, runtime]) => runtime)].map((runtime) => runtime.dispose()))
  }
}
