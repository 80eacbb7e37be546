/** Writes docs/reference from the built declarations: build first. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { publicNames } from "./reference/PublicNames.ts"
import { referencePages } from "./reference/ReferencePages.ts"

const dist = fileURLToPath(new URL("../dist/", import.meta.url))
const folder = fileURLToPath(new URL("../../../docs/reference/", import.meta.url))

const names = ["index.d.ts", "testing/index.d.ts", "bridges/effect-ai/EffectAi.d.ts"].flatMap((entry) =>
  publicNames(join(dist, entry), dist),
)
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const [file, text] of referencePages(names)) writeFileSync(join(folder, file), text)
