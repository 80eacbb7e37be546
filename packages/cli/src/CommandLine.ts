/** What was typed: the prompt and the options, or a reason why they cannot be understood. It runs nothing. */
import { parseArgs } from "node:util"

export const help = `wiseflow-llm: one prompt in, one answer out.

Usage: wiseflow-llm [options] [prompt ...]      the prompt is read from stdin where none is given

  --provider <name>   openai, anthropic, azure, litellm or fallback (LLM_PROVIDER)
  --model <id>        the model to ask, also as provider/model (PRIMARY_MODEL)
  --json              print the whole response as JSON instead of streaming its text
  --help, --version

The answer goes to stdout, everything else to stderr; the exit code is 1 where there is no answer.
Settings come from the environment, .env and LLM_CONFIG_FILE, for example OPENAI_API_KEY and PRIMARY_MODEL.
Without any provider settings an embedded offline upstream answers, and says so on stderr.
`

export const providers = ["openai", "anthropic", "azure", "litellm", "fallback"] as const
export type ProviderName = (typeof providers)[number]

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

const providerNamed = (name: string): ProviderName => {
  const provider = providers.find((known) => known === name)
  if (provider === undefined) throw new UsageError(`--provider ${name} is not one of ${providers.join(", ")}`)
  return provider
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
