/** Time to start: importing a package in a new process, without and with V8's compile cache, and up to its first answer. */
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { apiKey, chatModel } from "../clients/Client.ts"
import type { Effort } from "../Effort.ts"
import { startUpstreamProcess } from "../upstream/UpstreamProcess.ts"

const run = promisify(execFile)
const here = fileURLToPath(new URL("../..", import.meta.url))

/** What a program that uses the package imports. */
export const importedPackages: Record<string, ReadonlyArray<string>> = {
  undici: ["undici"],
  "@wiseflow/llm/promise": ["@wiseflow/llm/promise"],
  "@wiseflow/llm": ["@wiseflow/llm"],
  openai: ["openai"],
  "@anthropic-ai/sdk": ["@anthropic-ai/sdk"],
  xsai: ["xsai"],
  "ai + @ai-sdk/openai": ["ai", "@ai-sdk/openai"],
  "@langchain/openai": ["@langchain/openai"],
}

const question = JSON.stringify([{ role: "user", content: "Say hello." }])

const ours = (specifier: string) => (apiBase: string) =>
  `
  import { LLMInterface } from "${specifier}"
  const llm = new LLMInterface({ provider: "openai", model: "${chatModel}", apiKey: "${apiKey}", apiBase: "${apiBase}" })
  const response = await llm.generate({ messages: ${question} })
  if (response.text === "") throw new Error(response.error)
  process.exit(0)`

/** Programs that import a package, ask once, and end as soon as they have their answer. */
const askingPrograms: Record<string, (apiBase: string) => string> = {
  "@wiseflow/llm/promise": ours("@wiseflow/llm/promise"),
  "@wiseflow/llm": ours("@wiseflow/llm"),
  openai: (apiBase) => `
    import OpenAI from "openai"
    const openai = new OpenAI({ apiKey: "${apiKey}", baseURL: "${apiBase}" })
    const answer = await openai.chat.completions.create({ model: "${chatModel}", messages: ${question} })
    if (!answer.choices[0].message.content) throw new Error("no answer")
    process.exit(0)`,
}

const importing = (specifiers: ReadonlyArray<string>): string =>
  specifiers.map((specifier) => `import ${JSON.stringify(specifier)}`).join("\n")

const startedMs = async (program: string, cache?: string): Promise<number> => {
  const environment = { PATH: process.env["PATH"] ?? "", NODE_ENV: "production" }
  const startedAt = performance.now()
  await run(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: here,
    env: cache === undefined ? environment : { ...environment, NODE_COMPILE_CACHE: cache },
  })
  return performance.now() - startedAt
}

type Times = ReadonlyMap<string, ReadonlyArray<number>>

/** Milliseconds over bare node, by row. */
export interface ImportTimes {
  readonly addedMs: Times
  /** With V8's compile cache, after a first process has filled it. */
  readonly cachedMs: Times
  /** Imported, asked once, and answered. */
  readonly answeredMs: Times
  readonly failures: ReadonlyArray<{ readonly label: string; readonly message: string }>
}

/** Each round starts every row once, and bare node beside it. The first round only fills caches. */
export const measureImports = async (effort: Effort): Promise<ImportTimes> => {
  const measured = { added: new Map<string, Array<number>>(), cached: new Map<string, Array<number>>() }
  const answered = new Map<string, Array<number>>()
  const failures = new Map<string, string>()
  const cache = await mkdtemp(join(tmpdir(), "compile-cache-"))
  const upstream = await startUpstreamProcess()
  let bare = Number.POSITIVE_INFINITY
  const add = (times: Map<string, Array<number>>, label: string, ms: number) =>
    times.set(label, [...(times.get(label) ?? []), ms])
  try {
    for (let round = -1; round < effort.processes; round++) {
      bare = Math.min(bare, await startedMs(""))
      for (const [label, specifiers] of Object.entries(importedPackages)) {
        if (failures.has(label)) continue
        try {
          const added = await startedMs(importing(specifiers))
          const cached = await startedMs(importing(specifiers), cache)
          const asking = askingPrograms[label]
          const first = asking === undefined ? undefined : await startedMs(asking(`${upstream.origin}/call`))
          if (round < 0) continue
          add(measured.added, label, added)
          add(measured.cached, label, cached)
          if (first !== undefined) add(answered, label, first)
        } catch (error) {
          const text = error instanceof Error ? error.message : String(error)
          const notBuilt = label.startsWith("@wiseflow/llm") && text.includes("ERR_MODULE_NOT_FOUND")
          failures.set(
            label,
            notBuilt
              ? "not built: run `npm run build` first"
              : (text.split("\n").findLast((line) => line.includes("Error")) ?? text).slice(0, 400),
          )
        }
      }
    }
  } finally {
    await upstream.stop()
    await rm(cache, { recursive: true, force: true })
  }
  const overBare = (times: Times): Times =>
    new Map([...times].map(([label, values]) => [label, values.map((ms) => ms - bare)] as const))
  return {
    addedMs: overBare(measured.added),
    cachedMs: overBare(measured.cached),
    answeredMs: overBare(answered),
    failures: [...failures].map(([label, message]) => ({ label, message })),
  }
}
