/** What was measured, by version. */
import { readFileSync } from "node:fs"
import { clients } from "../clients/Clients.ts"

const extraPackages = ["effect", "ai"]

const versionOf = (packageName: string): string => {
  if (packageName === "node") return process.versions.node
  for (const folder of ["../..", "../../../.."]) {
    try {
      const file = new URL(`${folder}/node_modules/${packageName}/package.json`, import.meta.url)
      const manifest: unknown = JSON.parse(readFileSync(file, "utf8"))
      if (typeof manifest === "object" && manifest !== null && "version" in manifest) return String(manifest.version)
    } catch {
      // Not installed here: the folder above may have it.
    }
  }
  return "unknown"
}

/** Each measured package with its version, node first. */
export const versions = (): Record<string, string> => {
  const names = new Set(["node", ...extraPackages, ...Object.values(clients).map((client) => client.packageName)])
  return Object.fromEntries([...names].map((name) => [name, versionOf(name)]))
}
