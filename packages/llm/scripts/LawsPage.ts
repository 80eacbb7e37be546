/** docs/laws.md as data, and which files of the repository name a law. It judges nothing. */
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../../../", import.meta.url))
export const pagePath = `${root}docs/laws.md`

/** One law of the page; files are named from the root of the repository. */
export interface Law {
  readonly number: number
  readonly title: string
  readonly text: string
  readonly why: string
  readonly kept: ReadonlyArray<string>
  readonly held: ReadonlyArray<string>
}

/** From the root of the repository; the page names the library's files without its folder. */
const pathOf = (path: string): string => (path.startsWith("packages/") ? path : `packages/llm/${path}`)

const paragraph = (section: string, name: string): string =>
  section
    .split("\n\n")
    .find((block) => block.startsWith(`**${name}`))
    ?.slice(`**${name}**`.length)
    .trim() ?? ""

/** The files that a paragraph lists. */
export const filesIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => pathOf(path))

/** The paragraph of these files. */
export const listOf = (files: Iterable<string>): string =>
  [...new Set(files)]
    .map((file) => file.replace(/^packages\/llm\//, ""))
    .toSorted()
    .map((file) => `\`${file}\``)
    .join(", ")

/** The laws of the page. */
export const laws = (page: string): ReadonlyArray<Law> =>
  page
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
        kept: filesIn(paragraph(section, "Kept in")),
        held: filesIn(paragraph(section, "Held by")),
      }
    })

/** `law 3`, `Laws 6 and 7`, `laws 1, 2, 3 and 5`: the numbers, where a comment may break the line between them. */
export const lawsNamed = (source: string): ReadonlyArray<number> =>
  [
    ...source.replaceAll(/\n\s*(?:\*|\/\/) ?/g, " ").matchAll(/\blaws? (?<numbers>\d+(?:(?:, and |, | and )\d+)*)/gi),
  ].flatMap((match) => (match.groups?.["numbers"] ?? "").split(/\D+/).map(Number))

/** Each file that names a law, with the law's number. The list of all laws and the test of the page name them all. */
export const mentions = (): ReadonlyArray<{ readonly file: string; readonly number: number }> =>
  globSync("packages/*/{src,test}/**/*.ts", { cwd: root })
    .filter((file) => !file.endsWith("contract/Laws.ts") && !file.endsWith("docs/Laws.test.ts"))
    .flatMap((file) =>
      [...new Set(lawsNamed(readFileSync(`${root}${file}`, "utf8")))].map((number) => ({ file, number })),
    )
