/** `chat`: a conversation. The flags are here; what they do is loaded when it runs. */
import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"

export const ChatCommand = Command.make(
  "chat",
  {
    system: Flag.String("system").pipe(
      Flag.withAlias("s"),
      Flag.withMetavar("text"),
      Flag.withDescription("What the model is told before the conversation"),
      Flag.optional,
    ),
    load: Flag.String("load").pipe(
      Flag.withMetavar("file"),
      Flag.withDescription("Go on with a conversation that /save wrote"),
      Flag.optional,
    ),
    raw: Flag.Boolean("raw").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Print Markdown as it is on a terminal too"),
      Flag.withDefault(false),
    ),
  },
  (input) =>
    Effect.flatMap(
      Effect.promise(() => import("./Chat.ts")),
      ({ chat }) => chat(input),
    ),
).pipe(
  Command.withDescription(
    "Talk with a model: it remembers what was said. Ctrl-C stops an answer, Ctrl-D ends the chat",
  ),
  Command.withExamples([
    { command: "wiseflow-llm chat -s 'Answer in French'", description: "/help says what else can be typed" },
  ]),
)
