/**
 * The runtimes that the package promises to run on. The pinned Node is the checkout's; the others are those of `nodes/`,
 * which `.ci/run` installs: as dependencies of the workspace they would take the command `node` from the pinned one.
 */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

export interface Runtime {
  readonly name: string
  /** Its executable, where it is installed. */
  readonly executable: string | undefined
  /** What stands before the program. */
  readonly args: ReadonlyArray<string>
}

export interface NodeLine extends Runtime {
  readonly major: number
}

const found = (path: string): string | undefined => {
  const file = fileURLToPath(new URL(path, import.meta.url))
  return existsSync(file) ? file : undefined
}

const line = (major: number, path: string): NodeLine => ({
  major,
  name: `Node ${major}`,
  executable: found(path),
  args: [],
})

const other = (major: number): NodeLine =>
  line(major, `nodes/node_modules/node-${major}-${process.platform}-${process.arch}/bin/node`)

export const nodeLines: ReadonlyArray<NodeLine> = [
  other(22),
  line(24, "../../../../node_modules/node/bin/node"),
  other(26),
]

const bunArch = process.arch === "arm64" ? "aarch64" : process.arch
const denoLibc = process.platform === "linux" ? "-glibc" : ""

/** Deno is asked for no more than a program needs: its files, the loopback address, and the name of its version. */
const denoArgs = ["run", "--no-prompt", "--no-lock", "--allow-read", "--allow-net=127.0.0.1"]

export const otherRuntimes: ReadonlyArray<Runtime> = [
  { name: "Bun", executable: found(`nodes/node_modules/@oven/bun-${process.platform}-${bunArch}/bin/bun`), args: [] },
  {
    name: "Deno",
    executable: found(`nodes/node_modules/@deno/${process.platform}-${process.arch}${denoLibc}/deno`),
    args: denoArgs,
  },
]

/** Why a runtime is not tried. */
export const notInstalled = ({ name }: Runtime): string =>
  `${name} is not installed here: npm ci --prefix packages/llm/test/bundles/nodes`
