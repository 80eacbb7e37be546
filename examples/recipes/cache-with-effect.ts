import { CacheStore, LlmProvider, LlmStack, withCache } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const ask = llm.generate({ messages: [{ role: "user", content: "Hello, world!" }], temperature: 0 })
  yield* ask
  const { metadata, text } = yield* ask
  yield* Console.log(text, metadata.cached)
})

const store = CacheStore.memory({ maxEntries: 500 })
const cached = LlmStack.layerConfig().pipe(withCache({ store, ttl: "10 minutes" }))

await Effect.runPromise(Effect.provide(program, cached))
