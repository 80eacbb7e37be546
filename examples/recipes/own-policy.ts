import { LlmProvider, OpenAi, Policy, withObserver, withRetry } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

/** Asks a second time where the answer is empty. Both calls stand in the attempts of one. */
const withSecondThought = Policy.make((inner) =>
  Effect.succeed({
    ...inner,
    generate: (request) =>
      Effect.flatMap(inner.generate(request), (response) =>
        response.text === "" ? inner.generate(request) : Effect.succeed(response),
      ),
  }),
)

const llm = OpenAi.layerConfig().pipe(
  withRetry({ times: 2 }),
  withSecondThought,
  withObserver((event) => {
    if (event.type === "attempt-end") console.log(`asked ${event.record.provider}: ${event.record.status}`)
  }),
)

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const { metadata, text } = yield* llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
  yield* Console.log(`${text} (${metadata.attempts.length} requests)`)
})

await Effect.runPromise(Effect.provide(program, llm))
