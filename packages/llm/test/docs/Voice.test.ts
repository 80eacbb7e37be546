/** Words that readers stumble over stay out of comments, messages, test names and pages. It judges words, not sentences. */
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"

const root = fileURLToPath(new URL("../../../../", import.meta.url))

const quaint =
  /\b(?:lest|whoever|whomever|hither|thither|naught)\b|cannot be meant|\bwho writes? no\b|\bis no (?:duration|setting|number|name|list|object|schema)\b/i

const files = globSync(
  ["packages/*/{src,test,scripts}/**/*.ts", "docs/**/*.md", "examples/**/*.ts", ".changeset/*.md", "*.md"],
  {
    cwd: root,
  },
).filter((file) => !file.endsWith("docs/Voice.test.ts"))

it("files say it in plain words", () => {
  const found = files.flatMap((file) =>
    readFileSync(`${root}${file}`, "utf8")
      .split("\n")
      .flatMap((line, index) => (quaint.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  )
  expect(found).toEqual([])
  expect(files.length).toBeGreaterThan(300)
})
