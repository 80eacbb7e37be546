/** docs/laws.md is true: each law stands there once, with files and tests that exist, and whatever names a law is listed under it. */
import { existsSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { laws as lawsOf, lawsNamed, mentions, pagePath, root } from "../../scripts/LawsPage.ts"
import { law as contractNames } from "../contract/Laws.ts"

const laws = lawsOf(readFileSync(pagePath, "utf8"))
const named = mentions()

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

  it("lists each file that names a law under that law (npm run docs -w @wiseflow/llm lists them)", () => {
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
