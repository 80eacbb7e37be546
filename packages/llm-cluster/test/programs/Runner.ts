/**
 * A runner of durable batches: arguments are the database, its port, its concurrency, the upstream, its `drain` and, where
 * the pace is shared, Redis with its requests a second. It says `ready` and works until it is killed, or ends at SIGTERM. Its
 * key names its process, so that the upstream knows who asks.
 */
import { OpenAi, withRetry } from "@wiseflow/llm"
import { SharedStore, withSharedRateLimit } from "@wiseflow/llm-cluster"
import { DurableBatch } from "@wiseflow/llm-cluster/durable"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"

const [url = "", port = "0", concurrency = "16", upstream = "", drain = "5 seconds", redis = "", perSecond = "100"] =
  process.argv.slice(2)

const llm = OpenAi.layer({ apiKey: `runner-${process.pid}`, apiBase: upstream, model: "gpt-5-mini", wireApi: "chat" })
const stack =
  redis === ""
    ? llm.pipe(withRetry())
    : llm.pipe(
        withSharedRateLimit({ key: "upstream", requests: Number(perSecond), per: "1 second" }),
        withRetry(),
        Layer.provide(SharedStore.layer({ url: redis, timeout: "5 seconds" })),
      )

const runner = DurableBatch.layerRunner({
  url,
  address: { host: "127.0.0.1", port: Number(port) },
  concurrency: Number(concurrency),
  failover: "24 seconds",
  drain: drain as Duration.Input,
}).pipe(Layer.provide(stack))

const program = Effect.callback<void>((resume) => {
  process.once("SIGTERM", () => resume(Effect.void))
  process.stdout.write("ready\n")
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(runner),
    Effect.provideService(Logger.LogToStderr, true),
    Effect.provideService(References.MinimumLogLevel, "Error"),
  ),
)
process.exit(0)
