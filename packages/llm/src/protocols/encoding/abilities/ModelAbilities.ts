/** Reads the generated table of abilities. What a model refuses or renames is told by hand, in ModelCapabilities. */
import type { ReasoningEffort } from "../../../model/LlmRequest.ts"
import { abilityTable } from "./abilityTable.ts"

/** The digits of the table. */
const effortOfDigit: ReadonlyArray<ReasoningEffort> = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]

/** The lines of the table by their names, split at the first question. */
let abilities: ReadonlyMap<string, string> | undefined

const lineOf = (name: string): string | undefined =>
  (abilities ??= new Map(
    abilityTable
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf(" ")), line]),
  )).get(name)

/** How much a model reads and writes, and the efforts that it knows. */
export interface ModelAbilities {
  /** The most tokens that it reads and writes together. */
  readonly contextWindow: number
  /** The most tokens that it writes in one answer. */
  readonly maxOutputTokens: number
  /** The limit of an answer where a protocol wants one and the request has none. */
  readonly defaultMaxTokens: number
  /** Absent where they are not known. */
  readonly efforts?: ReadonlyArray<ReasoningEffort>
}

/** What the table knows of a model by its bare name, dated or not. */
export const abilitiesOf = (name: string): ModelAbilities | undefined => {
  const line = lineOf(name) ?? lineOf(name.replace(/[-@]20\d{2}-?\d{2}-?\d{2}(-v\d.*)?$/, ""))
  if (line === undefined) return undefined
  const [, context, output, digits = "-"] = line.split(" ")
  const contextWindow = Number(context)
  const maxOutputTokens = Number(output)
  const known = { contextWindow, maxOutputTokens, defaultMaxTokens: Math.min(maxOutputTokens, contextWindow / 2) }
  return digits === "-"
    ? known
    : { ...known, efforts: [...digits].flatMap((digit) => effortOfDigit[Number(digit)] ?? []) }
}
