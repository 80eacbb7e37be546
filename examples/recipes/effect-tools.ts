import { LlmStack, Tool, ToolLoop } from "@wiseflow/llm"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const today = Tool.make("today", {
  description: "Today's date, as YYYY-MM-DD.",
  parameters: Schema.Struct({}),
  execute: () => Effect.map(Clock.currentTimeMillis, (now) => new Date(now).toISOString().slice(0, 10)),
})

const add = Tool.make("add_days", {
  description: "The date so many days after another one.",
  parameters: Schema.Struct({ date: Schema.String, days: Schema.Int }),
  execute: ({ date, days }) => {
    const start = Date.parse(date)
    // What a tool fails with is told to the model.
    if (Number.isNaN(start)) return Effect.fail(`${date} is not a date`)
    return Effect.succeed(new Date(start + days * 86_400_000).toISOString().slice(0, 10))
  },
})

const program = Effect.gen(function* () {
  const response = yield* ToolLoop.run({
    tools: [today, add],
    maxSteps: 6,
    messages: [{ role: "user", content: "Which date is in 100 days?" }],
  })
  yield* Console.log(`${response.text} (${response.steps.length} steps)`)
})

await Effect.runPromise(Effect.provide(program, LlmStack.layerConfig()))
