/** `completions`: the script that teaches a shell the names of subcommands and flags. */
import { Argument, Command, Completions } from "effect/cli"
import * as Effect from "effect/Effect"
import { write } from "../terminal/Streams.ts"

/** The subcommand for a tree of commands, which is complete only when it runs. */
export const completionsCommand = (root: () => Command.Command.Any) =>
  Command.make(
    "completions",
    {
      shell: Argument.ChoiceWithValue("shell", [
        ["bash", "bash"],
        ["zsh", "zsh"],
        ["fish", "fish"],
        ["pwsh", "powershell"],
        ["powershell", "powershell"],
      ]).pipe(Argument.withMetavar("bash|zsh|fish|pwsh")),
    },
    ({ shell }) => {
      const { name } = root()
      return Effect.promise(() =>
        write(`${Completions.generate(name, shell, Completions.fromCommand(root())).trimEnd()}\n`),
      )
    },
  ).pipe(
    Command.withDescription("Print the completion script of a shell"),
    Command.withExamples([
      { command: "source <(wiseflow-llm completions bash)", description: "For this bash" },
      {
        command: "wiseflow-llm completions fish > ~/.config/fish/completions/wiseflow-llm.fish",
        description: "For every fish from now on",
      },
    ]),
  )
