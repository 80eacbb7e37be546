/** The subcommands, and the flags that all of them share. What a subcommand does is loaded when it runs. */
import { Command } from "effect/cli"
import { BatchCommand } from "./batch/BatchCommand.ts"
import { ChatCommand } from "./chat/ChatCommand.ts"
import { completionsCommand } from "./completions/CompletionsCommand.ts"
import { DoctorCommand } from "./doctor/DoctorCommand.ts"
import { EmbedCommand } from "./embed/EmbedCommand.ts"
import { GenerateCommand } from "./generate/GenerateCommand.ts"
import { ModelsCommand } from "./models/ModelsCommand.ts"
import { sharedFlags } from "./SharedFlags.ts"
import { UsageCommand } from "./usage/UsageCommand.ts"

/** The command with everything it knows. A new subcommand is one line here. */
export const root = Command.make("wiseflow-llm").pipe(
  Command.withDescription(
    'Ask large language models from the command line. Without a subcommand it is `generate`: wiseflow-llm "Hello, world!". ' +
      "Answers go to stdout, everything else to stderr. Exit codes: 0 done, 1 no answer, 2 wrong usage, 130 interrupted.",
  ),
  Command.withSubcommands([
    GenerateCommand,
    ChatCommand,
    BatchCommand,
    EmbedCommand,
    ModelsCommand,
    UsageCommand,
    DoctorCommand,
    completionsCommand((): Command.Command.Any => root),
  ]),
  Command.withGlobalFlags(sharedFlags),
)
