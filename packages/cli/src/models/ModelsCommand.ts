/** `models`: which models the configured providers serve. The flags are here; what they do is loaded when it runs. */
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"

export const ModelsCommand = Command.make(
  "models",
  {
    filter: Argument.String("filter").pipe(
      Argument.withDescription("Only models whose id contains this"),
      Argument.optional,
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Print one JSON object a line"),
      Flag.withDefault(false),
    ),
  },
  (input) =>
    Effect.flatMap(
      Effect.promise(() => import("./Models.ts")),
      ({ models }) => models(input),
    ),
).pipe(
  Command.withDescription("List the models of every configured provider, as they list them; --provider for one"),
  Command.withExamples([{ command: "wiseflow-llm models mini", description: "Models with mini in their names" }]),
)
