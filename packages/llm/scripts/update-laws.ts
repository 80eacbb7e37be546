/** Lists in docs/laws.md, under each law, the files that name it; files that are gone are left out. The words stay. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { filesIn, lawsNamed, listOf, mentions, pagePath, root } from "./LawsPage.ts"

const named = mentions()
let law = 0

/** A list with the files of one kind that name the law. */
const refreshed = (list: string, isKind: (file: string) => boolean): string =>
  listOf([
    ...filesIn(list).filter((file) => existsSync(`${root}${file}`)),
    ...named.filter(({ file, number }) => number === law && isKind(file)).map(({ file }) => file),
  ])

const isSource = (file: string): boolean => file.startsWith("packages/llm/src/")

const page = readFileSync(pagePath, "utf8")
  .split("\n")
  .map((line) => {
    if (line.startsWith("### ")) [law = 0] = lawsNamed(`law ${line.slice(4)}`)
    if (line.startsWith("**Kept in** ")) return `**Kept in** ${refreshed(line.slice(12), isSource)}`
    return line.startsWith("**Held by** ")
      ? `**Held by** ${refreshed(line.slice(12), (file) => !isSource(file))}`
      : line
  })
writeFileSync(pagePath, page.join("\n"))
