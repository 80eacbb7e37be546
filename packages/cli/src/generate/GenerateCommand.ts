/** `generate`: one prompt in, one answer out. The flags are here; what they do is loaded when it runs. */
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"

const flags = {
  prompt: Argument.String("prompt").pipe(
    Argument.withDescription("The prompt; what comes on stdin is added to it (a - waits for a slow pipe)"),
    Argument.variadic(),
  ),
  files: Flag.String("file").pipe(
    Flag.withAlias("f"),
    Flag.withMetavar("path"),
    Flag.withDescription("A picture, a PDF or a text to ask about, or the address of a picture or PDF; repeatable"),
    Flag.atLeast(0),
  ),
  system: Flag.String("system").pipe(
    Flag.withAlias("s"),
    Flag.withMetavar("text"),
    Flag.withDescription("What the model is told before the prompt"),
    Flag.optional,
  ),
  schema: Flag.String("schema").pipe(
    Flag.withMetavar("json"),
    Flag.withDescription("A JSON Schema, or a file with one: the answer is a JSON value that fits it"),
    Flag.optional,
  ),
  tools: Flag.String("tools").pipe(
    Flag.withMetavar("module"),
    Flag.withDescription("An ES module whose exports are tools that the model may call"),
    Flag.optional,
  ),
  maxTokens: Flag.Int("max-tokens").pipe(
    Flag.withMetavar("n"),
    Flag.withDescription("The most tokens of the answer"),
    Flag.optional,
  ),
  temperature: Flag.Finite("temperature").pipe(
    Flag.withMetavar("n"),
    Flag.withDescription("The sampling temperature, from 0 on"),
    Flag.optional,
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Print the whole response as JSON in place of its text"),
    Flag.withDefault(false),
  ),
  raw: Flag.Boolean("raw").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Print Markdown as it is on a terminal too"),
    Flag.withDefault(false),
  ),
}

export const GenerateCommand = Command.make("generate", flags, (input) =>
  Effect.flatMap(
    Effect.promise(() => import("./Generate.ts")),
    ({ generate }) => generate(input),
  ),
).pipe(
  Command.withDescription("Ask one question; the word generate may be left out"),
  Command.withExamples([
    { command: 'wiseflow-llm "Hello, world!"', description: "Ask" },
    { command: "git diff | wiseflow-llm 'Review this change'", description: "Ask about what comes on stdin" },
    { command: "wiseflow-llm -f invoice.pdf --schema invoice.json 'Read it'", description: "Get a value" },
  ]),
)
