import { LlmStack, StructuredOutput } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

class Recipe extends Schema.Class<Recipe>("Recipe")({ dish: Schema.String, minutes: Schema.Int }) {}

const program = Effect.gen(function* () {
  const { object } = yield* StructuredOutput.generate({
    schema: Recipe,
    messages: [{ role: "user", content: "A quick soup, please." }],
  })
  yield* Console.log(`${object.dish}, ready in ${object.minutes} minutes`)
}).pipe(
  Effect.catchReason("LlmError", "OutputLimitError", () => Console.error("The answer was cut off: raise maxTokens.")),
)

await Effect.runPromise(Effect.provide(program, LlmStack.layerConfig()))
