/** `generate`: one prompt in, one answer out. The flags are here; what they do is loaded when it runs. */
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"

export const GenerateCommand = Command.make(
  "generate",
  {
    prompt: Argument.String("prompt").pipe(
      Argument.withDescription("The prompt; stdin where there is none, and after it where there are both"),
      Argument.variadic(),
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Print the whole response as JSON in place of its text"),
      Flag.withDefault(false),
    ),
  },
  (input) =>
    Effect.flatMap(
      Effect.promise(() => import("./Generate.ts")),
      ({ generate }) => generate(input),
    ),
).pipe(
  Command.withDescription("Ask one question"),
  Command.withExamples([
    { command: 'wiseflow-llm "Hello, world!"', description: "The word generate may be left out" },
    { command: "git diff | wiseflow-llm 'Review this change'", description: "A question about what comes on stdin" },
  ]),
)
