/** `batch`: many prompts from a file of JSON lines. The flags are here; what they do is loaded when it runs. */
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"

const on = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

const flags = {
  input: Argument.String("input").pipe(
    Argument.withDescription("JSON lines: { id, prompt } or { id, messages, ... } as a request has them; - for stdin"),
  ),
  output: Flag.String("output").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("file"),
    Flag.withDescription("Where results go, one line each. Started again, a batch goes on where it was"),
    Flag.optional,
  ),
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withAlias("c"),
    Flag.withMetavar("n"),
    Flag.withDescription("How many requests are in flight at once (LLM_CONCURRENT_NUMBER); default 8"),
    Flag.optional,
  ),
  ordered: on("ordered", "Write results in the order of the input, not as they finish"),
  retryFailed: on("retry-failed", "Ask lines again whose result is a failure"),
  rerunChanged: on("rerun-changed", "Ask lines again whose request has changed since it was answered"),
  overwrite: on("overwrite", "Forget what the output holds, and begin anew"),
  budget: Flag.Finite("budget").pipe(
    Flag.withMetavar("usd"),
    Flag.withDescription("The most dollars that the batch may cost, earlier runs included"),
    Flag.optional,
  ),
  system: Flag.String("system").pipe(
    Flag.withAlias("s"),
    Flag.withMetavar("text"),
    Flag.withDescription("What the model is told before each prompt, unless its line says so itself"),
    Flag.optional,
  ),
  maxTokens: Flag.Int("max-tokens").pipe(
    Flag.withMetavar("n"),
    Flag.withDescription("The most tokens of each answer, unless its line says so itself"),
    Flag.optional,
  ),
  temperature: Flag.Finite("temperature").pipe(
    Flag.withMetavar("n"),
    Flag.withDescription("How freely the model chooses its words, unless a line says so itself"),
    Flag.optional,
  ),
  providerBatch: on(
    "provider-batch",
    "Send the lines through the provider's own batch interface (OpenAI, Azure, Anthropic): half the price, within a day",
  ),
  batchSize: Flag.Int("batch-size").pipe(
    Flag.withMetavar("n"),
    Flag.withDescription("The most requests of one provider batch; default what the provider takes"),
    Flag.optional,
  ),
  pollInterval: Flag.String("poll-interval").pipe(
    Flag.withMetavar("time"),
    Flag.withDescription("The first wait before a provider batch is looked at again, as in 30s; waits grow to 5m"),
    Flag.optional,
  ),
  deadline: Flag.String("deadline").pipe(
    Flag.withMetavar("time"),
    Flag.withDescription("Stop waiting for provider batches after this time, as in 2h; the same command goes on later"),
    Flag.optional,
  ),
  cancel: on("cancel", "Cancel the provider batches that run, and collect what they have answered"),
  quiet: on("quiet", "Show no progress"),
}

export const BatchCommand = Command.make("batch", flags, (input) =>
  Effect.flatMap(
    Effect.promise(() => import("./BatchFiles.ts")),
    ({ batch }) => batch(input),
  ),
).pipe(
  Command.withDescription("Ask many questions from a file of JSON lines; a run that was stopped goes on where it was"),
  Command.withExamples([
    { command: "wiseflow-llm batch in.jsonl -o out.jsonl -c 8", description: "Ask each line, eight at once" },
    { command: "wiseflow-llm batch in.jsonl -o out.jsonl --retry-failed", description: "Ask again what failed" },
    {
      command: "wiseflow-llm batch in.jsonl -o out.jsonl --provider-batch",
      description: "At the provider's batch price",
    },
  ]),
)
