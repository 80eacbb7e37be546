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

const bundleFrom = async (input: esbuild.BuildOptions, options: esbuild.BuildOptions): Promise<Bundle> => {
  const { metafile, outputFiles } = await esbuild.build({
    ...input,
    ...options,
    bundle: true,
    minify: true,
    target: "es2022",
    legalComments: "none",
    logLevel: "silent",
    tsconfigRaw: {},
    write: false,
    metafile: true,
  })
  const [output] = Object.values(metafile.outputs)
  const text = outputFiles[0]?.text ?? ""
  return {
    text,
    gzipKb: gzipSync(text, { level: 9 }).length / 1024,
    imports: output?.imports.map(({ path }) => path) ?? [],
    files: Object.entries(output?.inputs ?? {}).flatMap(([file, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [file] : [],
    ),
  }
}
