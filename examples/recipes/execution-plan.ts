import { Anthropic, LlmProvider, OpenAi, withCircuitBreaker, withConcurrency, withRetry } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as ExecutionPlan from "effect/ExecutionPlan"
import * as Layer from "effect/Layer"

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const { metadata, text } = yield* llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
  yield* Console.log(`${metadata.provider}: ${text}`)
})

const policies = <E, R>(provider: Layer.Layer<LlmProvider, E, R>) =>
  provider.pipe(withConcurrency(8), withRetry({ times: 2 }), withCircuitBreaker())

const main = Effect.gen(function* () {
  // Built here, once. A step that is given the Layers themselves builds them anew at each attempt, and their permits,
  // circuits, budgets and connections with them.
  const openAi = yield* Layer.build(policies(OpenAi.layerConfig({ model: "gpt-5-mini" })))
  const anthropic = yield* Layer.build(policies(Anthropic.layerConfig({ model: "claude-sonnet-5" })))
  const plan = ExecutionPlan.make({ provide: openAi }, { provide: anthropic })

  for (let turn = 0; turn < 3; turn++) yield* Effect.withExecutionPlan(program, plan)
}).pipe(Effect.scoped)

await Effect.runPromise(main)
