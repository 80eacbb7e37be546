/** `doctor`: what is wrong with this machine's settings. The flags are here; what they do is loaded when it runs. */
import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"

export const DoctorCommand = Command.make(
  "doctor",
  {
    json: Flag.Boolean("json").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Print the findings as JSON"),
      Flag.withDefault(false),
    ),
  },
  (input) =>
    Effect.flatMap(
      Effect.promise(() => import("./Doctor.ts")),
      ({ doctor }) => doctor(input),
    ),
).pipe(
  Command.withDescription(
    "Check settings, keys, providers, clock and proxy, and say what to fix. It asks no model; exit code 1 where something is to fix",
  ),
  Command.withShortDescription("Check settings, keys, providers, clock and proxy"),
)
