/**
 * Builds `@wiseflow/llm/promise`, `…/promise/testing` and `…/promise/mcp` from `dist`: one bundle for Node, one for Bun and
 * Deno, one for everywhere else, each with effect inside, and their declarations without effect. `npm run build` runs it after the compiler.
 */
import { mkdir, rm, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import * as esbuild from "esbuild"
import { Declarations } from "./standalone/Declarations.ts"

const dist = fileURLToPath(new URL("../dist/", import.meta.url))
const folder = `${dist}promise/`

const flat = new Declarations({
  dist,
  plain: {
    "effect/Duration#Input": "standalone/Plain.d.ts#Duration",
    "effect/StandardSchema#StandardSchemaV1": "standalone/Plain.d.ts#StandardSchemaV1",
    "model/LlmError.d.ts#ErrorType": "standalone/Plain.d.ts#ErrorType",
    "model/LlmError.d.ts#LlmError": "standalone/Plain.d.ts#LlmError",
    "model/LlmError.d.ts#LlmErrorReason": "standalone/Plain.d.ts#LlmErrorReason",
    "model/LlmError.d.ts#SystemCause": "standalone/Plain.d.ts#SystemCause",
    "model/LlmError.d.ts#TimeoutClock": "standalone/Plain.d.ts#TimeoutClock",
    "model/LlmResponse.d.ts#FinishReason": "standalone/Plain.d.ts#FinishReason",
    "model/LlmResponse.d.ts#UsageStatus": "standalone/Plain.d.ts#UsageStatus",
    "tools/Tool.d.ts#Tool": "standalone/Plain.d.ts#Tool",
    "tools/schemas/AnySchema.d.ts#AnySchema": "standalone/Plain.d.ts#AnySchema",
    "tools/schemas/AnySchema.d.ts#InputOf": "standalone/Plain.d.ts#InputOf",
    "tools/schemas/AnySchema.d.ts#OutputOf": "standalone/Plain.d.ts#OutputOf",
  },
  dropped: ["effect/Effect#Effect", "effect/Redacted#Redacted"],
  omitted: [
    "EventStream.constructor",
    "EventStream.NodeInspectSymbol",
    "LLMInterface.constructor(session: Session)",
    "LLMInterface.NodeInspectSymbol",
    "LLMInterface.fromLayer",
    "McpSession.constructor",
    "ProgramStream.constructor",
  ],
})

/** undici's client without the rest of undici, which takes longer to load than all of this. */
const parts: esbuild.Plugin = {
  name: "the parts of undici",
  setup: (build) => {
    build.onResolve({ filter: /^undici$/ }, () => ({ path: "undici", namespace: "parts" }))
    build.onLoad({ filter: /.*/, namespace: "parts" }, () => ({
      contents: `
        exports.Client = require("undici/lib/dispatcher/client.js")
        exports.buildConnector = require("undici/lib/core/connect.js")`,
      resolveDir: dist,
    }))
  },
}

const requireBanner =
  'import { createRequire as __createRequire } from "node:module";const require = __createRequire(import.meta.url);'

/** Where it runs, and what esbuild has to know of that. */
const targets = {
  node: { platform: "node", plugins: [parts] },
  bun: { platform: "node", conditions: ["bun"] },
  default: { platform: "neutral" },
} satisfies Record<string, esbuild.BuildOptions>

const bundle = ([name, options]: readonly [string, esbuild.BuildOptions]) =>
  esbuild.build({
    ...options,
    entryPoints: {
      promise: `${dist}standalone/Promise.js`,
      testing: `${dist}standalone/Testing.js`,
      mcp: `${dist}standalone/Mcp.js`,
    },
    outdir: `${folder}${name}`,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2023",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
    // undici is CommonJS, and asks for Node's modules so.
    ...(name === "node" ? { banner: { js: requireBanner } } : {}),
  })

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
for (const [name, file] of [
  ["promise", "standalone/Promise.d.ts"],
  ["testing", "standalone/Testing.d.ts"],
  ["mcp", "standalone/Mcp.d.ts"],
] as const) {
  for (const [space, text] of flat.entry(file, "./declarations.js")) {
    await writeFile(`${folder}${space === "" ? name : space}.d.ts`, text)
  }
}
await writeFile(`${folder}declarations.d.ts`, flat.text())
await Promise.all(Object.entries(targets).map(bundle))
