/**
 * Puts the programs of `examples/` into the pages: after a line `<!-- examples/promise.ts -->` stands that file as a block.
 * Run it after changing an example; a test finds a block that is not its file.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../../", import.meta.url))

/** The page with each marked block as its file is now. */
const refreshed = (page: string): string =>
  page.replaceAll(
    /^<!-- (examples\/\S+) -->\n(?:\n```\w+\n.*?\n```\n)?/gms,
    (_, path: string) =>
      `<!-- ${path} -->\n\n\`\`\`${extname(path).slice(1)}\n${readFileSync(`${root}${path}`, "utf8").trim()}\n\`\`\`\n`,
  )

for (const path of globSync(["*.md", "docs/**/*.md", "packages/*/README.md"], { cwd: root })) {
  const before = readFileSync(`${root}${path}`, "utf8")
  const after = refreshed(before)
  if (after === before) continue
  writeFileSync(`${root}${path}`, after)
  console.log(path)
}
