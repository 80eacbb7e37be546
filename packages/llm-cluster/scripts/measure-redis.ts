/**
 * What one call costs of each policy that is shared over Redis: milliseconds beside a call without it, and commands that Redis
 * runs. `node --conditions=@wiseflow/source packages/llm-cluster/scripts/measure-redis.ts [calls]`.
 */
import { execFileSync } from "node:child_process"
import { LlmProvider } from "@wiseflow/llm"
import { SharedStore, withSharedBudget, withSharedCircuitBreaker, withSharedRateLimit } from "@wiseflow/llm-cluster"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { fake } from "../test/programs/Fake.ts"
import { missing } from "../test/servers/Binaries.ts"
import { RedisServer } from "../test/servers/RedisServer.ts"

const reason = missing("redis")
if (reason !== undefined) {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}

const calls = Number(process.argv[2] ?? 2000)
await using redis = await RedisServer.start()

/** Commands sent by clients, and all that Redis ran, those inside of scripts included. */
const commands = () => {
  const stats = execFileSync("redis-cli", ["-p", `${redis.port}`, "INFO", "commandstats"], { encoding: "utf8" })
  const rows = [...stats.matchAll(/cmdstat_(\S+?):calls=(\d+),usec=(\d+)/g)].map(([, name, count, usec]) => ({
    name,
    count: Number(count),
    usec: Number(usec),
  }))
  const scripts = rows.filter(({ name }) => name === "evalsha" || name === "eval")
  return {
    sent: scripts.reduce((sum, { count }) => sum + count, 0),
    ran: rows.filter(({ name }) => name !== "info" && name !== "ping").reduce((sum, { count }) => sum + count, 0),
    usec: scripts.reduce((sum, { usec }) => sum + usec, 0),
  }
}

const provider = fake(Effect.void, { usage: { inputTokens: 500, outputTokens: 100, totalTokens: 600 }, costUsd: 0.001 })
const store = SharedStore.layer({ url: redis.url, timeout: "5 seconds" })
const free = 1_000_000_000

const stacks = {
  "no policy": provider,
  "withSharedRateLimit (requests)": provider.pipe(withSharedRateLimit({ key: "r", requests: free })),
  "withSharedRateLimit (requests, tokens)": provider.pipe(
    withSharedRateLimit({ key: "rt", requests: free, tokens: free * 1000 }),
  ),
  withSharedCircuitBreaker: provider.pipe(withSharedCircuitBreaker({ key: "c" })),
  withSharedBudget: provider.pipe(withSharedBudget({ key: "b", usd: free, reserve: 0.02 })),
} as const

const request = { messages: [{ role: "user" as const, content: "hello" }] }

process.stdout.write("| policy | ms a call | ms at 64 at once | scripts sent | commands run | Redis CPU µs |\n")
process.stdout.write("| --- | --- | --- | --- | --- | --- |\n")
for (const [name, stack] of Object.entries(stacks)) {
  const figures = await Effect.runPromise(
    Effect.gen(function* () {
      const llm = yield* LlmProvider
      const call = llm.generate(request)
      yield* Effect.repeat(call, { times: 200 })
      const before = commands()
      const startedMs = performance.now()
      yield* Effect.repeat(call, { times: calls - 1 })
      const oneMs = (performance.now() - startedMs) / calls
      const after = commands()
      const togetherMs = performance.now()
      yield* Effect.forEach(Array.from({ length: calls }), () => call, { concurrency: 64, discard: true })
      const manyMs = (performance.now() - togetherMs) / calls
      const each = (key: "sent" | "ran" | "usec") => ((after[key] - before[key]) / calls).toFixed(1)
      return `${oneMs.toFixed(2)} | ${manyMs.toFixed(2)} | ${each("sent")} | ${each("ran")} | ${each("usec")}`
    }).pipe(Effect.provide(Layer.provide(stack, store))),
  )
  process.stdout.write(`| ${name} | ${figures} |\n`)
}
