/** The pages of docs/: every program in them is an example that runs, every link leads somewhere, and searches find answers. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, extname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../../../../", import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), "utf8")

const pages = globSync("docs/**/*.md", { cwd: root }).toSorted()
const everyPage = [...pages, "README.md"]
const written = pages.filter((page) => !page.startsWith("docs/reference/"))

const examples = globSync("examples/**/*.{ts,html}", { cwd: root }).toSorted()

interface Block {
  readonly language: string
  readonly text: string
  /** The file that the line before names. */
  readonly file: string | undefined
}

const blocksOf = (page: string): ReadonlyArray<Block> =>
  [...read(page).matchAll(/(?:^<!-- (examples\/\S+) -->\n\n)?^```(\w*)\n(.*?)^```$/gms)].map(
    ([, file, language = "", text = ""]) => ({ language, text: text.trim(), file }),
  )

/** A heading as GitHub writes it into an address. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-")

const anchorsOf = (page: string): ReadonlyArray<string> =>
  [
    ...read(page)
      .replaceAll(/^```.*?^```$/gms, "")
      .matchAll(/^#+ (.*)$/gm),
  ].map(([, heading = ""]) => anchorOf(heading))

/** The addresses that a page links to, inside the repository. */
const linksOf = (page: string): ReadonlyArray<string> =>
  [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^https?:/.test(target))

describe.each(written)("%s", (page) => {
  it("holds programs that are example files, each under its name", () => {
    for (const { file, language, text } of blocksOf(page)) {
      // What a program prints is held to the program by a test of its own.
      if (language === "sh" || language === "text") continue
      expect(file, `a block without a file: ${text.slice(0, 60)}`).toBeDefined()
      expect(text).toBe(read(file ?? "").trim())
      expect(language).toBe(extname(file ?? "").slice(1))
    }
  })
})

describe.each(everyPage)("%s", (page) => {
  it("links to what is there", () => {
    for (const link of linksOf(page)) {
      const [path = "", anchor] = link.split("#")
      const target = path === "" ? page : join(dirname(page), path)
      expect(existsSync(join(root, target)), link).toBe(true)
      expect(relative(root, join(root, target)).startsWith("..")).toBe(false)
      if (anchor !== undefined && target.endsWith(".md")) expect(anchorsOf(target), link).toContain(anchor)
    }
  })
})

describe("the pages together", () => {
  it("are all reached from docs/README.md", () => {
    const reached = new Set(["docs/README.md"])
    for (const page of reached) {
      for (const link of linksOf(page)) {
        const [path = ""] = link.split("#")
        if (path.endsWith(".md")) reached.add(join(dirname(page), path))
      }
    }
    expect(pages.filter((page) => !reached.has(page))).toEqual([])
  })

  it("link to nothing but each other and the README, as the package brings them along", () => {
    const targets = pages.flatMap((page) =>
      linksOf(page)
        .map((link) => link.split("#")[0] ?? "")
        .filter((path) => path !== "")
        .map((path) => join(dirname(page), path)),
    )
    expect(targets.filter((target) => !target.startsWith("docs/") && target !== "README.md")).toEqual([])
  })

  it("show every example", () => {
    const shown = new Set(everyPage.flatMap((page) => blocksOf(page).map(({ text }) => text)))
    expect(examples.filter((example) => !shown.has(read(example).trim()))).toEqual([])
  })

  it.each([
    "tool",
    "image",
    "pdf",
    "zod",
    "proxy",
    "headers",
    "cost",
    "next.js",
    "mock",
    "quota",
    "rate limit headers",
    "user agent",
    "streaming",
    "bundler",
    "certificate",
    "embedding",
    "timeout",
    "abort",
    "retry",
    "fallback",
    "log",
  ])("answer a search for %s", (words) => {
    const found = written.filter((page) => read(page).toLowerCase().includes(words))
    expect(found).not.toEqual([])
  })
})
