/**
 * Writes the tables of docs/providers.md from the registry: `npm run providers -w @wiseflow/llm`. A test compares the page
 * with what this makes.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { argv } from "node:process"
import { fileURLToPath } from "node:url"
import { rows, variablesOf } from "../src/providers/Registry.ts"

const page = new URL("../../../docs/providers.md", import.meta.url)

const code = (texts: ReadonlyArray<string>): string => texts.map((text) => `\`${text}\``).join(", ")

/** The cells of the table, a line for each provider. */
export const providerCells: ReadonlyArray<ReadonlyArray<string>> = rows.map((row) => [
  row.title,
  code([row.name, ...row.aliases]),
  code(row.families.map((family) => `${family}…`)),
  code(variablesOf(row)),
  row.apiBase === undefined ? "yours" : code([row.apiBase]),
  row.isKeyOptional ? "optional" : "needed",
])

const head = ["provider", "name", "models known by their names", "variables", "address", "key"]

const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

if (argv[1] === fileURLToPath(import.meta.url)) {
  const text = readFileSync(page, "utf8")
  const table = [line(head), line(head.map(() => "---")), ...providerCells.map(line)].join("\n")
  writeFileSync(page, text.replace(/^\| provider [^]*\n\|.*$/m, table))
}
