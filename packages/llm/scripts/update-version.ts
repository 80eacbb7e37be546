/** Writes the package's version where the library tells it to servers. `npm run version` runs it after changesets. */
import { readFile, writeFile } from "node:fs/promises"

const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"))

for (const name of ["transport/undici/PlatformHeaders.ts", "tools/mcp/McpClient.ts"]) {
  const file = new URL(`../src/${name}`, import.meta.url)
  const source = await readFile(file, "utf8")
  await writeFile(file, source.replace(/(?<=const version = ")[^"]*/, version))
}
