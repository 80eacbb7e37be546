/**
 * Writes the table of docs/conformance.md from the recorded exchanges: `npm run conformance -w @wiseflow/llm`. A test
 * compares the page with what this makes.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { conformanceCells } from "../test/protocols/Reading.ts"

const page = new URL("../../../docs/conformance.md", import.meta.url)
const head = ["wire", "service", "whole", "streams", "failures", "read as recorded"]
const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const text = readFileSync(page, "utf8")
const table = [line(head), line(head.map(() => "---")), ...conformanceCells().map(line)].join("\n")
writeFileSync(page, text.replace(/^\| wire [^]*\n\|.*$/m, table))
