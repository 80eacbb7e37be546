/** One program of `programs/` and all that it needs in one text, bundled from the built package as users bundle it. */
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import * as esbuild from "esbuild"

export interface Bundle {
  readonly text: string
  readonly gzipKb: number
  /** What it would still import where it runs. */
  readonly imports: ReadonlyArray<string>
  /** The files that it holds something of, from the checkout's root. */
  readonly files: ReadonlyArray<string>
}

/** For browsers: one ES module. */
export const browser = { platform: "browser", format: "esm" } satisfies esbuild.BuildOptions

/** For edge runtimes, under the conditions that their own tools set: one script, whose exports are the global `worker`. */
export const edge = {
  platform: "neutral",
  conditions: ["workerd", "worker", "edge-light"],
  format: "iife",
  globalName: "worker",
} satisfies esbuild.BuildOptions

/** Bundles a file of `programs/`. */
export const bundle = (program: string, options: typeof browser | typeof edge): Promise<Bundle> =>
  bundleFrom({ entryPoints: [fileURLToPath(new URL(`programs/${program}`, import.meta.url))] }, options)

/** Bundles a few lines. */
export const bundleLines = (contents: string): Promise<Bundle> =>
  bundleFrom({ stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) } }, browser)

/**
 * Bundles a few lines into as many files as there are times to load them: what it weighs, holds and imports is what is
 * loaded at first. Parts that only some calls need (another protocol, tools, schemas) come when they are used.
 */
export const bundleAtFirst = async (contents: string): Promise<Bundle> => {
  const { metafile, outputFiles } = await esbuild.build({
    ...settings,
    ...browser,
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    splitting: true,
    outdir: "/bundle",
    absWorkingDir: "/",
  })
  const { outputs } = metafile
  const first = new Set<string>()
  const load = (path: string): void => {
    if (first.has(path)) return
    first.add(path)
    for (const { kind, path: inner } of outputs[path]?.imports ?? []) if (kind === "import-statement") load(inner)
  }
  for (const [path, { entryPoint }] of Object.entries(outputs)) if (entryPoint === "<stdin>") load(path)
  const texts = outputFiles.filter(({ path }) => first.has(path.slice(1))).map(({ text }) => text)
  return {
    text: texts.join("\n"),
    gzipKb: texts.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length / 1024, 0),
    imports: [...first]
      .flatMap((path) => outputs[path]?.imports ?? [])
      .flatMap(({ external, path }) => (external ? [path] : [])),
    files: [...first].flatMap((path) => filesOf(outputs[path])),
  }
}

const filesOf = (output: esbuild.Metafile["outputs"][string] | undefined): ReadonlyArray<string> =>
  Object.entries(output?.inputs ?? {}).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : []))

const settings = {
  bundle: true,
  minify: true,
  target: "es2022",
  legalComments: "none",
  logLevel: "silent",
  tsconfigRaw: {},
  write: false,
  metafile: true,
} as const satisfies esbuild.BuildOptions

const bundleFrom = async (input: esbuild.BuildOptions, options: esbuild.BuildOptions): Promise<Bundle> => {
  const { metafile, outputFiles } = await esbuild.build({
    ...input,
    ...options,
    ...settings,
  })
  const [output] = Object.values(metafile.outputs)
  const text = outputFiles[0]?.text ?? ""
  return {
    text,
    gzipKb: gzipSync(text, { level: 9 }).length / 1024,
    imports: output?.imports.map(({ path }) => path) ?? [],
    files: filesOf(output),
  }
}
