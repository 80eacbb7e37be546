/** docs/laws.md is true: each law stands there once, with files and tests that exist, and whatever names a law is listed under it. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { law as contractNames } from "../contract/Laws.ts"

const root = fileURLToPath(new URL("../../../../", import.meta.url))
const page = readFileSync(`${root}docs/laws.md`, "utf8")

interface Law {
  readonly number: number
  readonly title: string
  readonly text: string
  readonly why: string
  readonly kept: ReadonlyArray<string>
  readonly held: ReadonlyArray<string>
}

/** From the root of the repository; the page writes the paths of the library without its folder. */
const pathOf = (path: string): string => (path.startsWith("packages/") ? path : `packages/llm/${path}`)

const paragraph = (section: string, name: string): string =>
  section
    .split("\n\n")
    .find((block) => block.startsWith(`**${name}`))
    ?.slice(`**${name}**`.length)
    .trim() ?? ""

const paths = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => pathOf(path))

const laws: ReadonlyArray<Law> = page
  .split(/^### /m)
  .slice(1)
  .map((section) => {
    const [, number = "", title = ""] = /^(\d+)\. (.*)\n/.exec(section) ?? []
    const [, text = ""] = section.split("\n\n")
    return {
      number: Number(number),
      title,
      text,
      why: paragraph(section, "Why."),
      kept: paths(paragraph(section, "Kept in")),
      held: paths(paragraph(section, "Held by")),
    }
  })

/** `law 3`, `Laws 6 and 7`, `laws 1, 2, 3 and 5`: the numbers, where a comment may break the line between them. */
const lawsNamed = (source: string): ReadonlyArray<number> =>
  [
    ...source.replaceAll(/\n\s*(?:\*|\/\/) ?/g, " ").matchAll(/\blaws? (?<numbers>\d+(?:(?:, and |, | and )\d+)*)/gi),
  ].flatMap((match) => (match.groups?.["numbers"] ?? "").split(/\D+/).map(Number))

const sources = globSync("packages/*/{src,test,scripts}/**/*.ts", { cwd: root }).filter(
  (file) => !file.endsWith("contract/Laws.ts") && !file.endsWith("docs/Laws.test.ts"),
)

const named = sources.flatMap((file) =>
  [...new Set(lawsNamed(readFileSync(`${root}${file}`, "utf8")))].map((number) => ({ file, number })),
)

describe("docs/laws.md", () => {
  it("has every law once, in order", () => {
    expect(laws.map(({ number }) => number)).toEqual(Array.from({ length: 28 }, (_, place) => place + 1))
  })

  it.each(laws)("law $number, $title: says what, why, where and by which tests", ({ held, kept, text, why }) => {
    expect(text).toMatch(/^[A-Z`].*[.]$/s)
    expect(why).toMatch(/^[A-Z].*[.]$/s)
    expect(kept).not.toEqual([])
    expect(held.some((file) => file.endsWith(".test.ts"))).toBe(true)
    for (const file of [...kept, ...held]) expect(existsSync(`${root}${file}`), file).toBe(true)
    expect([...kept, ...held].toSorted()).toEqual([...new Set([...kept, ...held])].toSorted())
  })

  it("keeps laws in source and holds them by tests", () => {
    for (const { held, kept } of laws) {
      expect(kept.filter((file) => !file.includes("/src/"))).toEqual([])
      expect(held.filter((file) => file.startsWith("packages/llm/src/"))).toEqual([])
    }
  })

  it("lists each file that names a law under that law", () => {
    const unlisted = named.filter(({ file, number }) => {
      const law = laws.find((each) => each.number === number)
      return law === undefined || ![...law.kept, ...law.held].includes(file)
    })
    expect(unlisted).toEqual([])
    expect(named.length).toBeGreaterThan(60)
  })

  it("has the titles by which the contract suite names its tests", () => {
    const names = Object.values(contractNames).filter((name) => name.startsWith("law "))
    const titles = laws.map(({ number, title }) => `law ${number}, ${title.toLowerCase()}`)
    const strange = names.filter((name) => !titles.some((title) => name.toLowerCase().startsWith(title)))
    expect(strange).toEqual([])
  })
})

describe("the laws that a file names", () => {
  it.each([
    ["it fails (law 1: proof of completion)", [1]],
    ["/** Laws 13, 14, 15 and 17: two targets. */", [13, 14, 15, 17]],
    [" * Text is never emitted twice (law\n * 14), nor lost.", [14]],
    ["an outlaw 3, the laws of nature", []],
  ])("%s", (source, numbers) => {
    expect(lawsNamed(source)).toEqual(numbers)
  })
})
