/** What was typed: the prompt and the options, or a reason why they cannot be understood. It runs nothing. */
import { parseArgs } from "node:util"
import { ProviderRegistry } from "@wiseflow/llm/promise"

/** Names in lines that fit a terminal, under the column of the descriptions. */
const columns = (names: ReadonlyArray<string>): string => {
  const lines = [""]
  for (const name of names) {
    const line = lines.at(-1) ?? ""
    if (line.length + name.length > 56) lines.push(`${name}, `)
    else lines[lines.length - 1] = `${line}${name}, `
  }
  return lines.map((line) => line.trimEnd()).join(`\n${" ".repeat(22)}`)
}

export const help = `wiseflow-llm: one prompt in, one answer out.

Usage: wiseflow-llm [options] [prompt ...]      the prompt is read from stdin where none is given

  --provider <name>   ${columns(ProviderRegistry.names)}
                      or fallback (LLM_PROVIDER)
  --model <id>        the model to ask, also as provider/model (PRIMARY_MODEL)
  --json              print the whole response as JSON instead of streaming its text
  --help, --version

The answer goes to stdout, everything else to stderr; the exit code is 1 where there is no answer.
Settings come from the environment, .env and LLM_CONFIG_FILE, for example OPENAI_API_KEY and PRIMARY_MODEL.
Without any provider settings an embedded offline upstream answers, and says so on stderr.
`

/** What `LLM_PROVIDER` may be. */
export type ProviderName = ProviderRegistry.ProviderName | "fallback"

/** A command line that was understood. */
export interface CommandLine {
  readonly prompt: string
  readonly provider: ProviderName | undefined
  readonly model: string | undefined
  readonly json: boolean
  readonly help: boolean
  readonly version: boolean
}

/** A command line that was not. */
export class UsageError extends Error {}

const isProviderName = (name: string): name is ProviderName =>
  name === "fallback" || ProviderRegistry.isProviderName(name)

const providerNamed = (name: string): ProviderName => {
  if (isProviderName(name)) return name
  throw new UsageError(`--provider ${name} is not one of ${ProviderRegistry.names.join(", ")}, fallback`)
}

/** Reads the arguments after the program's name. Throws `UsageError`. */
export const parseCommandLine = (args: ReadonlyArray<string>): CommandLine => {
  const { positionals, values } = understood(args)
  return {
    prompt: positionals.join(" "),
    provider: values.provider === undefined ? undefined : providerNamed(values.provider),
    model: values.model,
    json: values.json === true,
    help: values.help === true,
    version: values.version === true,
  }
}

const understood = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        provider: { type: "string", short: "p" },
        model: { type: "string", short: "m" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
      },
    })
  } catch (problem) {
    throw new UsageError(problem instanceof Error ? problem.message : String(problem))
  }
}
