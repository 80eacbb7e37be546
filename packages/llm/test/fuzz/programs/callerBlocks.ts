/**
 * Prints the longest block of the event loop for large input from elsewhere than a model: of the program itself, for each wire,
 * and of MCP servers. `node --conditions=@wiseflow/source packages/llm/test/fuzz/programs/callerBlocks.ts [bytes] [part of a name]`.
 */
import { once } from "node:events"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import { LLMInterface } from "../../../src/index.ts"
import { connectMcp } from "../../../src/promises/mcp/Mcp.ts"
import { maxParts, maxStrictParts } from "../../../src/protocols/encoding/JsonSchema.ts"
import { oneOfEachWire } from "../../contract/Providers.ts"
import { FaultServer } from "../../faults/FaultServer.ts"
import { whole } from "../../faults/HttpText.ts"
import { wires } from "../../faults/Wires.ts"
import { type Block, measure, print } from "./Measuring.ts"

const [bytes = "1048576", filter = ""] = process.argv.slice(2)
const size = Number(bytes)

const serve = async (): Promise<void> => {
  const server = await FaultServer.start((request) => {
    const wire = Object.values(wires).find(({ path }) => path === request.path)
    if (wire !== undefined) return whole(wire.answer("hi"))
    const count =
      request.json !== null && typeof request.json === "object" && "input" in request.json ? request.json.input : []
    const data = (Array.isArray(count) ? count : [""]).map((_, index) => ({ index, embedding: [1] }))
    return whole(JSON.stringify({ object: "list", data, model: "m", usage: { prompt_tokens: 1, total_tokens: 1 } }))
  })
  parentPort?.postMessage(server.url, [])
}

const saidOf = (response: object): string =>
  "error" in response ? `${Reflect.get(response, "errorType")}: ${String(response.error).slice(0, 90)}` : "answered"

/** As many as fit. */
const many = <A>(make: (place: number) => A): ReadonlyArray<A> =>
  Array.from({ length: Math.floor(size / (JSON.stringify(make(9999)).length + 1)) }, (_, place) => make(place))

const hello = { role: "user", content: "hello" } as const
const properties = () => Object.fromEntries(many((place) => [`key${place}`, { type: "string" }] as const))
/** A schema of as many properties as may be. */
const largest = (parts = maxParts) => ({
  type: "object",
  properties: Object.fromEntries(
    Array.from({ length: parts - 2 }, (_, at) => [`key${at}`, { type: "string", description: "A text." }] as const),
  ),
})
const nested = (count: number): object => {
  let inner: object = { type: "object" }
  for (let level = 0; level < count; level++) inner = { type: "object", properties: { a: inner } }
  return inner
}

const requests: Readonly<Record<string, (provider: string) => object>> = {
  "one long text": () => ({ messages: [{ role: "user", content: "a".repeat(size) }] }),
  "many messages": () => ({
    messages: many((place) => ({ role: place % 2 === 0 ? "user" : "assistant", content: "a" })),
  }),
  "many parts": () => ({ messages: [{ role: "user", content: many(() => ({ type: "text", text: "a" })) }] }),
  "many calls and results": () => {
    const calls = many((place) => ({
      type: "tool-call",
      id: `c${place}`,
      name: "f",
      arguments: { a: 1 },
      space: "for its result",
    }))
    return {
      messages: [
        hello,
        {
          role: "assistant",
          content: calls.map(({ arguments: args, id, name, type }) => ({ type, id, name, arguments: args })),
        },
        { role: "tool", content: calls.map(({ id }) => ({ type: "tool-result", toolCallId: id, content: "a" })) },
      ],
    }
  },
  "a call with many arguments": () => ({
    messages: [
      hello,
      { role: "assistant", content: [{ type: "tool-call", id: "c", name: "f", arguments: { a: many(() => 1) } }] },
      { role: "tool", content: [{ type: "tool-result", toolCallId: "c", content: "a" }] },
    ],
  }),
  "many tools": () => ({
    messages: [hello],
    tools: many((place) => ({ name: `tool${place}`, parameters: { type: "object" } })),
  }),
  "many strict tools": () => ({
    messages: [hello],
    tools: many((place) => ({
      name: `tool${place}`,
      strict: true,
      parameters: { type: "object", properties: { a: { type: "string" } } },
    })),
  }),
  "as many strict tools as may be": () => ({
    messages: [hello],
    tools: Array.from({ length: maxStrictParts / 3 }, (_, place) => ({
      name: `tool${place}`,
      strict: true,
      parameters: { type: "object", properties: { a: { type: "string" } } },
    })),
  }),
  "two strict tools of as many properties as may be": () => ({
    messages: [hello],
    tools: ["a", "b"].map((name) => ({ name, strict: true, parameters: largest(maxStrictParts / 2) })),
  }),
  "a tool of many properties": () => ({
    messages: [hello],
    tools: [{ name: "t", parameters: { type: "object", properties: properties() } }],
  }),
  "a picture": () => ({
    messages: [{ role: "user", content: [{ type: "image", data: new Uint8Array(size), mediaType: "image/png" }] }],
  }),
  "options of many numbers": (provider) => ({
    messages: [hello],
    providerOptions: { [provider]: { a: many(() => 1) } },
  }),
  "options of many keys": (provider) => {
    const keys = Object.fromEntries(many((place) => [`key${place}`, place] as const))
    return { messages: [hello], providerOptions: { [provider]: { a: keys } } }
  },
  "options of many objects": (provider) => ({
    messages: [hello],
    providerOptions: { [provider]: { a: many(() => ({})) } },
  }),
  "many wrong messages": () => ({ messages: many(() => ({ role: "user", content: 1 })) }),
  "many wrong parts": () => ({ messages: [{ role: "user", content: many(() => ({ type: "texd", text: "a" })) }] }),
}

const schemas: Readonly<Record<string, () => object>> = {
  "of as many properties as may be": () => largest(),
  "of many names": () => ({ type: "object", properties: {}, required: many((place) => `key${place}`) }),
  "of many properties": () => ({ type: "object", properties: properties() }),
  "of many alternatives": () => ({ type: "object", properties: { a: { anyOf: many((place) => ({ const: place })) } } }),
  "of a long enum": () => ({ type: "object", properties: { a: { enum: many((place) => place) } } }),
  "of many definitions": () => ({
    type: "object",
    properties: { a: { $ref: "#/$defs/d0" } },
    $defs: Object.fromEntries(many((place) => [`d${place}`, { $ref: `#/$defs/d${place + 1}` }] as const)),
  }),
  nested: () => ({
    type: "object",
    properties: Object.fromEntries(Array.from({ length: size / 5000 }, (_, at) => [`k${at}`, nested(100)])),
  }),
}

const listed: Readonly<Record<string, () => ReadonlyArray<object>>> = {
  "many tools": () => many((place) => ({ name: `t${place}`, inputSchema: { type: "object" } })),
  "many tools of one name": () => many(() => ({ name: "t", inputSchema: { type: "object" } })),
  "5000 tools": () =>
    many((place) => ({
      name: `t${place}`,
      inputSchema: { type: "object", properties: { a: { type: "string" } } },
    })).slice(0, 5000),
  "5000 tools of more": () =>
    many((place) => ({
      name: `t${place}`,
      description: "d".repeat(30),
      inputSchema: {
        type: "object",
        properties: { a: { type: "string", format: "date-time" }, b: { type: "array", uniqueItems: true, items: {} } },
      },
    })).slice(0, 5000),
  "5000 tools with a pattern": () =>
    many((place) => ({
      name: `t${place}`,
      inputSchema: { type: "object", properties: { a: { pattern: "a" } } },
    })).slice(0, 5000),
  "wrong tools": () => many((place) => ({ name: place })),
  "one tool of many properties": () => [{ name: "t", inputSchema: { type: "object", properties: properties() } }],
  "one tool of many numbers": () => [{ name: "t", inputSchema: { type: "object", default: many(() => 1) } }],
}

const results: Readonly<Record<string, () => object>> = {
  "a long text": () => ({ content: [{ type: "text", text: "a".repeat(size) }] }),
  "many texts": () => ({ content: many(() => ({ type: "text", text: "a" })) }),
  "many unknown blocks": () => ({ content: many(() => ({ type: "b" })) }),
  "many pictures": () => ({ content: many(() => ({ type: "image", data: "aaaa", mimeType: "image/png" })) }),
  "a picture": () => ({ content: [{ type: "image", data: "a".repeat(size), mimeType: "image/png" }] }),
  "a picture that is none": () => ({
    content: [{ type: "image", data: `${"a".repeat(size)}!`, mimeType: "image/png" }],
  }),
  "many resources": () => ({
    content: many((place) => ({ type: "resource", resource: { uri: `a/${place}?b`, text: "a" } })),
  }),
  "much structure": () => ({ structuredContent: { a: many(() => ({ a: 1 })) } }),
  "a failure of many texts": () => ({ isError: true, content: many(() => ({ type: "text", text: "a" })) }),
}

const told = async (list: ReadonlyArray<object>, result: object): Promise<string> => {
  const session = await connectMcp({
    client: { listTools: async () => ({ tools: list }), callTool: async () => result },
  })
  const tools = await session.tools()
  const [first] = tools
  if (first === undefined || tools.length > 1) return `${tools.length} tools`
  const exit = await Effect.runPromise(Effect.result(first.run({}, { toolCallId: "a", step: 0, messages: [] })))
  return exit._tag
}

const ofServers = async (rows: (name: string, act: () => Promise<string>) => Promise<void>): Promise<void> => {
  for (const [name, make] of Object.entries(listed)) {
    const list = make()
    await rows(`MCP list: ${name}`, () => told(list, {}).catch((error) => String(error).slice(0, 90)))
  }
  for (const [name, make] of Object.entries(results)) {
    const result = make()
    await rows(`MCP result: ${name}`, () => told([{ name: "t", inputSchema: { type: "object" } }], result))
  }
}

const main = async (): Promise<void> => {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
  const [url] = await once(worker, "message")
  const blocks: Array<Block> = []
  const rows = async (name: string, act: () => Promise<string>): Promise<void> => {
    if (name.includes(filter)) blocks.push(await measure(name, act))
  }
  await ofServers(rows)
  for (const provider of oneOfEachWire) {
    await using llm = new LLMInterface({ ...provider.options(String(url)), maxRetries: 0, logger: false })
    await measure("", async () => saidOf(await llm.generate({ messages: [hello] })))
    for (const [name, make] of Object.entries(requests)) {
      const request = make(provider.provider)
      await rows(`${provider.wire.name}: ${name}`, async () => saidOf(await llm.generate(request as never)))
    }
    for (const [name, make] of Object.entries(schemas)) {
      await rows(`${provider.wire.name}: a schema ${name}`, async () => {
        const schema = make()
        return saidOf(await llm.generateObject({ messages: [hello], schema, repairs: 0 } as never))
      })
      await rows(`${provider.wire.name}: a strict format ${name}`, async () => {
        const responseFormat = { type: "json-schema", name: "a", schema: make(), strict: true }
        return saidOf(await llm.generate({ messages: [hello], responseFormat } as never))
      })
    }
    if (provider.wire.name === "chat") {
      for (const [name, inputs] of Object.entries({
        many: many(() => "a"),
        long: ["a".repeat(size)],
        wrong: many(() => 1),
      })) {
        await rows(`embeddings: ${name}`, async () =>
          saidOf(await llm.embed({ inputs, model: "text-embedding-3-small" } as never)),
        )
      }
    }
  }
  await worker.terminate()
  print(blocks, bytes)
}

await (isMainThread ? main() : serve())
