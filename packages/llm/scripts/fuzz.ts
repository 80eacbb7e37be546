/** Runs the fuzzing room for longer: `npm run fuzz -- --runs 50 --seed 7` (runs: how many times what CI does). */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "10" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
  },
})
process.stdout.write(`fuzzing with --runs ${values.runs} --seed ${values.seed}\n`)
const root = fileURLToPath(new URL("../../../", import.meta.url))
const files = positionals.length === 0 ? ["packages/llm/test/fuzz"] : positionals
const run = spawn("vitest", ["run", "--config", "vitest.workspace.ts", "--project", "llm", ...files], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, FUZZ_RUNS: values.runs, FUZZ_SEED: values.seed },
})
run.on("exit", (code) => {
  process.exitCode = code ?? 1
})
