/** What the command line asks for. */
import { parseArgs } from "node:util"
import { type ClientName, clientNames, isClientName } from "./clients/Clients.ts"

export interface Options {
  readonly quick: boolean
  readonly cases: ReadonlyArray<string> | undefined
  readonly clients: ReadonlyArray<ClientName> | undefined
  readonly rounds: number | undefined
  readonly inFlight: number
  readonly profile: "call" | "stream" | "import" | undefined
  readonly help: boolean
}

export const usage = `npm run bench                      measure everything, write docs/performance.md (about 7 minutes)
npm run bench -- --quick           run every client and case shortly, judge no times, write nothing
npm run bench -- --case call       only these cases: call, stream, first-piece, memory, import, bundle, growth,
                                   policies
npm run bench -- --client openai   only these clients (and the floor): ${clientNames.join(", ")}
npm run bench -- --rounds 15       more rounds
npm run bench -- --profile call    where the CPU of a client goes: call or stream, with --client and --in-flight
npm run bench -- --profile import  what importing a client's package loads, with --client`

const profiles = ["call", "stream", "import"] as const

const list = (values: ReadonlyArray<string> | undefined): ReadonlyArray<string> | undefined =>
  values?.flatMap((value) => value.split(","))

export const readOptions = (args: ReadonlyArray<string>): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      case: { type: "string", multiple: true },
      client: { type: "string", multiple: true },
      rounds: { type: "string" },
      "in-flight": { type: "string", default: "32" },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  })
  const unknown = list(values.client)?.find((name) => !isClientName(name))
  if (unknown !== undefined) throw new Error(`No client is named ${unknown}; there are ${clientNames.join(", ")}.`)
  const profile = profiles.find((name) => name === values.profile)
  if (values.profile !== profile) throw new Error(`--profile takes ${profiles.join(", ")}, not ${values.profile}.`)
  return {
    quick: values.quick,
    cases: list(values.case),
    clients: list(values.client)?.filter(isClientName),
    rounds: values.rounds === undefined ? undefined : Number(values.rounds),
    inFlight: Number(values["in-flight"]),
    profile,
    help: values.help,
  }
}
