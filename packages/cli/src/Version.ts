/** The version of this package. */
import { readFileSync } from "node:fs"

/** As in `package.json`, which lies beside both `src` and `dist`. */
export const version = (): string => {
  const manifest: { readonly version: string } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  )
  return manifest.version
}
