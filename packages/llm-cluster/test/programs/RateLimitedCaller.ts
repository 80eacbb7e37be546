/**
 * A process that asks a fake provider under a shared limit: it says `ready`, waits for a line, and prints when each call was
 * let through, in milliseconds since 1970.
 */
import { once } from "node:events"
import { LlmProvider } from "@wiseflow/llm"
import { SharedStore, withSharedRateLimit } from "@wiseflow/llm-cluster"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { fake } from "./Fake.ts"

const [url = "", requests = "1", perMs = "1000", forMs = "0", atOnce = "1"] = process.argv.slice(2)

const times: Array<number> = []
const provider = fake(
  Effect.map(Clock.currentTimeMillis, (nowMs) => {
    times.push(nowMs)
  }),
)

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const worker = Effect.forever(llm.generate({ messages: [{ role: "user", content: "hello" }] }))
  process.stdout.write("ready\n")
  yield* Effect.promise(() => once(process.stdin, "data"))
  yield* Effect.all(
    Array.from({ length: Number(atOnce) }, () => worker),
    { concurrency: "unbounded" },
  ).pipe(Effect.timeoutOption(Number(forMs)))
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(
      provider.pipe(
        withSharedRateLimit({ key: "shared", requests: Number(requests), per: Number(perMs) }),
        Layer.provide(SharedStore.layer({ url, timeout: "5 seconds", whenAway: "refuse" })),
      ),
    ),
  ),
)
process.stdout.write(times.join("\n"), () => process.exit(0))
