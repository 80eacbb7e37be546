/**
 * Law 25: every type that a public function mentions can be named. A project that re-exports each public name, and results
 * of using them, emits its declarations.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import * as llm from "../../src/index.ts"

const here = fileURLToPath(new URL(".", import.meta.url))
const repository = fileURLToPath(new URL("../../../..", import.meta.url))

/** What a program builds from the names. */
const program = `
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as llm from "@wiseflow/llm"

export const stack = llm.OpenAi.layer({ apiKey: "key", model: "gpt-5-mini" }).pipe(
  llm.withConcurrency(1),
  llm.withRetry({ times: 1 }),
  llm.withCircuitBreaker(),
  llm.withFallback(llm.Anthropic.layerConfig(), { model: "claude-sonnet-5" }),
  llm.withTimeout({ total: "1 minute", attempt: "10 seconds" }),
  llm.withObserver(() => {}),
  llm.withTelemetry,
)
export const policy = llm.Policy.make((inner) => Effect.succeed(inner))
export const mechanism = llm.Policy.mechanism(() =>
  Effect.succeed(llm.Policy.aroundStart((begin) => begin)),
)
export const permits = llm.Permits.make(1)
export const own = llm.Provider.layer({ name: "own", stream: () => Stream.empty })
export const merged = Layer.merge(own, stack)
export const asked = Effect.flatMap(llm.LlmProvider, (provider) => provider.generate({ messages: [] }))
`

it("a project that re-exports every public name emits its declarations", () => {
  const folder = mkdtempSync(join(here, "project-"))
  const out = mkdtempSync(join(tmpdir(), "declarations-"))
  try {
    const reexports = Object.keys(llm).map((name) => `export const of${name} = llm.${name}`)
    const spaces = Object.entries(llm).flatMap(([name, value]) =>
      typeof value === "object" && value !== null && Object.prototype.toString.call(value) === "[object Module]"
        ? Object.keys(value).map((member) => `export const of${name}${member} = llm.${name}.${member}`)
        : [],
    )
    expect(spaces.length).toBeGreaterThan(10)
    writeFileSync(join(folder, "index.ts"), [program, ...reexports, ...spaces].join("\n"))
    const options = [
      "--ignoreConfig",
      "--declaration",
      "--emitDeclarationOnly",
      "--strict",
      "--skipLibCheck",
      "--target",
      "esnext",
    ]
    const modules = ["--module", "nodenext", "--moduleResolution", "nodenext", "--exactOptionalPropertyTypes"]
    const { status, stdout } = spawnSync(
      process.execPath,
      [
        join(repository, "node_modules/typescript/bin/tsc"),
        ...options,
        ...modules,
        "--rootDir",
        folder,
        "--outDir",
        out,
        join(folder, "index.ts"),
      ],
      { cwd: here, encoding: "utf8" },
    )
    expect(stdout).toBe("")
    expect(status).toBe(0)
    expect(readFileSync(join(out, "index.d.ts"), "utf8")).not.toMatch(/: any\b/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
    rmSync(out, { recursive: true, force: true })
  }
})
