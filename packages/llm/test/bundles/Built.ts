/** The built package: `dist`, as `npm run build` leaves it. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

export const run = promisify(execFile)

export const checkout = fileURLToPath(new URL("../../../..", import.meta.url))

export const packageFolder = fileURLToPath(new URL("../..", import.meta.url))

/** Brings `dist` up to date: what the compiler writes, and the entries that hold all they need. */
export const build = async (): Promise<void> => {
  await run(process.execPath, ["node_modules/typescript/bin/tsc", "-b", "packages/llm"], { cwd: checkout })
  await run(process.execPath, ["packages/llm/scripts/build-standalone.ts"], { cwd: checkout })
}
