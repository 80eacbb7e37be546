/**
 * Compares what callers of different libraries see when a server commits a fault. Offline, loopback only, about two
 * minutes: `node packages/bench/src/faults/main.ts [--only <fault>] [--client <name>]`. A whole run writes
 * docs/faults.md; a part of one is only printed.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { faultCases } from "./FaultCase.ts"
import { faultClients } from "./FaultClient.ts"
import { describeSeen, faultReport, type FaultResult, verdictOf } from "./FaultReport.ts"
import { runTrial } from "./FaultTrial.ts"

/** Trials at once: most of a trial is waiting, but the times of the others are measured meanwhile. */
const concurrency = 3

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, client: { type: "string", multiple: true } },
})

/** The rows of these names, or all; a name that does not exist is an error. */
const chosen = <Row extends { readonly name: string }>(rows: ReadonlyArray<Row>, names: ReadonlyArray<string> = []) => {
  const unknown = names.find((name) => !rows.some((row) => row.name === name))
  if (unknown === undefined) return names.length === 0 ? rows : rows.filter((row) => names.includes(row.name))
  console.error(`"${unknown}" is none of: ${rows.map((row) => row.name).join(", ")}.`)
  process.exit(2)
}

const faults = chosen(faultCases, values.only)
const clients = chosen(faultClients, values.client)
const trials = faults.flatMap((fault) =>
  clients.filter((client) => client.generates || fault.call === "stream").map((client) => ({ fault, client })),
)
const results: Array<FaultResult> = []
const waiting = trials.values()

const work = async () => {
  for (const { fault, client } of waiting) {
    const observation = await runTrial(fault, client).catch((error: unknown) => ({ broken: String(error) }))
    const result = { fault, client, observation }
    results.push(result)
    console.error(`${fault.name} / ${client.name}: ${verdictOf(result)}: ${describeSeen(observation)}`)
  }
}
await Promise.all(Array.from({ length: concurrency }, work))

const report = faultReport(faults, clients, results)
if (values.only === undefined && values.client === undefined) {
  const docs = new URL("../../../../docs/", import.meta.url)
  mkdirSync(docs, { recursive: true })
  writeFileSync(new URL("faults.md", docs), report)
  console.error("docs/faults.md is written.")
} else {
  console.log(report)
}
