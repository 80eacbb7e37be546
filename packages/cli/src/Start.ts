/** Runs a command line to its end: signals, what is said of a failure, and the exit code. It knows no subcommand. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import { CliConfig, CliOutput, Command, GlobalFlag } from "effect/cli"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import { root } from "./CommandTree.ts"
import { CommandFailure, ExitCode } from "./ExitCode.ts"
import { asGenerate } from "./ImpliedGenerate.ts"
import * as Interrupts from "./Interrupts.ts"
import { presenter } from "./terminal/Presenter.ts"
import { flushed, say } from "./terminal/Streams.ts"
import { version } from "./Version.ts"

const commandLine = Layer.mergeAll(
  NodeServices.layer,
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] }),
  CliOutput.layerPresenter(presenter),
)

/** The exit code of an end, after stderr was told why where it has not been told already. */
const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (exit._tag === "Success") return ExitCode.ok
  if (Interrupts.isOutputClosed()) return ExitCode.ok
  if (Cause.hasInterruptsOnly(exit.cause)) {
    say("aborted")
    return Interrupts.exitCode()
  }
  const problem = Cause.squash(exit.cause)
  if (problem instanceof CommandFailure) {
    if (problem.message !== "") say(problem.message)
    return problem.exitCode
  }
  // The presenter has told what is wrong with a command line.
  if (problem instanceof Error && "_tag" in problem && problem._tag === "ShowHelp") return ExitCode.usage
  say(`unexpected: ${Cause.pretty(exit.cause)}`)
  return ExitCode.failed
}

const runMain = Runtime.makeRunMain(({ fiber, teardown }) => {
  const release = Interrupts.install(() => fiber.interruptUnsafe(fiber.id))
  fiber.addObserver((exit) => {
    release()
    teardown(exit, (code) => {
      process.exitCode = code
      // What is still open (a server that was embedded, a keep-alive socket) does not keep the command waiting.
      void flushed().then(() => process.exit(code))
    })
  })
})

const subcommands = root.subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))

/** Runs the arguments that follow the program's name, and ends the process with their exit code. */
export const start = (args: ReadonlyArray<string>): void => {
  const run = Command.runWith(root, { version: version() })(asGenerate(args, subcommands))
  runMain(run.pipe(Effect.scoped, Effect.provide(commandLine)), {
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(codeOf(exit)),
  })
}
