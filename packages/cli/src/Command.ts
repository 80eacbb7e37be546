/** What the `wiseflow-llm` command does: the answer to stdout, what it took to stderr. */
import { readFileSync } from "node:fs"
import { text } from "node:stream/consumers"
import { isLlmError, LLMInterface } from "@wiseflow/llm/promise"
import { type CommandLine, help, parseCommandLine, UsageError } from "./CommandLine.ts"
import { type OfflineUpstream, speaks, startOfflineUpstream } from "./OfflineUpstream.ts"
import { hasProviderSettings } from "./ProviderSettings.ts"
import { summary } from "./Summary.ts"

const version = (): string => {
  const { version }: { readonly version: string } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  )
  return version
}

const promptOf = async ({ prompt }: CommandLine): Promise<string> => {
  const given = prompt.trim() !== "" || process.stdin.isTTY ? prompt : await text(process.stdin)
  if (given.trim() === "") throw new UsageError("there is no prompt: give one as an argument or on stdin")
  return given
}

/** Nothing is configured: say so, and let the embedded upstream answer. */
const goOffline = async ({ model, provider }: CommandLine): Promise<OfflineUpstream | undefined> => {
  const wire = provider ?? "openai"
  if (hasProviderSettings(process.env) || !speaks(wire)) return undefined
  const upstream = await startOfflineUpstream(wire, model)
  console.error(
    `OFFLINE: no provider is configured, so an embedded upstream on ${new URL(upstream.options.apiBase).host} answers in ${wire}'s wire format.\n` +
      "OFFLINE: it refuses the first request with 429, so that you see a retry; its tokens are estimates and cost nothing. Set OPENAI_API_KEY and PRIMARY_MODEL for a real answer.",
  )
  return upstream
}

/** What is asked, and how it is printed. */
interface Question {
  readonly prompt: string
  readonly json: boolean
  readonly isOffline: boolean
  readonly signal: AbortSignal
}

/** Asks, and prints. True where there is an answer. */
const ask = async (llm: LLMInterface, { isOffline, json, prompt, signal }: Question): Promise<boolean> => {
  const stream = llm.stream({ messages: [{ role: "user", content: prompt }], signal })
  let written = ""
  try {
    for await (const event of stream) {
      if (json || event.type !== "text-delta") continue
      process.stdout.write(event.delta)
      written = event.delta
    }
  } catch (error) {
    // It is told below, from the response.
    if (!isLlmError(error)) throw error
  }
  const response = await stream.response
  if (json) console.log(JSON.stringify(response, undefined, 2))
  else if (written !== "" && !written.endsWith("\n")) process.stdout.write("\n")
  if ("error" in response) console.error(`${response.error} (${response.errorType})`)
  else console.error(summary(response.metadata, isOffline))
  return !("error" in response)
}

const run = async (command: CommandLine): Promise<number> => {
  if (command.help) return (process.stdout.write(help), 0)
  if (command.version) return (console.log(version()), 0)
  const prompt = await promptOf(command)
  const aborted = new AbortController()
  process.once("SIGINT", () => aborted.abort())
  // A reader that has seen enough (`| head -1`) is no reason to go on asking.
  process.stdout.on("error", () => aborted.abort())
  const offline = await goOffline(command)
  const question = { prompt, json: command.json, isOffline: offline !== undefined, signal: aborted.signal }
  await using llm = new LLMInterface(offline?.options ?? { provider: command.provider, model: command.model })
  try {
    return (await ask(llm, question)) ? 0 : 1
  } catch (reason) {
    if (!aborted.signal.aborted) throw reason
    console.error("aborted")
    return 130
  } finally {
    await offline?.stop()
  }
}

/** Runs a command line; gives the exit code. */
export const command = async (args: ReadonlyArray<string>): Promise<number> => {
  try {
    return await run(parseCommandLine(args))
  } catch (problem) {
    if (!(problem instanceof UsageError)) throw problem
    console.error(`${problem.message}\n\n${help}`)
    return 1
  }
}
