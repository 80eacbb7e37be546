/** The results of a run as markdown, and the whole of docs/performance.md around them. */
import { readFile } from "node:fs/promises"
import { exponents, growthClients, type GrowthPoint } from "../cases/GrowthCase.ts"
import { type ClientName, clientNames, clients, floorOf } from "../clients/Clients.ts"
import type { ImportTimes } from "../cases/ImportCase.ts"
import type { Measured } from "../Crew.ts"
import type { RunResult } from "../Run.ts"
import { leastOf, leastRatio, median, summarise } from "../Statistics.ts"
import { goals, ratioInRounds } from "./Goals.ts"
import { digits, table, times } from "./Table.ts"
import { versions } from "./Versions.ts"

const rowNames = (measured: Measured): ReadonlyArray<ClientName> => clientNames.filter((name) => measured.has(name))

const range = (values: ReadonlyArray<number>): string => {
  const { least, most } = summarise(values)
  return `${digits(least)} … ${digits(most)}`
}

const measuredTable = (title: string, measured: Measured): string =>
  table(
    [title, "median", "range", "/ floor"],
    rowNames(measured).map((name) => {
      const values = measured.get(name) ?? []
      return [
        clients[name].label,
        digits(median(values)),
        range(values),
        times(ratioInRounds(measured, name, floorOf(name))),
      ]
    }),
  )

const plainTable = (title: string, measured: Measured): string =>
  table(
    [title, "median", "range"],
    rowNames(measured).map((name) => {
      const values = measured.get(name) ?? []
      return [clients[name].label, digits(median(values)), range(values)]
    }),
  )

/** Each time beside its ratio to `openai`. */
const startTable = ({ addedMs, answeredMs, cachedMs }: ImportTimes): string => {
  const beside = (measured: ImportTimes["addedMs"], label: string): ReadonlyArray<string> => [
    digits(leastOf(measured, label)),
    times(leastRatio(measured, label, "openai")),
  ]
  return table(
    [
      "least over bare node: ms",
      "import",
      "/ openai",
      "with compile cache",
      "/ openai",
      "import and answer",
      "/ openai",
    ],
    [...addedMs.keys()].map((label) => [
      label,
      ...[addedMs, cachedMs, answeredMs].flatMap((measured) => beside(measured, label)),
    ]),
  )
}

const axisTitles = {
  inFlight: "calls in flight: CPU µs for each call",
  pieces: "pieces in a stream: CPU µs for each piece",
  messages: "messages in a request: CPU µs for each message",
} as const

const growthTable = (axis: keyof typeof axisTitles, points: ReadonlyArray<GrowthPoint>): string => {
  const names = growthClients.filter((name) => points.every((point) => point.eachMicros.has(name)))
  const steps = new Map(names.map((name) => [name, exponents(axis, points, name)]))
  return table(
    [axisTitles[axis], ...names.map((name) => `${clients[name].label} (exponent)`)],
    points.map((point, index) => [
      point.size.toLocaleString("en"),
      ...names.map((name) => {
        const perUnit = median(point.eachMicros.get(name) ?? []) / point.perUnit
        const exponent = steps.get(name)?.[index - 1]
        return exponent === undefined ? digits(perUnit) : `${digits(perUnit)} (${exponent.toFixed(2)})`
      }),
    ]),
  )
}

const goalTable = (result: RunResult): string =>
  table(
    ["the whole default stack", "goal", "first bar", "reached", "which is"],
    goals(result).map((row) => [row.title, row.goal, row.firstBar, row.reached, row.verdict]),
  )

/** Every table of a run. */
export const sections = (result: RunResult): Record<string, string> => ({
  versions: Object.entries(versions())
    .map(([name, version]) => `${name} ${version}`)
    .join(", "),
  goals: goalTable(result),
  cpu: result.cpu.map(({ title, micros }) => measuredTable(title, micros)).join("\n\n"),
  "first-piece":
    result.firstPiece === undefined
      ? ""
      : [
          plainTable("time to the first piece: µs", result.firstPiece.micros),
          plainTable("added to the floor: µs", result.firstPiece.added),
        ].join("\n\n"),
  memory: result.memoryKb === undefined ? "" : measuredTable("heap for each call in flight: KB", result.memoryKb),
  imports: result.imports === undefined ? "" : startTable(result.imports),
  bundles:
    result.bundles === undefined
      ? ""
      : table(
          ["one question, whole and streamed, bundled", "gzip KB"],
          [...result.bundles.gzipKb].map(([label, size]) => [label, digits(size)]),
        ),
  growth: result.growth.map(({ axis, points }) => growthTable(axis, points)).join("\n\n"),
  policies:
    result.policies === undefined
      ? ""
      : table(
          ["added to a call: CPU µs", "median", "range"],
          [...result.policies].map(([name, micros]) => [name, digits(median(micros)), range(micros)]),
        ),
  failures: [
    ...result.failures.map(({ client, during, message }) => `- ${clients[client].label}, ${during}: ${message}`),
    ...[...(result.imports?.failures ?? []), ...(result.bundles?.failures ?? [])].map(
      ({ label, message }) => `- ${label}: ${message}`,
    ),
  ].join("\n"),
})

/** docs/performance.md: the template with the run's tables and the explained profiles in it. */
export const document = async (result: RunResult): Promise<string> => {
  const template = await readFile(new URL("../../performance.template.md", import.meta.url), "utf8")
  const profiles = await readFile(new URL("../../profiles.md", import.meta.url), "utf8")
  const parts: Record<string, string> = { ...sections(result), profiles: profiles.trim() }
  const failures = parts["failures"] === "" ? "" : `\nNot measured in this run:\n\n${parts["failures"]}\n`
  return template.replaceAll(/\{\{([a-z-]+)\}\}/g, (_, name: string) =>
    name === "failures" ? failures : (parts[name] ?? ""),
  )
}

const rounded = (value: unknown): unknown => {
  if (typeof value === "number") return Number(value.toPrecision(4))
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [key, rounded(inner)]))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]))
  }
  return value
}

/** Every measured number of a run, for who wants to compute with them. */
export const rawNumbers = (result: RunResult): unknown => ({ versions: versions(), ...Object(rounded(result)) })
