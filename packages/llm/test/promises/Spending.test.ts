/** Tags, `usage()` and `budget` of an interface, over real requests: what is counted, what is refused, and what is not sent. */
import { describe, expect, it } from "vitest"
import { LLMInterface, LlmError, unwrap } from "../../src/index.ts"
import { Scripted } from "../../src/testing/index.ts"
import * as ScriptedLayer from "../../src/testing/Scripted.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { FaultServer, type Script } from "../faults/FaultServer.ts"
import { stall } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat } from "../faults/WireText.ts"
import { embeds } from "../providers/EmbeddingUpstream.ts"

type Options = NonNullable<ConstructorParameters<typeof LLMInterface>[0]>

const messages = [{ role: "user", content: "Hello." }] as const

/** A dollar for a thousand tokens in, ten for a thousand out. */
const prices = { "gpt-5-mini": { input: 1000, output: 10_000 }, "text-embedding-3-small": { input: 1000, output: 0 } }

const open = async (script: Script, more: Options = {}) => {
  const server = await FaultServer.start(script)
  const llm = new LLMInterface({
    provider: "openai",
    model: "gpt-5-mini",
    embeddingModel: "text-embedding-3-small",
    apiKey: "sk-contract-0123456789",
    apiBase: `${server.url}/v1`,
    logger: false,
    prices,
    ...more,
  })
  return {
    server,
    llm,
    [Symbol.asyncDispose]: async () => {
      await llm.dispose()
      await server.close()
    },
  }
}

const answers: Script = (request) => goodAnswer(chat, callOf(request))

const surfaces = [
  ["generate", (llm: LLMInterface, options: Parameters<LLMInterface["generate"]>[0]) => llm.generate(options)],
  ["stream", (llm: LLMInterface, options: Parameters<LLMInterface["generate"]>[0]) => llm.stream(options).response],
] as const

describe.each(surfaces)("%s", (_, ask) => {
  it("is counted by model and by tag, its own beside the interface's, and sends none of them", async () => {
    await using setup = await open(answers, { tags: { team: "search", stage: "test" } })
    unwrap(await ask(setup.llm, { messages, tags: { user: "u1", stage: "live" } }))
    unwrap(await ask(setup.llm, { messages }))
    const { byModel, byTag, total } = setup.llm.usage()
    expect(total).toMatchObject({ calls: 2, errors: 0, attempts: 2, unpriced: 0 })
    expect(total.costUsd).toBeGreaterThan(0)
    expect(byModel).toMatchObject([{ provider: "openai", model: "gpt-5-mini", calls: 2 }])
    const rows = Object.entries(byTag).map(([name, values]) => [name, values.map(({ calls, value }) => [value, calls])])
    expect(Object.fromEntries(rows)).toEqual({
      team: [["search", 2]],
      stage: [
        ["live", 1],
        ["test", 1],
      ],
      user: [["u1", 1]],
    })
    for (const { headers, json } of setup.server.requests) {
      expect(JSON.stringify([headers, json])).not.toMatch(/search|u1|stage/)
    }
    expect(JSON.parse(JSON.stringify(setup.llm.usage()))).toEqual(setup.llm.usage())
  })

  it("is refused before a request that would pass the budget, as data that unwrap throws", async () => {
    await using setup = await open(answers, { budget: { usd: 0.5, name: "month", outputTokens: 20 } })
    const refused = await ask(setup.llm, { messages, maxTokens: 60 })
    expect(refused).toMatchObject({
      errorType: "BudgetExceededError",
      budget: "month",
      unit: "usd",
      limit: 0.5,
      used: 0,
      reserved: 0,
      isRetryable: false,
    })
    expect(setup.server.requests).toEqual([])
    expect(() => unwrap(refused)).toThrow(LlmError)
    unwrap(await ask(setup.llm, { messages }))
    expect(setup.server.requests).toHaveLength(1)
  })

  it("pays for every attempt, and is refused in the middle of its retries where the money is gone", async () => {
    await using setup = await open(() => [stall], { budget: { tokens: 250, outputTokens: 100 }, attemptTimeout: 50 })
    const failed = await ask(setup.llm, { messages })
    expect(failed.metadata.attempts.map(({ errorType }) => errorType)).toEqual([
      "TimeoutError",
      "TimeoutError",
      "BudgetExceededError",
    ])
    expect(setup.server.requests).toHaveLength(2)
    expect(failed).toMatchObject({ errorType: "BudgetExceededError" })
  })

  it("has a budget for each value of a tag, beside one for all", async () => {
    const budget = [
      { tokens: 1000, name: "all" },
      { tokens: 150, tag: "user", outputTokens: 100 },
    ] as const
    await using setup = await open(() => whole(chat.error("overloaded").body, 503), { budget, maxRetries: 0 })
    const ofUser = (user: string, maxTokens: number) => ask(setup.llm, { messages, maxTokens, tags: { user } })
    expect(await ofUser("a", 200)).toMatchObject({ budget: "user", tag: { name: "user", value: "a" } })
    expect(await ofUser("a", 100)).toMatchObject({ errorType: "OverloadedError" })
    expect(await ofUser("b", 100)).toMatchObject({ errorType: "OverloadedError" })
    expect(await ask(setup.llm, { messages, maxTokens: 2000 })).toMatchObject({ budget: "all" })
  })

  it("refuses tags that are too many, too long or no texts, and names them", async () => {
    await using setup = await open(answers)
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`t${index}`, "x"]))
    const untyped: any = { team: 7 }
    for (const [tags, parameter] of [
      [many, "tags"],
      [{ team: "x".repeat(257) }, 'tags["team"]'],
      [untyped, 'tags["team"]'],
    ] as const) {
      expect(await ask(setup.llm, { messages, tags })).toMatchObject({ errorType: "InvalidRequestError", parameter })
    }
    expect(setup.server.requests).toEqual([])
  })
})

describe("an interface", () => {
  it("counts embeddings and runs with tools beside answers, in one budget", async () => {
    await using setup = await open(embeds, { budget: { usd: 0.5 } })
    unwrap(await setup.llm.embed({ inputs: ["Hello."], tags: { job: "index" } }))
    expect(setup.llm.usage().byTag["job"]).toMatchObject([{ value: "index", calls: 1 }])
    const refused = await setup.llm.embed({ inputs: ["x".repeat(4000)] })
    expect(refused).toMatchObject({ errorType: "BudgetExceededError", unit: "usd" })
    expect(setup.server.requests).toHaveLength(1)
    const run = await setup.llm.runTools({ messages, tools: [], tags: { job: "run" } })
    expect(run).toMatchObject({ errorType: "BudgetExceededError" })
    expect(setup.llm.usage().byTag["job"]?.map(({ errors, value }) => [value, errors])).toEqual([
      ["index", 0],
      ["run", 1],
    ])
  })

  it("on a Layer of one's own has usage, tags and budgets too", async () => {
    const layer = ScriptedLayer.layer(["one", "two"])
    await using llm = LLMInterface.fromLayer(layer, { logger: false, tags: { team: "a" }, budget: { tokens: 1100 } })
    expect(unwrap(await llm.generate({ messages })).text).toBe("one")
    expect(await llm.generate({ messages })).toMatchObject({ errorType: "BudgetExceededError" })
    expect(llm.usage()).toMatchObject({ total: { calls: 2, errors: 1 }, byTag: { team: [{ value: "a", calls: 2 }] } })
  })

  it.each<readonly [string, object, RegExp]>([
    ["budget", { budget: { usd: -1 } }, /^budget: usd must be a number above 0/],
    ["budget", { budget: [{ usd: 1 }, {}] }, /^budget: it needs usd or tokens/],
    ["budget", { budget: 5 }, /^budget: it is not a plain object/],
    ["tags", { tags: { team: "x".repeat(300) } }, /^tags: /],
    ["tags", { tags: "search" }, /^tags: /],
  ])("with a wrong %s says so, before anything is sent", async (setting, options, message) => {
    await using setup = await open(answers, options)
    const failure = await setup.llm.generate({ messages })
    expect(failure).toMatchObject({ errorType: "ConfigurationError", setting })
    expect("error" in failure ? failure.error : "").toMatch(message)
    const own = LLMInterface.fromLayer(ScriptedLayer.layer(["one"]), { logger: false, ...options })
    if (setting === "tags" || Array.isArray(Reflect.get(options, "budget"))) {
      expect(await own.generate({ messages })).toMatchObject({ errorType: "ConfigurationError", setting })
    }
    expect(setup.server.requests).toEqual([])
  })

  it("leaves fakes as they are: they take tags and ignore them", async () => {
    const { text } = unwrap(await Scripted.llm(["hello"]).generate({ messages, tags: { team: "search" } }))
    expect(text).toBe("hello")
  })
})
