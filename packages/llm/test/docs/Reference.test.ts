/** docs/reference has every public name, with what its doc comment says; names that are gone are gone there too. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as llm from "@wiseflow/llm"
import { beforeAll, describe, expect, it } from "vitest"
import { publicNames } from "../../scripts/reference/PublicNames.ts"
import { referencePages, topics } from "../../scripts/reference/ReferencePages.ts"
import { build } from "../bundles/Built.ts"

const folder = fileURLToPath(new URL("../../../../docs/reference/", import.meta.url))
const dist = fileURLToPath(new URL("../../dist/", import.meta.url))

const headings = (page: string): ReadonlyArray<string> =>
  [...page.replaceAll(/^```.*?^```$/gms, "").matchAll(/^## (.+)$/gm)].map(([, name = ""]) => name)

beforeAll(build, 120_000)

const names = () =>
  ["index.d.ts", "testing/index.d.ts", "bridges/effect-ai/EffectAi.d.ts"].flatMap((entry) =>
    publicNames(join(dist, entry), dist),
  )

describe("docs/reference", () => {
  it("has each public name once (npm run reference -w @wiseflow/llm writes it)", () => {
    const written = readdirSync(folder)
      .filter((file) => file !== "README.md")
      .flatMap((file) => headings(readFileSync(join(folder, file), "utf8")))
    const expected = new Set(names().map(({ name }) => name))
    expect(written.toSorted()).toEqual([...expected].toSorted())
  })

  it("knows every name that a program can import", () => {
    const found = new Set(names().map(({ name }) => name))
    expect(Object.keys(llm).filter((name) => !found.has(name))).toEqual([])
  })

  it("says something about every name", () => {
    const bare = names().filter(({ comment }) => comment === "")
    expect(bare.map(({ file, name }) => `${file}: ${name}`)).toEqual([])
  })

  it("has a page for each topic, none of them empty", () => {
    const pages = referencePages(names())
    expect([...pages.keys()].toSorted()).toEqual(["README.md", ...topics.map(({ file }) => file)].toSorted())
    for (const [file, page] of pages) if (file !== "README.md") expect(headings(page), file).not.toEqual([])
  })
})
