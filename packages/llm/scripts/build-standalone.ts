/**
 * Builds `@wiseflow/llm/promise`, `…/promise/testing` and `…/promise/mcp` from `dist`: one bundle for Node, one for Bun and
 * Deno, one for everywhere else, each with effect inside, and their declarations without effect. `npm run build` runs it after the compiler.
 */
import { mkdir, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { type CodeSplittingNameFunction, type InputOptions, type Plugin, rolldown } from "rolldown"
import { Declarations } from "./standalone/Declarations.ts"

const require = createRequire(import.meta.url)

const dist = fileURLToPath(new URL("../dist/", import.meta.url))
const folder = `${dist}promise/`

const flat = new Declarations({
  dist,
  plain: {
    "effect/Duration#Input": "standalone/Plain.d.ts#Duration",
    "effect/StandardSchema#StandardSchemaV1": "standalone/Plain.d.ts#StandardSchemaV1",
    "call/CallEvent.d.ts#CallEvent": "standalone/Plain.d.ts#CallEvent",
    "model/LlmError.d.ts#ErrorType": "standalone/Plain.d.ts#ErrorType",
    "model/LlmError.d.ts#LlmError": "standalone/Plain.d.ts#LlmError",
    "model/reasons/ErrorReasons.d.ts#LlmErrorReason": "standalone/Plain.d.ts#LlmErrorReason",
    "model/reasons/ErrorReasons.d.ts#SystemCause": "standalone/Plain.d.ts#SystemCause",
    "model/reasons/ErrorReasons.d.ts#TimeoutClock": "standalone/Plain.d.ts#TimeoutClock",
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
    "LLMInterface.constructor(session: Session, ledger: UsageLedger)",
    "LLMInterface.NodeInspectSymbol",
    "LLMInterface.fromLayer",
    "McpSession.constructor",
    "ProgramStream.constructor",
    "ProviderRow.embeddings",
    "ProviderRow.endpoint",
    "ProviderRow.models",
  ],
})

/** undici's client without the rest of undici, which takes longer to load than all of this. */
const parts: Plugin = {
  name: "the parts of undici",
  resolveId: (source) => (source === "undici" ? "\0parts-of-undici.js" : undefined),
  load: (id) =>
    id === "\0parts-of-undici.js"
      ? [["Client", "lib/dispatcher/client.js"] as const, ["buildConnector", "lib/core/connect.js"] as const]
          .map(
            ([name, file]) => `export { default as ${name} } from ${JSON.stringify(require.resolve(`undici/${file}`))}`,
          )
          .join("\n")
      : undefined,
}

/** The transport speaks HTTP/1.1 alone, and undici's HTTP/2 brings Node's, with TLS and crypto, before the first request. */
const noHttp2: Plugin = {
  name: "no HTTP/2",
  load: (id) =>
    /undici[\\/]lib[\\/]dispatcher[\\/]client-h2\.js$/.test(id)
      ? `module.exports = () => { throw new Error("HTTP/2 is not part of this bundle") }`
      : undefined,
}

/** A client of the program's effect cannot be handed to another copy, so that nothing here sends through one. */
const noHttpClient: Plugin = {
  name: "no HttpClient",
  load: (id) => (id.endsWith("HttpClientTransport.js") ? "export const make = undefined" : undefined),
}

/** What the bundler says of code that it leaves where it is: one transport is both chosen at once and loaded late. */
const quiet = new Set(["INEFFECTIVE_DYNAMIC_IMPORT"])

/** The condition under which what only some programs use is loaded when they use it. */
const standalone = "@wiseflow/standalone"

/** The one file of all that the promise entry loads at first; null for what is loaded later. */
const atFirst = (): CodeSplittingNameFunction => {
  const first = new Set<string>()
  return (id, context) => {
    const add = (module: string): void => {
      if (first.has(module)) return
      first.add(module)
      for (const imported of context.getModuleInfo(module)?.importedIds ?? []) add(imported)
    }
    if (first.size === 0) add(`${dist}standalone/Promise.js`)
    return first.has(id) ? "first" : null
  }
}

/** Bundles for one kind of runtime, named as in the manifest's conditions. */
const bundle = async (name: string, options: InputOptions): Promise<void> => {
  const built = await rolldown({
    ...options,
    input: {
      promise: `${dist}standalone/Promise.js`,
      testing: `${dist}standalone/Testing.js`,
      mcp: `${dist}standalone/Mcp.js`,
    },
    tsconfig: false,
    // No module here does anything when it is loaded: what is read at its top and never used may go.
    treeshake: { moduleSideEffects: false, propertyReadSideEffects: false, unknownGlobalSideEffects: false },
    onLog: (level, log, next) => {
      if (!quiet.has(log.code ?? "")) next(level, log)
    },
  })
  await built.write({
    dir: `${folder}${name}`,
    format: "esm",
    // Each file costs a program some of its start, whatever is in it.
    codeSplitting: { groups: [{ name: atFirst(), debugName: "first" }] },
    // With its line ends: Node prints the whole line that an error was thrown from where nobody catches it.
    minify: { compress: true, codegen: { removeWhitespace: false }, mangle: false },
  })
  await built.close()
}

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
await Promise.all([
  bundle("node", {
    platform: "node",
    resolve: { conditionNames: [standalone, "node", "import"] },
    plugins: [noHttpClient, noHttp2, parts],
  }),
  bundle("bun", {
    platform: "node",
    resolve: { conditionNames: [standalone, "bun", "node", "import"] },
    plugins: [noHttpClient],
  }),
  bundle("default", {
    platform: "neutral",
    resolve: { conditionNames: [standalone, "import"] },
    plugins: [noHttpClient],
  }),
])
