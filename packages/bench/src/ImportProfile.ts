/** What importing a package loads: modules and source, by package and by file. Run it in a process that loaded neither. */
import { registerHooks } from "node:module"
import { performance } from "node:perf_hooks"
import { importedPackages } from "./cases/ImportCase.ts"

interface Loaded {
  readonly modules: number
  readonly kilobytes: number
}

const largestFiles = 40

const ownerOf = (url: string): string =>
  url.startsWith("node:")
    ? "node"
    : (/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? /packages\/[^/]+/.exec(url)?.[0] ?? "other")

/** Imports what a row of the import case imports and prints what came with it. */
export const profileImport = async (label: string, print: (text: string) => void): Promise<void> => {
  const owners = new Map<string, Loaded>()
  const files: Array<{ readonly url: string; readonly kilobytes: number }> = []
  registerHooks({
    load: (url, context, next) => {
      const result = next(url, context)
      const { source } = result
      const bytes = typeof source === "string" ? source.length : (source?.byteLength ?? 0)
      const kilobytes = bytes / 1_024
      const known = owners.get(ownerOf(url)) ?? { modules: 0, kilobytes: 0 }
      owners.set(ownerOf(url), { modules: known.modules + 1, kilobytes: known.kilobytes + kilobytes })
      files.push({ url, kilobytes })
      return result
    },
  })
  const startedAt = performance.now()
  for (const specifier of importedPackages[label] ?? [label]) await import(specifier)
  print(`${label}: ${(performance.now() - startedAt).toFixed(0)} ms, ${files.length} modules`)
  print("\nby package")
  for (const [owner, { modules, kilobytes }] of [...owners].toSorted(([, a], [, b]) => b.kilobytes - a.kilobytes)) {
    print(`${kilobytes.toFixed(0).padStart(8)} KB ${String(modules).padStart(5)} modules  ${owner}`)
  }
  print("\nlargest files")
  for (const { url, kilobytes } of files.toSorted((a, b) => b.kilobytes - a.kilobytes).slice(0, largestFiles)) {
    print(`${kilobytes.toFixed(0).padStart(8)} KB  ${url.replace(/^.*(node_modules|packages)\//, "")}`)
  }
}
