import { LlmStack } from "@wiseflow/llm"
import { SharedStore, withSharedRateLimit } from "@wiseflow/llm-cluster"
import { DurableBatch } from "@wiseflow/llm-cluster/durable"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const url = process.env["DATABASE_URL"] ?? "postgres://llm@127.0.0.1:5432/llm"
const redis = process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379"

/** The pace of all runners together. */
const llm = LlmStack.layerConfig().pipe(
  withSharedRateLimit({ key: "openai:gpt-5-mini", requests: 5000, tokens: 2_000_000, processes: 8 }),
  Layer.provide(SharedStore.layer({ url: redis })),
)

/** On each machine: answers items until it is stopped. */
const runner = DurableBatch.layerRunner({
  url,
  address: { host: process.env["HOST"] ?? "127.0.0.1", port: 34431 },
  concurrency: 32,
}).pipe(Layer.provide(llm))

/** Anywhere: submits a batch and reads what became of each item. */
const digest = Effect.gen(function* () {
  const batches = yield* DurableBatch.DurableBatch
  const articles = Stream.range(1, 1000).pipe(
    Stream.map((number) => ({
      id: `article-${number}`,
      request: { messages: [{ role: "user" as const, content: `Summarise article ${number}.` }] },
    })),
  )
  yield* batches.submit("2026-11-26", articles)
  yield* Stream.runForEach(batches.results("2026-11-26"), ({ id, outcome }) =>
    Console.log(id, outcome._tag === "Answered" ? outcome.response.text : outcome.error.message),
  )
  yield* batches.forget("2026-11-26")
}).pipe(Effect.provide(DurableBatch.layerClient({ url })))

await Effect.runPromise(process.argv[2] === "run" ? Layer.launch(runner) : digest)
