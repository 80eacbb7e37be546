/** `wiseflow-llm "Hello"` is `wiseflow-llm generate "Hello"`; `help` is `--help`. Nothing else is read into a command line. */

/** Shared flags that take the argument after them. */
const valued: ReadonlySet<string> = new Set(["--provider", "-p", "--model", "-m", "--config", "--set", "--log-level"])

/** Flags with which the command itself answers. */
const actions: ReadonlySet<string> = new Set(["--help", "-h", "--version", "-v"])

/** The arguments with `generate` in front, where no subcommand is named. */
export const asGenerate = (args: ReadonlyArray<string>, subcommands: ReadonlyArray<string>): ReadonlyArray<string> => {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ""
    if (arg === "help") return [...args.slice(0, at), ...args.slice(at + 1), "--help"]
    if (subcommands.includes(arg) || actions.has(arg)) return args
    if (valued.has(arg)) at++
    else if (arg !== "--offline" && ![...valued].some((flag) => arg.startsWith(`${flag}=`))) break
  }
  return ["generate", ...args]
}
