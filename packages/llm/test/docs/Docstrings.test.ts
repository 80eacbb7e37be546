/** Every field of a public interface says what it is where an editor shows it: the declarations are read as editors read them. */
import { readdirSync, readFileSync } from "node:fs"
import { beforeAll, expect, it } from "vitest"
import { build } from "../bundles/Built.ts"

const dist = new URL("../../dist/", import.meta.url)

beforeAll(build, 120_000)

/** The names that `index.d.ts` and `testing/index.d.ts` export as types, by the file that declares them. */
const publicFiles = (): ReadonlySet<string> => {
  const seen = new Set<string>()
  const visit = (file: URL) => {
    if (seen.has(file.href)) return
    seen.add(file.href)
    const text = readFileSync(file, "utf8")
    for (const [, path = ""] of text.matchAll(
      /^export (?:type )?(?:\*|\{[^}]*\})(?: as \w+)? from "(\.[^"]+)\.ts"/gm,
    )) {
      visit(new URL(`${path}.d.ts`, file))
    }
    for (const [, path = ""] of text.matchAll(
      /^export (?:type )?(?:\*|\{[^}]*\})(?: as \w+)? from "(\.[^"]+)\.(?:js|ts)"/gm,
    )) {
      visit(new URL(`${path}.d.ts`, file))
    }
  }
  visit(new URL("index.d.ts", dist))
  visit(new URL("testing/index.d.ts", dist))
  return seen
}

/** Fields that say it with their name: the discriminant of a union. */
const isDiscriminant = (line: string): boolean => /^readonly (?:type|role|_tag): "[^"]+";$/.test(line)

/** The fields of each exported interface that no comment stands above. */
const bareFields = (text: string): ReadonlyArray<string> => {
  const bare: Array<string> = []
  let name: string | undefined
  let before = ""
  for (const line of text.split("\n")) {
    const [, opened] = /^export interface (\w+)/.exec(line) ?? []
    if (opened !== undefined) name = opened
    else if (line === "}") name = undefined
    // Fields of the interface itself stand four spaces in.
    else if (name !== undefined && /^ {4}[\w[(]/.test(line)) {
      if (!before.trimEnd().endsWith("*/") && !isDiscriminant(line.trim())) bare.push(`${name}: ${line.trim()}`)
    }
    before = line
  }
  return bare
}

/** Rooms whose interfaces are documented in the comment above them, and not yet field by field. */
const unfinished = /\/(?:tools|promises\/programs)\//

it("each exported interface of the public files documents each of its fields", () => {
  const files = publicFiles()
  expect(files.size).toBeGreaterThan(20)
  const bare = [...files]
    .filter((file) => !unfinished.test(file))
    .flatMap((file) => bareFields(readFileSync(new URL(file), "utf8")))
  expect(bare).toEqual([])
})

it("a field without a comment is found", () => {
  const text = "export interface A {\n    /** Said. */\n    readonly b: string;\n    readonly c: number;\n}\n"
  expect(bareFields(text)).toEqual(["A: readonly c: number;"])
})

it("every file of the declarations that is public exists in dist", () => {
  expect(readdirSync(new URL("promises/", dist))).toContain("Llm.d.ts")
})
