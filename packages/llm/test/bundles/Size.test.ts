/**
 * What a bundler keeps of the library, and what that weighs: a program pays for what it uses. The ceilings are recorded
 * here; sizes are of a minified, gzipped bundle for a browser.
 */
import { assert, beforeAll, describe, it } from "vitest"
import { build } from "./Built.ts"
import { type Bundle, bundleAtFirst, bundleLines } from "./Bundle.ts"

interface Case {
  readonly name: string
  readonly program: string
  readonly ceilingKb: number
}

const promisesOf = (entry: string): string => `
    import { LLMInterface } from "${entry}"
    const llm = new LLMInterface({ provider: "openai", model: "m", apiKey: "k" })
    export const ask = (messages) => llm.generate({ messages })
    export const stream = (messages) => llm.stream({ messages })`

const promises: Case = {
  name: "promises, OpenAI, whole and streamed: what is loaded at first",
  program: promisesOf("@wiseflow/llm/promise"),
  // Effect is 50 KB of it; the services' words for failures and the list of services are 8. The table of prices comes with
  // the first request that needs it, and policies of traffic and deployments with the first stack that has them; spans,
  // metrics and the variables of telemetry are 4, what counts tokens 3. The goal is 100.
  ceilingKb: 150,
}

const oneFile: Case = {
  name: "promises of the main entry in one file, with every protocol, tools and schemas of every kind",
  program: promisesOf("@wiseflow/llm"),
  // A class is bundled with all its methods and options: tools and values are 14 KB of it, the policies of traffic 15, the
  // check of JSON Schemas 7. The last KB is for keys in headers of their own, ranges of durations and the check of entries by kind.
  ceilingKb: 208,
}

const effectOf = (provider: "OpenAi" | "Anthropic", ceilingKb: number): Case => ({
  name: `Effect, ${provider}, whole and streamed`,
  program: `
    import * as Effect from "effect/Effect"
    import { LlmProvider, ${provider} } from "@wiseflow/llm"
    export const layer = ${provider}.layer({ apiKey: "k", model: "m" })
    export const ask = (messages) => Effect.flatMap(LlmProvider, (llm) => llm.generate({ messages }))
    export const stream = (messages) => Effect.map(LlmProvider, (llm) => llm.stream({ messages }))`,
  // A namespace is bundled whole: what sends through an HttpClient is 5 KB of it, embeddings are 3, models 4. OpenAi holds both of
  // its protocols. Bounds on odd input, and the turns of the event loop that large requests take, are 1 KB; what reads plain
  // questions and whole answers by written-out names, for half the time, is 0.3.
  ceilingKb,
})

const openAi = effectOf("OpenAi", 121)
const anthropic = effectOf("Anthropic", 110)

const policy: Case = {
  name: "Effect, one policy",
  program: `export { withRetry } from "@wiseflow/llm"`,
  ceilingKb: 50,
}

const nothing: Case = {
  name: "an import of which nothing is used",
  program: `
    import { LLMInterface, OpenAi, withRetry } from "@wiseflow/llm"
    export const answer = 42`,
  ceilingKb: 1,
}

const cases = [promises, oneFile, openAi, anthropic, policy, nothing]

let bundles: ReadonlyMap<Case, Bundle>

beforeAll(async () => {
  await build()
  const built = await Promise.all(
    cases.map(async (one) => [one, await (one === promises ? bundleAtFirst : bundleLines)(one.program)] as const),
  )
  bundles = new Map(built)
  for (const [{ name }, { gzipKb }] of built) console.log(`${gzipKb.toFixed(1)} KB gzip: ${name}`)
})

/** The library's own files in a bundle, from `dist`. */
const rooms = (one: Case): ReadonlyArray<string> =>
  bundles.get(one)?.files.flatMap((file) => file.split("packages/llm/dist/").slice(1)) ?? []

describe("the size of a bundle", () => {
  it.for(cases)("stays under $ceilingKb KB: $name", (one) => {
    assert.isBelow(bundles.get(one)?.gzipKb ?? Infinity, one.ceilingKb)
  })
})

describe("a bundle for promises", () => {
  it("brings no parser of files to where there are no files", () => {
    assert.isEmpty(bundles.get(oneFile)?.files.filter((file) => /encoding\/(Yaml|Toml)/.test(file)))
  })

  it("loads at first no protocol, tool, schema, service or policy that is not used", () => {
    const late = [
      ...["Responses", "Messages", "ToolLoop", "StructuredOutput", "SchemaReader"],
      ...["Budget", "Cache.", "Balance.", "Hedge.", "AdaptiveConcurrency"],
    ]
    const files = bundles.get(promises)?.files.map((file) => file.slice(file.lastIndexOf("/") + 1)) ?? []
    assert.isNotEmpty(files)
    const isStack = (file: string) => /^\w+Stack\./.test(file) && !/^(Llm|Default)Stack\./.test(file)
    assert.isEmpty(files.filter((file) => isStack(file) || late.some((name) => file.startsWith(name))))
  })
})

describe("a bundle for Effect", () => {
  const provided = [
    { one: openAi, protocol: "chat-completions", other: "messages", others: ["Anthropic", "AzureOpenAi"] },
    {
      one: anthropic,
      protocol: "messages",
      other: "chat-completions",
      others: ["OpenAi", "AzureOpenAi", "ChatService"],
    },
  ]

  it.for(provided)("holds $protocol and nothing of $other: $one.name", ({ one, other, others, protocol }) => {
    const kept = rooms(one)
    assert.include(kept, `protocols/${protocol}/Stream.js`)
    assert.isEmpty(kept.filter((file) => file.startsWith(`protocols/${other}/`)))
    assert.isEmpty(kept.filter((file) => others.some((name) => file === `providers/${name}.js`)))
  })

  it("holds no policy and no composition that it did not ask for", () => {
    assert.isEmpty(rooms(openAi).filter((file) => /^(policies|compose|bridges|testing)\//.test(file)))
  })

  it("of one policy holds no provider, protocol or transport", () => {
    assert.isEmpty(rooms(policy).filter((file) => /^(providers|protocols|transport|compose)\//.test(file)))
  })
})

describe("a bundle that uses nothing", () => {
  it("holds nothing: no module has an effect of its own", () => {
    assert.isEmpty(rooms(nothing))
  })
})
