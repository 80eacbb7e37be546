/** Help and version on stdout; what is wrong with a command line on stderr, with the usage in one line. */
import type { CliOutput } from "effect/cli"
import * as Effect from "effect/Effect"
import { hasColors } from "./Colors.ts"
import { helpText } from "./HelpText.ts"
import { say } from "./Streams.ts"

export const presenter: CliOutput.Presenter = {
  present: (event) =>
    Effect.sync(() => {
      switch (event._tag) {
        case "Version":
          process.stdout.write(`${event.version}\n`)
          break
        case "Help": {
          const { stdout } = process
          stdout.write(helpText(event.helpDoc, stdout.columns || process.stderr.columns || 100, hasColors(stdout)))
          break
        }
        case "InvalidInvocation": {
          for (const { message } of event.errors) say(message)
          say(`\nUsage: ${event.helpDoc.usage}\n${event.commandPath.join(" ")} --help says more.`)
        }
      }
    }),
}
