/** The option `cache` of an interface, over HTTP: who is asked how often, and what the program sees of it. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { LLMInterface, UsageLedger, unwrap } from "../../src/index.ts"
import { openai } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { FaultServer, type Script } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { fullText } from "../faults/WireText.ts"

type Options = NonNullable<ConstructorParameters<typeof LLMInterface>[0]>

const messages = [{ role: "user", content: "Hello." }] as const

const surfaces = [
  ["generate", (llm: LLMInterface, options: Parameters<LLMInterface["generate"]>[0]) => llm.generate(options)],
  ["stream", (llm: LLMInterface, options: Parameters<LLMInterface["generate"]>[0]) => llm.stream(options).response],
] as const

const good: Script = (request) => goodAnswer(openai.wire, callOf(request))

/** A server, and interfaces to it. */
const connect = async (script: Script = good) => {
  const server = await FaultServer.start(script)
  const interfaces: Array<LLMInterface> = []
  return {
    server,
    open: (options: Options) => {
      const llm = new LLMInterface({ ...openai.options(server.url), logger: false, maxRetries: 0, ...options })
      interfaces.push(llm)
      return llm
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(interfaces.map((llm) => llm.dispose()))
      await server.close()
    },
  }
}

describe.each(surfaces)("an interface with a cache (%s)", (_, ask) => {
  it("asks once for the same question, and says which answers were kept", async () => {
    await using setup = await connect()
    const usageLedger = new UsageLedger()
    const llm = setup.open({ cache: true, usageLedger })
    const first = unwrap(await ask(llm, { messages }))
    const second = unwrap(await ask(llm, { messages }))
    expect([first.text, second.text]).toEqual([fullText, fullText])
    expect(second.parts).toEqual(first.parts)
    expect([first.metadata.cached, second.metadata.cached]).toEqual([undefined, true])
    expect(second.metadata).toMatchObject({ attempts: [], costUsd: 0, usage: first.metadata.usage })
    await ask(llm, { messages, temperature: 0.3 })
    expect(setup.server.requests).toHaveLength(2)
    expect(usageLedger.total).toMatchObject({ calls: 3, attempts: 2, errors: 0 })
  })

  it("asks once for a hundred calls at once", async () => {
    await using setup = await connect()
    const llm = setup.open({ cache: { ttl: "10 minutes", maxEntries: 5 } })
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(llm, { messages })))
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set([fullText]))
    expect(setup.server.requests).toHaveLength(1)
  })

  it("lets a call go past the cache, or have a new answer", async () => {
    await using setup = await connect()
    const llm = setup.open({ cache: true })
    await ask(llm, { messages })
    await ask(llm, { messages, cache: false })
    await ask(llm, { messages, cache: "refresh" })
    expect(unwrap(await ask(llm, { messages })).metadata.cached).toBe(true)
    expect(setup.server.requests).toHaveLength(3)
  })

  it("keeps no failure and no text of last resort", async () => {
    await using setup = await connect((request) =>
      request.index < 2 ? whole(openai.wire.error("overloaded").body, 503) : good(request),
    )
    const llm = setup.open({ cache: true, fallbackText: "Sorry." })
    const texts = [await ask(llm, { messages }), await ask(llm, { messages }), await ask(llm, { messages })]
    expect(texts.map(({ text }) => text)).toEqual(["Sorry.", "Sorry.", fullText])
  })

  it("finds in a folder what another interface kept there, unless that asked somewhere else", async () => {
    await using setup = await connect()
    await using other = await connect()
    const folder = mkdtempSync(join(tmpdir(), "cache-option-"))
    try {
      await ask(setup.open({ cache: { folder } }), { messages })
      expect(unwrap(await ask(setup.open({ cache: { folder } }), { messages })).metadata.cached).toBe(true)
      expect(unwrap(await ask(other.open({ cache: { folder } }), { messages })).metadata.cached).toBeUndefined()
      expect(readdirSync(folder)).toHaveLength(2)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("keeps answers in a store of the program's own, and goes on where that fails", async () => {
    await using setup = await connect()
    const kept = new Map<string, string>()
    const store = {
      get: (key: string) => Promise.resolve(kept.get(key)),
      set: (key: string, value: string, ttlMs: number) => {
        expect(ttlMs).toBe(60_000)
        kept.set(key, value)
      },
    }
    const llm = setup.open({ cache: { store, ttl: "1 minute" } })
    await ask(llm, { messages })
    expect(unwrap(await ask(llm, { messages })).metadata.cached).toBe(true)
    const broken = {
      get: () => {
        throw new Error("away")
      },
      set: () => Promise.reject(new Error("away")),
    }
    expect(unwrap(await ask(setup.open({ cache: { store: broken } }), { messages })).text).toBe(fullText)
  })
})

it("embeddings are kept too", async () => {
  const answer = JSON.stringify({
    object: "list",
    model: "text-embedding-3-small",
    data: [{ object: "embedding", index: 0, embedding: [0.25, -0.5] }],
    usage: { prompt_tokens: 1, total_tokens: 1 },
  })
  await using setup = await connect(() => whole(answer))
  const llm = setup.open({ cache: true, embeddingModel: "text-embedding-3-small" })
  const first = unwrap(await llm.embed({ inputs: ["a"] }))
  const second = unwrap(await llm.embed({ inputs: ["a"] }))
  expect([first.embeddings, second.embeddings]).toEqual([[[0.25, -0.5]], [[0.25, -0.5]]])
  expect([second.metadata.cached, setup.server.requests.length]).toEqual([true, 1])
})

it.each<readonly [string, unknown]>([
  ["cache", "yes"],
  ["cache.ttl", { ttl: "soon" }],
  ["cache.ttl", { ttl: 0 }],
  ["cache.maxEntries", { maxEntries: 0 }],
  ["cache.folder", { folder: "" }],
  ["cache.store", { store: { get: 1 } }],
  ["cache.tll", { tll: 1 }],
  ["cache", { folder: "x", maxEntries: 1 }],
])("a wrong setting is told by its own name: %s", async (setting, cache) => {
  const options: object = { provider: "openai", apiKey: "sk-1", model: "gpt-5-mini", logger: false, cache }
  await using llm = new LLMInterface(options)
  expect(await llm.generate({ messages })).toMatchObject({ errorType: "ConfigurationError", setting })
})
