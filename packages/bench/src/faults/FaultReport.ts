/** The tables of docs/faults.md. It formats what was observed and judges nothing but by each case's own rule. */
import { readFileSync } from "node:fs"
import { findPackageJSON } from "node:module"
import type { FaultCase } from "./FaultCase.ts"
import { type FaultClientRow, timeoutMs } from "./FaultClient.ts"
import { type Observation, patienceMs, waitsMs } from "./FaultTrial.ts"

/** One cell: a trial, or why there was none. */
export interface FaultResult {
  readonly fault: FaultCase
  readonly client: FaultClientRow
  readonly observation: Observation | { readonly broken: string }
}

export const verdictOf = ({ fault, observation }: FaultResult): string =>
  "broken" in observation ? "not run" : fault.isRight(observation) ? "right" : "wrong"

const seconds = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`

const quoted = (text: string): string => (text === "" ? "no text" : `“${text}”`)

const shortened = (text: string, length = 110): string => {
  const line = text
    .replaceAll(/\s+/g, " ")
    .replaceAll("|", "\\|")
    .replaceAll("`", "'")
    .replaceAll(/:\d{4,5}\b/g, ":port")
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}

/** What the caller sees, as text or as an error. */
export const describeSeen = (observation: FaultResult["observation"]): string => {
  if ("broken" in observation) return shortened(observation.broken)
  const { seen } = observation
  if (seen === undefined)
    return `nothing: still hanging after ${seconds(patienceMs)}, ${quoted(observation.textSoFar)} so far`
  if (seen.outcome === "answer") {
    return `success: ${quoted(seen.text)}, finish reason ${seen.finishReason === undefined ? "absent" : `\`${seen.finishReason}\``}`
  }
  const before = seen.text === "" ? "" : ` after ${quoted(seen.text)}`
  return `\`${seen.errorName}\`: ${shortened(seen.errorMessage)}${before}`
}

const describeRequests = (observation: Observation): string => {
  const waits = waitsMs(observation).map(seconds)
  return waits.length === 0 ? `${observation.requests.length}` : `${waits.length + 1}, after ${waits.join(", ")}`
}

const describeSocket = ({ seen, socket }: Observation): string => {
  if (socket === undefined) return "–"
  if (socket.closedAfterMs !== undefined) return `closed after ${seconds(socket.closedAfterMs)}`
  return seen === undefined ? "open" : "still open 1 s later"
}

/** Columns on a screen: an emoji takes two. */
const widthOf = (text: string): number =>
  [...text].reduce((width, character) => width + (/\p{Emoji_Presentation}/u.test(character) ? 2 : 1), 0)

/** A Markdown table whose columns line up, as the formatter wants it. */
const table = (columns: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = columns.map((_, index) => Math.max(3, ...[columns, ...rows].map((row) => widthOf(row[index] ?? ""))))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${widths.map((width, index) => `${cells[index]}${" ".repeat(width - widthOf(cells[index] ?? ""))}`).join(" | ")} |`
  return [line(columns), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

const resultRow = (result: FaultResult): ReadonlyArray<string> => {
  const { client, observation } = result
  return "broken" in observation
    ? [client.name, describeSeen(observation), "–", "–", "–", verdictOf(result)]
    : [
        client.name,
        describeSeen(observation),
        describeRequests(observation),
        observation.seen === undefined ? "–" : seconds(observation.durationMs),
        describeSocket(observation),
        verdictOf(result),
      ]
}

const versionOf = (name: string): string => {
  const path = findPackageJSON(name, import.meta.url)
  if (path === undefined) return "not installed"
  const manifest: unknown = JSON.parse(readFileSync(path, "utf8"))
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown"
}

/** The whole page. */
export const faultReport = (
  faults: ReadonlyArray<FaultCase>,
  clients: ReadonlyArray<FaultClientRow>,
  results: ReadonlyArray<FaultResult>,
): string => {
  const resultOf = (fault: FaultCase, client: FaultClientRow) =>
    results.find((result) => result.fault === fault && result.client === client)
  const overview = faults.map((fault) => [
    `[${fault.name}](#${fault.name})`,
    ...clients.map((client) => {
      const result = resultOf(fault, client)
      return result === undefined ? "–" : verdictOf(result)
    }),
  ])
  const totals = clients.map((client) => {
    const own = results.filter((result) => result.client === client)
    return `${own.filter((result) => verdictOf(result) === "right").length} of ${own.length}`
  })
  const versions = [...new Set(clients.flatMap((client) => client.packages))]
    .map((name) => `${name} ${versionOf(name)}`)
    .join(", ")
  return `# Faults

Generated by \`npm run faults\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${process.platform}: ${versions}.

Each cell is one call in a process of its own, against a raw-socket server on loopback that commits the fault on purpose
(\`packages/llm/test/faults\`). Every library runs with its own default retries, and with a limit of ${timeoutMs / 1000} s under whatever
name it has for one: the whole call for @wiseflow/llm and ai, the wait for headers for openai and @anthropic-ai/sdk, which have
no other. The caller's own loop reads a missing field as absent. A call that has not ended after ${patienceMs / 1000} s is reported as hanging. “Right” is the rule above each table, taken
from this library's own laws; another library may have meant something else, so the tables say what was seen.

${table(
  ["client", "wire", "used as"],
  clients.map((client) => [client.name, client.wire, client.usage]),
)}

## Overview

${table(["fault", ...clients.map((client) => client.name)], [...overview, ["**right**", ...totals]])}

${faults
  .map((fault) => {
    const rows = clients.flatMap((client) => resultOf(fault, client) ?? []).map(resultRow)
    return `## ${fault.name}

\`${fault.call}\`. ${fault.fault}

Right: ${fault.rule}

${table(["client", "the caller sees", "requests", "ended after", "socket", "verdict"], rows)}
`
  })
  .join("\n")}`
}
