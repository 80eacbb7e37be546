/** The tarball stands by itself: its documentation is in it, and no link of it leads outside or nowhere. */
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { build } from "./Built.ts"
import { installPacked, type PackedPackage } from "./PackedPackage.ts"

let packed: PackedPackage
const inside = (file: string): string => join(packed.folder, "node_modules/@wiseflow/llm", file)

beforeAll(async () => {
  await build()
  packed = await installPacked()
})

afterAll(() => packed[Symbol.asyncDispose]())

/** Headings as GitHub makes anchors of them. */
const anchorsOf = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  )

/** Links of a page, outside its code. */
const linksOf = (text: string): ReadonlyArray<string> =>
  [
    ...text
      .replaceAll(/^```.*?^```/gms, "")
      .replaceAll(/`[^`\n]*`/g, "")
      .matchAll(/\]\(([^)\s]+)\)/g),
  ].map(([, link = ""]) => link)

describe("the tarball", () => {
  it("holds what is built, its source and its documentation, and no test, script or note of the compiler's", () => {
    const folders = new Set(packed.files.map((file) => file.split("/")[0]))
    const texts = ["AGENTS.md", "CHANGELOG.md", "LICENSE", "README.md", "llms.txt"]
    assert.sameMembers([...folders], [...texts, "dist", "docs", "package.json", "src"])
    assert.isEmpty(packed.files.filter((file) => /tsbuildinfo|\.test\./.test(file)))
  })

  it("links only to what it holds, and to headings that are there", () => {
    const pages = packed.files.filter((file) => /\.(md|txt)$/.test(file) && !/^(dist|src)\//.test(file))
    assert.includeMembers(pages, ["README.md", "docs/README.md", "docs/errors.md", "llms.txt", "AGENTS.md"])
    const broken: Array<string> = []
    for (const page of pages) {
      for (const link of linksOf(readFileSync(inside(page), "utf8"))) {
        if (/^https?:/.test(link)) continue
        const [path = "", anchor] = link.split("#")
        const target = path === "" ? page : join(dirname(page), path)
        const exists = !target.startsWith("..") && existsSync(inside(target))
        if (!exists || (anchor !== undefined && !anchorsOf(readFileSync(inside(target), "utf8")).has(anchor)))
          broken.push(`${page}: ${link}`)
      }
    }
    assert.deepEqual(broken, [])
  })

  it("names every page of documentation in llms.txt or in the pages' own list", () => {
    const named = ["llms.txt", "docs/README.md"].map((file) => readFileSync(inside(file), "utf8")).join("\n")
    const pages = packed.files.filter((file) => /^docs\/(recipes\/)?[^/]+\.md$/.test(file) && file !== "docs/README.md")
    assert.isAbove(pages.length, 10)
    assert.isEmpty(pages.filter((page) => !named.includes(page) && !named.includes(page.slice("docs/".length))))
  })

  it("offers every entry of its manifest", () => {
    assert.includeMembers(
      [...packed.entries],
      [
        "@wiseflow/llm",
        "@wiseflow/llm/promise",
        "@wiseflow/llm/promise/testing",
        "@wiseflow/llm/testing",
        "@wiseflow/llm/effect-ai",
      ],
    )
  })
})
