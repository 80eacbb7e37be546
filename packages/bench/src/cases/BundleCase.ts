/** What a program that asks one question, whole and streamed, weighs when it is bundled for a browser or an edge runtime. */
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { build, type Metafile } from "esbuild"

const programs: Record<string, string> = {
  "@wiseflow/llm/promise": `
    import { LLMInterface } from "@wiseflow/llm/promise"
    const llm = new LLMInterface({ provider: "openai", model: "m", apiKey: "k", apiBase: "https://api.openai.com/v1" })
    export const call = (messages) => llm.generate({ messages })
    export const stream = (messages) => llm.stream({ messages })`,
  "@wiseflow/llm": `
    import { LLMInterface } from "@wiseflow/llm"
    const llm = new LLMInterface({ provider: "openai", model: "m", apiKey: "k", apiBase: "https://api.openai.com/v1" })
    export const call = (messages) => llm.generate({ messages })
    export const stream = (messages) => llm.stream({ messages })`,
  openai: `
    import OpenAI from "openai"
    const openai = new OpenAI({ apiKey: "k", dangerouslyAllowBrowser: true })
    export const call = (messages) => openai.chat.completions.create({ model: "m", messages })
    export const stream = (messages) => openai.chat.completions.create({ model: "m", messages, stream: true })`,
  "@anthropic-ai/sdk": `
    import Anthropic from "@anthropic-ai/sdk"
    const anthropic = new Anthropic({ apiKey: "k", dangerouslyAllowBrowser: true })
    export const call = (messages) => anthropic.messages.create({ model: "m", max_tokens: 9, messages })
    export const stream = (messages) => anthropic.messages.create({ model: "m", max_tokens: 9, messages, stream: true })`,
  xsai: `
    import { generateText, streamText } from "xsai"
    const options = { apiKey: "k", baseURL: "https://api.openai.com/v1/", model: "m" }
    export const call = (messages) => generateText({ ...options, messages })
    export const stream = (messages) => streamText({ ...options, messages })`,
  "ai + @ai-sdk/openai": `
    import { generateText, streamText } from "ai"
    import { createOpenAI } from "@ai-sdk/openai"
    const model = createOpenAI({ apiKey: "k" }).chat("m")
    export const call = (messages) => generateText({ model, messages })
    export const stream = (messages) => streamText({ model, messages })`,
  "@langchain/openai": `
    import { ChatOpenAI } from "@langchain/openai"
    const chat = new ChatOpenAI({ apiKey: "k", model: "m" })
    export const call = (messages) => chat.invoke(messages)
    export const stream = (messages) => chat.stream(messages)`,
}

/** What a package imports only where a program hands it a schema of that library, and so is not part of its bundle. */
const notNeeded: Record<string, ReadonlyArray<string>> = {
  xsai: ["sury", "@valibot/to-json-schema", "effect", "zod-to-json-schema", "zod/v4/core"],
}

/** The files that are loaded with the first one; others come when a program uses what is in them. */
const loadedFirst = ({ outputs }: Metafile): ReadonlySet<string> => {
  const first = new Set<string>()
  const load = (path: string): void => {
    if (first.has(path)) return
    first.add(path)
    for (const { kind, path: inner } of outputs[path]?.imports ?? []) if (kind === "import-statement") load(inner)
  }
  for (const [path, { entryPoint }] of Object.entries(outputs)) if (entryPoint === "<stdin>") load(path)
  return first
}

export interface BundleSizes {
  /** What is loaded at first. */
  readonly gzipKb: ReadonlyMap<string, number>
  readonly failures: ReadonlyArray<{ readonly label: string; readonly message: string }>
}

/** Gzipped kilobytes by row. */
export const measureBundles = async (): Promise<BundleSizes> => {
  const gzipKb = new Map<string, number>()
  const failures: Array<{ readonly label: string; readonly message: string }> = []
  for (const [label, contents] of Object.entries(programs)) {
    try {
      const result = await build({
        stdin: { contents, resolveDir: fileURLToPath(new URL("../..", import.meta.url)) },
        bundle: true,
        minify: true,
        format: "esm",
        platform: "browser",
        target: "es2022",
        define: { "process.env.NODE_ENV": '"production"' },
        external: ["node:*", ...(notNeeded[label] ?? [])],
        legalComments: "none",
        logLevel: "silent",
        write: false,
        splitting: true,
        outdir: "/bundle",
        absWorkingDir: "/",
        metafile: true,
      })
      const first = loadedFirst(result.metafile)
      const sizes = result.outputFiles
        .filter(({ path }) => first.has(path.slice(1)))
        .map(({ contents }) => gzipSync(contents, { level: 9 }).length / 1_024)
      gzipKb.set(
        label,
        sizes.reduce((sum, size) => sum + size, 0),
      )
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      const notBuilt = label.startsWith("@wiseflow/llm") && text.includes("Could not resolve")
      failures.push({ label, message: notBuilt ? "not built: run `npm run build` first" : text.slice(0, 400) })
    }
  }
  return { gzipKb, failures }
}
