import {
  AzureOpenAi,
  LlmProvider,
  OpenAi,
  withBalance,
  withCircuitBreaker,
  withRetry,
  withTimeout,
} from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const azure = AzureOpenAi.layerConfig().pipe(withCircuitBreaker())
const openai = OpenAi.layerConfig().pipe(withCircuitBreaker())

const balanced = withBalance(
  [
    { name: "azure", layer: azure, model: "gpt-5-mini-east", weight: 2, rpm: 500 },
    { name: "openai", layer: openai, model: "gpt-5-mini", concurrency: 10 },
  ],
  { strategy: "latency", stickyBy: ({ user }) => user },
).pipe(withRetry({ times: 2 }), withTimeout("2 minutes"))

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const { metadata, text } = yield* llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
  const [attempt] = metadata.attempts
  yield* Console.log(text, "from", attempt?.deployment, "chosen by", attempt?.chosenBy)
})

await Effect.runPromise(Effect.provide(program, balanced))
