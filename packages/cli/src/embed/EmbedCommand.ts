/** `embed`: texts in, vectors out. The flags are here; what they do is loaded when it runs. */
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"

export const EmbedCommand = Command.make(
  "embed",
  {
    inputs: Argument.String("text").pipe(
      Argument.withDescription("A text to embed; without any, each line of stdin is one"),
      Argument.variadic(),
    ),
    dimensions: Flag.Int("dimensions").pipe(
      Flag.withMetavar("n"),
      Flag.withDescription("The length of the vectors, for models that can shorten them"),
      Flag.optional,
    ),
  },
  (input) =>
    Effect.flatMap(
      Effect.promise(() => import("./Embed.ts")),
      ({ embed }) => embed(input),
    ),
).pipe(
  Command.withDescription(
    "Embed texts: one JSON object a line, { index, input, embedding }. --model names the embedding model (EMBEDDING_MODEL)",
  ),
  Command.withShortDescription("Embed texts: one vector a line, as JSON"),
  Command.withExamples([
    { command: "wiseflow-llm embed < lines.txt > vectors.jsonl", description: "One vector for each line" },
  ]),
)
