/**
 * The Node lines that the package promises to run on. The pinned one is the checkout's; the others are those of `nodes/`,
 * which `.ci/run` installs: as dependencies of the workspace they would take the command `node` from the pinned one.
 */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

export interface NodeLine {
  readonly major: number
  /** Its executable, where it is installed. */
  readonly executable: string | undefined
}

const found = (path: string): string | undefined => {
  const file = fileURLToPath(new URL(path, import.meta.url))
  return existsSync(file) ? file : undefined
}

const other = (major: number): NodeLine => ({
  major,
  executable: found(`nodes/node_modules/node-${major}-${process.platform}-${process.arch}/bin/node`),
})

export const nodeLines: ReadonlyArray<NodeLine> = [
  other(22),
  { major: 24, executable: found("../../../../node_modules/node/bin/node") },
  other(26),
]

/** Why a line is not tried. */
export const notInstalled = ({ major }: NodeLine): string =>
  `Node ${major} is not installed here: npm ci --prefix packages/llm/test/bundles/nodes`
