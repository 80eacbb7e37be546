/** Time to import a package in a new process, over a process that imports nothing. */
import { execFile } from "node:child_process"
import { performance } from "node:perf_hooks"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { Effort } from "../Effort.ts"

const run = promisify(execFile)
const here = fileURLToPath(new URL("../..", import.meta.url))

/** What a program that uses the package imports. */
export const importedPackages: Record<string, ReadonlyArray<string>> = {
  undici: ["undici"],
  "@wiseflow/llm": ["@wiseflow/llm"],
  openai: ["openai"],
  "@anthropic-ai/sdk": ["@anthropic-ai/sdk"],
  xsai: ["xsai"],
  "ai + @ai-sdk/openai": ["ai", "@ai-sdk/openai"],
  "@langchain/openai": ["@langchain/openai"],
}

const startedMs = async (specifiers: ReadonlyArray<string>): Promise<number> => {
  const program = specifiers.map((specifier) => `import ${JSON.stringify(specifier)}`).join("\n")
  const startedAt = performance.now()
  await run(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: here,
    env: { PATH: process.env["PATH"] ?? "", NODE_ENV: "production" },
  })
  return performance.now() - startedAt
}

export interface ImportTimes {
  readonly addedMs: ReadonlyMap<string, ReadonlyArray<number>>
  readonly failures: ReadonlyArray<{ readonly label: string; readonly message: string }>
}

/** Milliseconds over bare node, by row; each round starts every row once, and bare node beside it. */
export const measureImports = async (effort: Effort): Promise<ImportTimes> => {
  const addedMs = new Map<string, Array<number>>()
  const failures = new Map<string, string>()
  for (let round = -1; round < effort.processes; round++) {
    const bare = await startedMs([])
    for (const [label, specifiers] of Object.entries(importedPackages)) {
      if (failures.has(label)) continue
      try {
        const added = (await startedMs(specifiers)) - bare
        if (round >= 0) addedMs.set(label, [...(addedMs.get(label) ?? []), added])
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error)
        const notBuilt = label === "@wiseflow/llm" && text.includes("ERR_MODULE_NOT_FOUND")
        failures.set(label, notBuilt ? "not built: run `npm run build` first" : text.slice(0, 400))
      }
    }
  }
  return { addedMs, failures: [...failures].map(([label, message]) => ({ label, message })) }
}
