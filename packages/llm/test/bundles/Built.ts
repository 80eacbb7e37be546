/** The built package: `dist`, as `npm run build` leaves it. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

export const run = promisify(execFile)

export const checkout = fileURLToPath(new URL("../../../..", import.meta.url))

export const packageFolder = fileURLToPath(new URL("../..", import.meta.url))

/** Brings `dist` up to date. */
export const build = () =>
  run(process.execPath, ["node_modules/typescript/bin/tsc", "-b", "packages/llm"], { cwd: checkout })
