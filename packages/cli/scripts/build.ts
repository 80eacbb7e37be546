/**
 * Builds the published command from the library's `dist`: one file to start, one for each subcommand, loaded when it runs,
 * and the licences of what is inside. `npm run build` runs it after the library is built.
 */
import { readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type Plugin } from "esbuild"
import { ProviderRegistry } from "@wiseflow/llm"
import { version } from "../src/Version.ts"

const require = createRequire(import.meta.resolve("@wiseflow/llm"))

/** A file of the undici that the library uses. */
const undici = (file: string): string => require.resolve(`undici/${file}`)
const folder = fileURLToPath(new URL("..", import.meta.url))
const root = join(folder, "../..")
const dist = join(folder, "dist")

/** What is known when it is built, in place of the modules that find it out. */
const knownNow: Plugin = {
  name: "known now",
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]src[\\/]ProviderNames\.ts$/ }, () => ({
      contents: `export const providerNames = ${JSON.stringify(ProviderRegistry.names)}`,
    }))
    onLoad({ filter: /[\\/]cli[\\/]src[\\/]Version\.ts$/ }, () => ({
      contents: `export const version = () => ${JSON.stringify(version())}`,
    }))
  },
}

/** undici's client without the rest of undici, which takes longer to load than all of this. */
const partsOfUndici: Plugin = {
  name: "parts of undici",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^undici$/ }, () => ({ path: "undici", namespace: "parts" }))
    onLoad({ filter: /.*/, namespace: "parts" }, () => ({
      contents: [
        `export { default as Client } from ${JSON.stringify(undici("lib/dispatcher/client.js"))}`,
        `export { default as buildConnector } from ${JSON.stringify(undici("lib/core/connect.js"))}`,
      ].join("\n"),
      resolveDir: folder,
    }))
    // The transport speaks HTTP/1.1 alone.
    onLoad({ filter: /undici[\\/]lib[\\/]dispatcher[\\/]client-h2\.js$/ }, () => ({
      contents: 'module.exports = () => { throw new Error("HTTP/2 is not part of this bundle") }',
    }))
  },
}

/** The folders of the packages that files of a bundle come from. */
const packagesOf = (files: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(files.flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []))].toSorted()

const licenceOf = async (packageFolder: string): Promise<string> => {
  const manifest: { readonly name: string; readonly version: string; readonly license?: string } = JSON.parse(
    await readFile(join(packageFolder, "package.json"), "utf8"),
  )
  const file = (await readdir(packageFolder)).find((name) => /^licen[cs]e/i.test(name))
  const text = file === undefined ? "" : `\n\n${(await readFile(join(packageFolder, file), "utf8")).trim()}`
  return `${manifest.name} ${manifest.version} (${manifest.license ?? "no licence named"})${text}`
}

await rm(dist, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: [join(folder, "src/main.ts")],
  outdir: dist,
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22.19",
  minifySyntax: true,
  minifyWhitespace: true,
  external: ["@copilotkit/aimock"],
  plugins: [knownNow, partsOfUndici],
  banner: {
    js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
  },
  chunkNames: "parts/[name]-[hash]",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
})
const licences = await Promise.all(packagesOf(Object.keys(metafile.inputs)).map((name) => licenceOf(join(root, name))))
await writeFile(join(dist, "LICENSES.txt"), `${licences.join(`\n\n${"-".repeat(80)}\n\n`)}\n`)
