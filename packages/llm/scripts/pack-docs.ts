/**
 * Brings the documentation into the package for its tarball: `docs/`, and the changelog of the checkout until the package
 * has one of its own. `--remove` takes away again what was brought. npm runs it before and after it packs.
 */
import { cp, readFile, rm } from "node:fs/promises"

const checkout = new URL("../../../", import.meta.url)
const folder = new URL("../", import.meta.url)
const docs = new URL("docs/", folder)
const changelog = new URL("CHANGELOG.md", folder)
const general = new URL("CHANGELOG.md", checkout)

const read = (file: URL): Promise<string | undefined> => readFile(file, "utf8").catch(() => undefined)

await rm(docs, { recursive: true, force: true })
const own = await read(changelog)
if (process.argv.includes("--remove")) {
  if (own === (await read(general))) await rm(changelog, { force: true })
} else {
  await cp(new URL("docs/", checkout), docs, { recursive: true })
  if (own === undefined) await cp(general, changelog)
}
