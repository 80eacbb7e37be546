/** How the command ends. docs/cli.md lists the same codes. */
import * as Data from "effect/Data"

export const ExitCode = {
  /** It was done; also where the reader of stdout closed it (`| head -1`). */
  ok: 0,
  /** There is no answer, or not for everything that was asked. */
  failed: 1,
  /** The command line cannot be understood; nothing was asked. */
  usage: 2,
  /** Ctrl-C. */
  interrupted: 130,
  /** SIGTERM. */
  terminated: 143,
} as const

/** Ends the command with an exit code; `message` is said on stderr, unless it is empty. */
export class CommandFailure extends Data.TaggedError("CommandFailure")<{
  readonly message: string
  readonly exitCode: number
}> {}

/** There is no answer: exit code 1. */
export const failure = (message: string): CommandFailure => new CommandFailure({ message, exitCode: ExitCode.failed })

/** The command line asks for what makes no sense: exit code 2. */
export const usageFailure = (message: string): CommandFailure =>
  new CommandFailure({ message, exitCode: ExitCode.usage })
