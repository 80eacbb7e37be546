/** Writes the package's README from the repository's. */
import { readFileSync, writeFileSync } from "node:fs"
import { packageReadme } from "./PackageReadme.ts"

const root = new URL("../../../", import.meta.url)

const readme = readFileSync(new URL("README.md", root), "utf8")
writeFileSync(new URL("packages/llm/README.md", root), packageReadme(readme))
