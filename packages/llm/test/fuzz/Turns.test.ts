/** Large work is done in turns of the event loop, so that clocks and aborts act in between. Turns are counted; no time is. */
import { setImmediate as nextTurn } from "node:timers/promises"
import { afterEach, describe, expect, it } from "vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import {
  LLMInterface,
  LlmProvider,
  type Message,
  OpenAi,
  tool,
  withBalance,
  withDefaults,
  withFallback,
} from "../../src/index.ts"
import { languageModel } from "../../src/promises/ai-sdk/AiSdk.ts"
import { connectMcp } from "../../src/promises/mcp/Mcp.ts"
import { enforcedForm } from "../../src/protocols/encoding/JsonSchemaForm.ts"
import * as SchemaReader from "../../src/tools/schemas/SchemaReader.ts"
import { read as readResult } from "../../src/tools/mcp/McpResult.ts"
import { llm as scripted } from "../../src/testing/ScriptedLlm.ts"
import { answering } from "../bridges/effect-ai/Answers.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"

const open: Array<AsyncDisposable> = []
afterEach(async () => {
  for (const resource of open.splice(0)) await resource[Symbol.asyncDispose]()
})

/** How many turns of the event loop an act takes, and what it gives. */
const turnsOf = async <A>(act: () => Promise<A>): Promise<{ readonly turns: number; readonly given: A }> => {
  const end = new AbortController()
  let turns = 0
  const counting = (async () => {
    for (; !end.signal.aborted; turns++) await nextTurn()
  })()
  const given = await act()
  end.abort()
  await counting
  return { turns, given }
}

const message = (content: object, finish: string) =>
  whole(JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", ...content }, finish_reason: finish }] }))

/** A model that calls the tool `add` so often in its first answer, and then says "done". */
const calling = async (count: number): Promise<LLMInterface> => {
  const call = { id: "a", type: "function", function: { name: "add", arguments: "{}" } }
  const server = await FaultServer.start(({ body }) =>
    body.includes('"role":"tool"')
      ? message({ content: "done" }, "stop")
      : message({ content: null, tool_calls: Array.from({ length: count }, () => call) }, "tool_calls"),
  )
  const llm = new LLMInterface({
    provider: "openai",
    apiKey: "sk-test",
    apiBase: `${server.url}/v1`,
    model: "gpt-5-mini",
    maxRetries: 0,
    logger: false,
  })
  open.push(llm, server)
  return llm
}

const add = tool({ name: "add", parameters: { type: "object" }, execute: () => 1 })

describe("thousands of calls of one answer", () => {
  it("are told to a stream's reader in many turns, before any of them runs", async () => {
    const calls = Array.from({ length: 2000 }, (_, place) => ({ id: `a${place}`, name: "add", arguments: {} }))
    const llm = scripted([{ toolCalls: calls }, "done"])
    open.push(llm)
    const { given, turns } = await turnsOf(async () => {
      let events = 0
      for await (const { type } of llm.streamTools({ prompt: "Go.", tools: [add] })) {
        if (type === "tool-result") break
        events += 1
      }
      return events
    })
    expect(given).toBeGreaterThan(2000)
    expect(turns).toBeGreaterThan(given / 256)
  })
})

it("the check of a value that holds much has a turn of its own", async () => {
  const reader = await Effect.runPromise(SchemaReader.make({ type: "array", items: { type: "number" } }))
  const checked = async (count: number) => {
    const { given, turns } = await turnsOf(() => Effect.runPromise(reader.read(Array.from({ length: count }, () => 1))))
    expect(given).toMatchObject({ success: { length: count } })
    return turns
  }
  expect(await checked(2000)).toBeGreaterThanOrEqual((await checked(10)) + 2)
})

it("the result of an MCP server is read in many turns, and in its order", async () => {
  const content = Array.from({ length: 20_000 }, (_, place) => ({ type: "b", place }))
  const { given, turns } = await turnsOf(() => Effect.runPromise(readResult({ content })))
  expect(given).toBe(content.map((block) => JSON.stringify(block)).join("\n"))
  expect(turns).toBeGreaterThanOrEqual(Math.floor(20_000 / 4096))
})

describe("the list of an MCP server", () => {
  const listing = (tools: ReadonlyArray<object>) =>
    connectMcp({ client: { listTools: async () => ({ tools }), callTool: async () => ({ content: [] }) } })
  const many = (count: number) =>
    Array.from({ length: count }, (_, place) => ({ name: `t${place}`, inputSchema: { type: "object" } }))

  it("is read in many turns, and its schemas are when a run is given them", async () => {
    const session = await listing(many(1024))
    const listed = await turnsOf(() => session.tools())
    expect(listed.given).toHaveLength(1024)
    expect(listed.turns).toBeGreaterThanOrEqual((2 * 1024) / 64)
    const llm = await calling(0)
    const run = await turnsOf(() => llm.runTools({ prompt: "Go.", tools: listed.given }))
    expect(run.turns).toBeGreaterThanOrEqual(1024 / 64)
  })

  it("may have schemas of as many values as one that is checked", async () => {
    const schema = (count: number) => ({ type: "object", default: Array.from({ length: count - 3 }, () => 1) })
    const run = async (count: number) => {
      const session = await listing([{ name: "add", inputSchema: schema(count) }])
      const llm = await calling(1)
      return llm.runTools({ prompt: "Go.", tools: await session.tools() })
    }
    expect(await run(10_000)).toMatchObject({ text: "done" })
    expect(await run(10_001)).toMatchObject({
      errorType: "InvalidRequestError",
      error: expect.stringContaining("it holds more than 10000 values"),
    })
  })

  it("whose schema refers to nothing makes every call a mistaken one", async () => {
    const inputSchema = { type: "object", properties: { a: { $ref: "#/$defs/nowhere" } } }
    const session = await listing([{ name: "add", inputSchema }])
    const call = { id: "a", name: "add", arguments: { a: 1 } }
    const llm = scripted([{ toolCalls: [call] }, "done"])
    open.push(llm)
    const response = await llm.runTools({ prompt: "Go.", tools: await session.tools() })
    const results = "error" in response ? [] : response.messages.filter(({ role }: Message) => role === "tool")
    expect(JSON.stringify(results)).toContain("do not fit the tool's schema")
  })
})

describe("a model of the AI SDK", () => {
  const prompt = [{ role: "user" as const, content: [{ type: "text" as const, text: "hello" }] }]

  it("writes a stream that has come already in many turns", async () => {
    const llm = await calling(4000)
    const { given, turns } = await turnsOf(async () => {
      const { stream } = await languageModel(llm).doStream({ prompt })
      let parts = 0
      for await (const _ of stream) parts += 1
      return parts
    })
    expect(given).toBeGreaterThan(4000)
    expect(turns).toBeGreaterThan(4000 / 512)
  })

  it("writes a whole answer in another turn than it was read in", async () => {
    const llm = scripted(["hi", "hi"])
    open.push(llm)
    const { turns } = await turnsOf(() => llm.generate({ prompt: "Go." }))
    const bridged = await turnsOf(() => languageModel(llm).doGenerate({ prompt }))
    expect(bridged.turns).toBeGreaterThan(turns)
  })
})

describe("definitions that each refer to the next", () => {
  const chain = (count: number) => ({
    type: "object",
    properties: { a: { $ref: "#/$defs/d0" } },
    $defs: Object.fromEntries(
      Array.from({ length: count }, (_, at) => [
        `d${at}`,
        at === count - 1 ? { type: "string" } : { type: "object", properties: { a: { $ref: `#/$defs/d${at + 1}` } } },
      ]),
    ),
  })

  it.each(["openai", "anthropic"] as const)(
    "thousands of times exhaust no stack: %s",
    (dialect) => {
      expect(enforcedForm(chain(10_000), dialect).enforced).toBe(true)
      const circle = { ...chain(10_000), properties: { a: { $ref: "#/$defs/d0" }, b: { $ref: "#" } } }
      expect(enforcedForm(circle, dialect).enforced).toBe(dialect === "openai")
    },
    30_000,
  )

  it("thousands of times by their alternatives are no defect either", () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, at) => [`d${at}`, { anyOf: [{ $ref: `#/$defs/d${at + 1}` }] }]),
    )
    expect(enforcedForm({ type: "object", properties: { a: { $ref: "#/$defs/d0" } }, $defs }, "openai")).toEqual({
      enforced: false,
      problem: "it is too large",
    })
  })
})

describe("a large request", () => {
  const messages = (count: number): ReadonlyArray<Message> => [
    { role: "user", content: Array.from({ length: count }, () => ({ type: "text" as const, text: "a" })) },
  ]

  it("is copied, checked and sent in turns of their own, and is still what was passed", async () => {
    const llm = scripted(["hi", "hi"])
    open.push(llm)
    const small = await turnsOf(() => llm.generate({ messages: messages(10) }))
    const passed = messages(10_000)
    const asking = turnsOf(() => llm.generate({ messages: passed }))
    const [message] = passed
    if (message !== undefined && Array.isArray(message.content)) message.content.length = 1
    const large = await asking
    expect(large.given).toMatchObject({ text: "hi" })
    expect(large.turns).toBeGreaterThanOrEqual(small.turns + 2)
    expect(llm.requests.map((request) => request.messages[0]?.content.length)).toEqual([10, 10_000])
  })

  it.each([
    ["defaults", (layer: Layer.Layer<LlmProvider>) => layer.pipe(withDefaults({ temperature: 0 }))],
    [
      "a fallback",
      (layer: Layer.Layer<LlmProvider>) => layer.pipe(withFallback(answering([{ type: "text", text: "hi" }]))),
    ],
    ["a balance", (layer: Layer.Layer<LlmProvider>) => withBalance([{ name: "one", layer }])],
  ] as const)("has a turn after its copy too where a program on Effect asks %s", async (_, policy) => {
    const asked = (count: number) => {
      const asking = Effect.flatMap(LlmProvider, (llm) => llm.generate({ messages: messages(count) }))
      const layer = policy(answering([{ type: "text", text: "hi" }]))
      return turnsOf(() => Effect.runPromise(Effect.provide(asking, layer)))
    }
    const small = await asked(10)
    expect((await asked(10_000)).turns).toBeGreaterThan(small.turns)
  })

  it.each(["generate", "stream"] as const)("is checked, written and sent in turns of their own by %s", async (name) => {
    const messages: ReadonlyArray<Message> = [{ role: "user", content: "Go." }]
    const asked = async (values: number, letters: number) => {
      let sent = 0
      // A client that has no answer: what counts is how many turns pass until it is asked.
      const client = HttpClient.make(() =>
        Effect.andThen(
          Effect.sync(() => sent++),
          Effect.interrupt,
        ),
      )
      const layer = OpenAi.layerHttpClient({ apiKey: Redacted.make("sk-test"), model: "gpt-5-mini" }).pipe(
        Layer.provide(Layer.succeed(HttpClient.HttpClient, client)),
        withDefaults({ temperature: 0 }),
      )
      const providerOptions = { openai: { a: Array.from({ length: values }, () => "a".repeat(letters)) } }
      const request = { messages: [...messages], providerOptions }
      const asking = Effect.flatMap(LlmProvider, (llm) =>
        name === "generate" ? llm.generate(request) : Stream.runDrain(llm.stream(request)),
      )
      const { turns } = await turnsOf(() => Effect.runPromiseExit(Effect.provide(asking, layer)))
      expect(sent).toBe(1)
      return turns
    }
    // The first call loads what the others have.
    await asked(1, 1)
    const small = await asked(10, 1)
    expect(await asked(20_000, 1)).toBeGreaterThan(small)
    expect(await asked(2, 140_000)).toBe(small + 1)
    expect(await asked(20_000, 14)).toBeGreaterThan(await asked(20_000, 1))
  })
})
