/**
 * The walls between the rooms of src, as .oxlintrc.json draws them: each is walked into once, in a copy of the rooms that
 * holds nothing but offences, so that a rule that stops biting is noticed.
 */
import { spawnSync } from "node:child_process"
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe, expect, it } from "vitest"

const repository = fileURLToPath(new URL("../../..", import.meta.url))
const src = join(repository, "packages/llm/src")

/** The files of providers, which only the registry imports. */
const providerFiles = Array.from(
  readFileSync(join(src, "providers/Registry.ts"), "utf8").matchAll(/^import \* as \w+ from "(\.\/[^"]+)"/gm),
  ([, file = ""]) => file,
)

/** Room, what its files must not import, and what they may. */
const rooms: ReadonlyArray<readonly [room: string, refused: ReadonlyArray<string>, allowed: ReadonlyArray<string>]> = [
  [
    "packages/llm/src/model",
    [
      "../protocols/Protocol.ts",
      "../compose/LlmStack.ts",
      "../call/Ledger.ts",
      "effect",
      "effect/http/HttpClient",
      "effect/encoding/Sse",
      "effect/persistence/CircuitBreaker",
      "effect/ai/LanguageModel",
      "effect/ExecutionPlan",
      "undici",
      "node:fs",
      "#transport",
    ],
    ["./LlmError.ts", "effect/Schema", "effect/Effect", "#schema-compiler"],
  ],
  [
    "packages/llm/src/prices",
    ["effect/Effect", "../protocols/Protocol.ts", "../call/Ledger.ts"],
    ["./ModelPrice.ts", "../model/LlmResponse.ts"],
  ],
  [
    "packages/llm/src/settings",
    ["../providers/OpenAi.ts", "../call/Ledger.ts", "../transport/Transport.ts", "node:fs", "effect/http/HttpClient"],
    ["./Setting.ts", "../model/LlmError.ts", "effect/Config", "effect/encoding/Yaml", "#text-file"],
  ],
  [
    "packages/llm/src/protocols",
    [
      "../call/Ledger.ts",
      "../transport/HttpProvider.ts",
      "../providers/OpenAi.ts",
      "../policies/Retry.ts",
      "../prices/Prices.ts",
      "effect/http/HttpClient",
      "undici",
      "node:fs",
    ],
    ["./Protocol.ts", "./failures/FailureTable.ts", "../model/LlmError.ts", "effect/Result", "effect/encoding/Base64"],
  ],
  [
    "packages/llm/src/protocols/encoding/abilities",
    ["../../../prices/Prices.ts", "../../../call/Ledger.ts", "effect/http/HttpClient", "node:fs"],
    ["./abilityTable.ts", "../../../model/LlmRequest.ts"],
  ],
  [
    "packages/llm/src/protocols/messages",
    ["../../transport/HttpProvider.ts", "../../prices/Prices.ts", "effect/http/HttpClient"],
    ["./Request.ts", "../Protocol.ts", "../encoding/RequestEncoding.ts", "../../model/LlmError.ts"],
  ],
  [
    "packages/llm/src/protocols/responses",
    ["../../transport/HttpProvider.ts", "../../prices/Prices.ts", "effect/http/HttpClient"],
    ["./Request.ts", "../Protocol.ts", "../encoding/RequestEncoding.ts", "../../model/LlmError.ts"],
  ],
  [
    "packages/llm/src/protocols/embeddings",
    ["../../transport/HttpProvider.ts", "../../prices/Prices.ts", "effect/http/HttpClient"],
    ["./Request.ts", "../Protocol.ts", "../encoding/RequestEncoding.ts", "../../model/EmbeddingProvider.ts"],
  ],
  [
    "packages/llm/src/protocols/models",
    ["../../transport/HttpProvider.ts", "../../prices/Prices.ts", "effect/http/HttpClient"],
    ["./ModelPage.ts", "../Protocol.ts", "../failures/FailureReader.ts", "../../model/ModelInfo.ts"],
  ],
  [
    "packages/llm/src/counting",
    ["../protocols/Protocol.ts", "../policies/Policy.ts", "../transport/HttpProvider.ts", "gpt-tokenizer", "node:fs"],
    ["./Tokenizer.ts", "../model/LlmRequest.ts", "#installed-package", "effect/Effect"],
  ],
  [
    "packages/llm/src/call",
    ["../policies/Policy.ts", "../transport/HttpProvider.ts", "../providers/OpenAi.ts", "effect/http/HttpClient"],
    ["../model/LlmError.ts", "../prices/Prices.ts", "../protocols/Protocol.ts", "effect/Context"],
  ],
  [
    "packages/llm/src/transport",
    [
      "../providers/OpenAi.ts",
      "../policies/Retry.ts",
      "../compose/LlmStack.ts",
      "../testing/Scripted.ts",
      "#text-file",
      "undici",
      "node:net",
    ],
    ["../protocols/Protocol.ts", "../call/Ledger.ts", "effect/http/HttpClient", "#transport", "#decompressor"],
  ],
  [
    "packages/llm/src/transport/codings",
    ["../../providers/OpenAi.ts", "../../policies/Retry.ts", "undici", "node:zlib"],
    ["../Transport.ts", "./ContentCoding.ts", "#decompressor"],
  ],
  [
    "packages/llm/src/transport/sending",
    ["../../providers/OpenAi.ts", "../../policies/Retry.ts", "undici", "effect/persistence/CircuitBreaker"],
    ["../Transport.ts", "./Sender.ts", "../../call/Attempt.ts", "../../protocols/models/ModelPage.ts"],
  ],
  [
    "packages/llm/src/transport/undici",
    [
      "../../protocols/Protocol.ts",
      "../../providers/OpenAi.ts",
      "../../call/Ledger.ts",
      "node:fs",
      "undici/lib/core/connect.js",
    ],
    ["../Transport.ts", "undici", "node:net"],
  ],
  [
    "packages/llm/src/providers/addresses",
    ["../OpenAi.ts", "../ChatService.ts", "../../transport/Endpoint.ts", "../../policies/Retry.ts", "undici"],
    ["./ApiBase.ts", "../../settings/Setting.ts", "../../model/LlmError.ts"],
  ],
  [
    "packages/llm/src/providers",
    [
      ...providerFiles,
      "../policies/Retry.ts",
      "../compose/LlmStack.ts",
      "effect/http/HttpClient",
      "#transport",
      "undici",
    ],
    [
      "./ChatService.ts",
      "../settings/Setting.ts",
      "../transport/HttpProvider.ts",
      "../protocols/messages/Messages.ts",
      "effect/Config",
    ],
  ],
  [
    "packages/llm/src/policies",
    [
      "../protocols/Protocol.ts",
      "../transport/HttpProvider.ts",
      "../providers/OpenAi.ts",
      "../testing/Scripted.ts",
      "effect/http/HttpClient",
      "effect/persistence/CircuitBreaker",
      "effect/ExecutionPlan",
    ],
    ["./Policy.ts", "../call/Ledger.ts", "effect/Schedule"],
  ],
  [
    "packages/llm/src/policies/cache",
    ["../../protocols/Protocol.ts", "../../transport/HttpProvider.ts", "node:fs", "node:crypto", "#text-file"],
    ["./Flight.ts", "../Policy.ts", "../../call/Ledger.ts", "#cache-folder", "effect/Option"],
  ],
  [
    "packages/llm/src/tools",
    ["../protocols/Protocol.ts", "../transport/HttpProvider.ts", "../policies/Policy.ts", "../promises/Session.ts"],
    [
      "../model/LlmProvider.ts",
      "../call/Ledger.ts",
      "../protocols/encoding/JsonSchema.ts",
      "@cfworker/json-schema",
      "effect/Schema",
    ],
  ],
  [
    "packages/llm/src/tools/schemas",
    ["../../protocols/Protocol.ts", "../../policies/Policy.ts", "../../promises/Session.ts", "zod", "node:fs"],
    ["../Tool.ts", "../../model/LlmError.ts", "../../protocols/encoding/JsonSchema.ts", "#installed-package"],
  ],
  [
    "packages/llm/src/tools/mcp",
    ["../../protocols/Protocol.ts", "../../promises/mcp/McpSession.ts", "@modelcontextprotocol/client", "node:fs"],
    ["../Tool.ts", "../../model/LlmError.ts", "#installed-package", "effect/Schema"],
  ],
  [
    "packages/llm/src/testing",
    [
      "../policies/Policy.ts",
      "../transport/HttpProvider.ts",
      "../compose/LlmStack.ts",
      "effect/http/HttpClient",
      "node:fs",
    ],
    [
      "../model/LlmProvider.ts",
      "../call/Ledger.ts",
      "../promises/LLMInterface.ts",
      "../settings/Redactor.ts",
      "#cassette-folder",
      "effect/Layer",
    ],
  ],
  [
    "packages/llm/src/standalone",
    ["effect/Effect", "effect/Schema", "../compose/LlmStack.ts", "../policies/Retry.ts", "undici", "node:fs"],
    ["../promises/LLMInterface.ts", "../testing/ScriptedLlm.ts", "../model/LlmError.ts", "../tools/Tool.ts"],
  ],
  [
    "packages/llm/src/bridges",
    ["../compose/LlmStack.ts", "../testing/Scripted.ts", "../policies/Retry.ts", "effect/http/HttpClient"],
    ["../model/LlmProvider.ts", "../../protocols/Sources.ts", "effect/ai/LanguageModel"],
  ],
  [
    "packages/llm/src/compose",
    [
      "../promises/Session.ts",
      "../testing/Scripted.ts",
      "../bridges/effect-ai/EffectAi.ts",
      "effect/http/HttpClient",
      "#transport",
      "undici",
      "node:fs",
    ],
    ["../policies/Retry.ts", "../providers/OpenAi.ts", "../settings/Setting.ts", "#traffic-policies"],
  ],
  [
    "packages/llm/src/compose/embeddings",
    ["../../promises/Session.ts", "../../testing/Scripted.ts", "effect/http/HttpClient", "undici"],
    ["../Target.ts", "../../policies/Retry.ts", "../../transport/ProviderLayer.ts", "effect/Effect"],
  ],
  [
    "packages/llm/src/compose/traffic",
    ["../../promises/Session.ts", "../../testing/Scripted.ts", "effect/http/HttpClient", "undici"],
    ["../../policies/cache/Cache.ts", "../../policies/AdaptiveConcurrency.ts", "effect/Effect"],
  ],
  [
    "packages/llm/src/telemetry",
    [
      "../call/Ledger.ts",
      "../policies/Telemetry.ts",
      "../transport/HttpProvider.ts",
      "../compose/LlmStack.ts",
      "undici",
    ],
    ["./Export.ts", "../settings/Setting.ts", "effect/observability/OtlpTracer", "effect/http/HttpClient"],
  ],
  [
    "packages/llm/src/promises",
    ["../testing/Scripted.ts", "../bridges/effect-ai/EffectAi.ts", "effect/http/HttpClient", "undici", "node:fs"],
    ["../compose/LlmStack.ts", "../policies/Retry.ts", "effect/Effect"],
  ],
  [
    "packages/llm/src/promises/programs",
    ["../../testing/Scripted.ts", "../../bridges/effect-ai/EffectAi.ts", "effect/http/HttpClient", "undici", "node:fs"],
    ["./ProgramStream.ts", "../Session.ts", "../../tools/ToolLoop.ts", "effect/Effect"],
  ],
  [
    "packages/llm/src/promises/mcp",
    ["../../testing/Scripted.ts", "../../bridges/effect-ai/EffectAi.ts", "@modelcontextprotocol/client", "node:fs"],
    ["./McpSession.ts", "../../tools/mcp/McpConnection.ts", "effect/Effect"],
  ],
  [
    "packages/llm/src/promises/ai-sdk",
    ["effect/Effect", "@ai-sdk/provider", "ai", "../../testing/Scripted.ts", "../../call/Ledger.ts", "node:fs"],
    ["./AiModel.ts", "../Llm.ts", "../../protocols/encoding/FormedValue.ts", "../../protocols/Sources.ts"],
  ],
  [
    "packages/cli/src",
    ["../../llm/src/model/LlmError.ts", "../../llm/dist/index.js", "@wiseflow/llm/src/model/LlmError.ts"],
    ["@wiseflow/llm", "@wiseflow/llm/testing"],
  ],
  [
    "packages/llm-cluster/src",
    ["../../llm/src/model/LlmError.ts", "../../llm/dist/index.js", "@wiseflow/llm/src/model/LlmError.ts"],
    ["@wiseflow/llm", "@effect/sql-pg/PgClient", "effect/persistence/Redis"],
  ],
  [
    "packages/bench/src/clients",
    ["../../../llm/src/model/LlmError.ts", "../../../llm/dist/index.js"],
    ["@wiseflow/llm", "@wiseflow/llm/effect-ai", "openai"],
  ],
  ["examples", ["../packages/llm/src/index.ts"], ["@wiseflow/llm"]],
]

const rule = "eslint(no-restricted-imports)"

/** Other offences, by the rule that has to speak. */
const offences: ReadonlyArray<readonly [rule: string, files: Readonly<Record<string, string>>]> = [
  [
    "import(no-cycle)",
    {
      "packages/llm/src/policies/Hen.ts": 'import type { Egg } from "./Egg.ts"\nexport type Hen = Egg\n',
      "packages/llm/src/policies/Egg.ts": 'import type { Hen } from "./Hen.ts"\nexport type Egg = Hen\n',
    },
  ],
  ["typescript(no-explicit-any)", { "packages/llm/src/policies/Anything.ts": "export type Anything = any\n" }],
  ["eslint(no-console)", { "packages/llm/src/policies/Noise.ts": 'console.log("noise")\n' }],
  ["import(no-default-export)", { "packages/llm/src/policies/Nameless.ts": "export default 1\n" }],
]

const copy = mkdtempSync(join(tmpdir(), "walls-"))
afterAll(() => rmSync(copy, { recursive: true, force: true }))

const write = (file: string, text: string): void => {
  mkdirSync(dirname(join(copy, file)), { recursive: true })
  writeFileSync(join(copy, file), text)
}

/** `policies/Refused3.ts` imports its room's third refused module, and `Allowed3.ts` its third allowed one. */
const fileOf = (room: string, kind: "Refused" | "Allowed", index: number): string => `${room}/${kind}${index}.ts`

/** All offences and all permitted imports at once, as `file: rule` lines. */
const findings = ((): ReadonlySet<string> => {
  cpSync(join(repository, ".oxlintrc.json"), join(copy, ".oxlintrc.json"))
  for (const [room, refused, allowed] of rooms) {
    refused.forEach((name, index) => write(fileOf(room, "Refused", index), `export * as it from "${name}"\n`))
    allowed.forEach((name, index) => write(fileOf(room, "Allowed", index), `export * as it from "${name}"\n`))
  }
  for (const [, files] of offences) for (const [file, text] of Object.entries(files)) write(file, text)
  const oxlint = join(repository, "node_modules/oxlint/bin/oxlint")
  const { stdout, stderr } = spawnSync(process.execPath, [oxlint, "--format=json"], { cwd: copy, encoding: "utf8" })
  if (!stdout.trimStart().startsWith("{")) throw new Error(`oxlint did not report: ${stdout}${stderr}`)
  const report: { readonly diagnostics: ReadonlyArray<{ readonly code: string; readonly filename: string }> } =
    JSON.parse(stdout)
  return new Set(report.diagnostics.map(({ code, filename }) => `${filename.replaceAll("\\", "/")}: ${code}`))
})()

describe.each(rooms)("%s", (room, refused, allowed) => {
  it.each(refused)("does not import %s", (name) => {
    expect(findings).toContain(`${fileOf(room, "Refused", refused.indexOf(name))}: ${rule}`)
  })
  it.each(allowed)("imports %s freely", (name) => {
    expect(findings).not.toContain(`${fileOf(room, "Allowed", allowed.indexOf(name))}: ${rule}`)
  })
})

it.each(offences)("%s is refused in the library", (code, files) => {
  for (const file of Object.keys(files)) expect(findings).toContain(`${file}: ${code}`)
})

it("the registry's providers are found", () => {
  expect(providerFiles).toContain("./OpenAi.ts")
})

it("every room of src has its wall here", () => {
  const walled = new Set(rooms.map(([room]) => room))
  const standing = globSync("*/", { cwd: src, withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(standing.map(({ name }) => `packages/llm/src/${name}`).filter((room) => !walled.has(room))).toEqual([])
})

it("no room of src is full: a folder holds at most fourteen files, a file at most 300 lines unless it is a table of data", () => {
  const files = globSync("**/*.ts", { cwd: src })
  const held = new Map<string, number>()
  for (const file of files) held.set(dirname(file), (held.get(dirname(file)) ?? 0) + 1)
  expect([...held].filter(([, count]) => count > 14).map(([room]) => room)).toEqual([])
  const lines = (file: string) => readFileSync(join(src, file), "utf8").split("\n").length - 1
  expect(files.filter((file) => !/[tT]able\.ts$/.test(file) && lines(file) > 300)).toEqual([])
})

it("only the promise surface throws: everywhere else a failure is a value", () => {
  const throwing = globSync("**/*.ts", { cwd: src }).filter((file) =>
    readFileSync(join(src, file), "utf8")
      .split("\n")
      .some((line) => !/^\s*(\*|\/[/*])/.test(line) && /(^|[\s;{)])throw\s/.test(line)),
  )
  expect(throwing.filter((file) => !file.startsWith("promises"))).toEqual([])
})
