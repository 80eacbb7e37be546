/** Writes the package's version into the header that requests carry. `npm run version` runs it after changesets. */
import { readFile, writeFile } from "node:fs/promises"

const file = new URL("../src/transport/undici/PlatformHeaders.ts", import.meta.url)
const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"))
const source = await readFile(file, "utf8")
await writeFile(file, source.replace(/(?<=export const version = ")[^"]*/, version))
