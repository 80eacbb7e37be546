/** The bench's command. `--help` says what it can do. */
import { readOptions, usage } from "./Options.ts"
import { profile } from "./Profile.ts"

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const options = readOptions(process.argv.slice(2))
if (options.help) print(usage)
else if (options.profile !== undefined) {
  const [name = "wiseflow"] = options.clients ?? []
  await profile(options.profile, name, options.profile === "call" ? options.inFlight : 4, print)
}
