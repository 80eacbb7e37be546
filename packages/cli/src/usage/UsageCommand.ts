/** `usage`: what a batch took. The flags are here; what they do is loaded when it runs. */
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"

export const UsageCommand = Command.make(
  "usage",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription("JSONL with a response in each line, as batch writes it; - for stdin"),
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Print the numbers as JSON"),
      Flag.withDefault(false),
    ),
  },
  (input) =>
    Effect.flatMap(
      Effect.promise(() => import("./Usage.ts")),
      ({ usage }) => usage(input),
    ),
).pipe(
  Command.withDescription("Tables and plots of the latency, tokens, errors and cost of a batch"),
  Command.withExamples([{ command: "wiseflow-llm usage answers.jsonl", description: "What these answers took" }]),
)
