/** MCP servers that are made to hurt: their lists, schemas and results end as data, and hold nobody up. */
import { afterEach, describe, expect, it } from "vitest"
import { isLlmError, LLMInterface } from "../../../src/index.ts"
import { connectMcp } from "../../../src/promises/mcp/Mcp.ts"
import { FaultServer } from "../../faults/FaultServer.ts"
import { whole } from "../../faults/HttpText.ts"

const open: Array<AsyncDisposable> = []
afterEach(async () => {
  for (const resource of open.splice(0)) await resource[Symbol.asyncDispose]()
})

const listing = (tools: ReadonlyArray<object>, result: unknown = { content: [{ type: "text", text: "ok" }] }) =>
  connectMcp({ client: { listTools: async () => ({ tools }), callTool: async () => result } })

const message = (content: object, finish: string) =>
  whole(JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", ...content }, finish_reason: finish }] }))

/** A run in which the model calls the one tool of such a server with these arguments, and what it is told. */
const run = async (inputSchema: object, result?: unknown, args: unknown = {}) => {
  const call = { id: "a", type: "function", function: { name: "t", arguments: JSON.stringify(args) } }
  const server = await FaultServer.start(({ json }) =>
    JSON.stringify(json).includes('"role":"tool"')
      ? message({ content: "done" }, "stop")
      : message({ content: null, tool_calls: [call] }, "tool_calls"),
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
  const session = await listing([{ name: "t", inputSchema }], result)
  const response = await llm.runTools({ prompt: "Go.", tools: await session.tools() })
  const results = response.messages.flatMap(({ content, role }) => (role === "tool" ? content : []))
  return { response, told: results.map(({ content }) => content)[0] }
}

describe("a list of tools", () => {
  it("of one name gets a name for each, in proportion to their number", async () => {
    const tools = Array.from({ length: 2000 }, () => ({ name: "a".repeat(80), inputSchema: { type: "object" } }))
    const names = (await (await listing(tools)).tools()).map(({ name }) => name)
    expect(new Set(names).size).toBe(2000)
    expect(names.every((name) => /^a+(_\d+)?$/.test(name) && name.length <= 64)).toBe(true)
  })

  it("that is longer than any model can be told is refused, on one page or on many", async () => {
    const page = Array.from({ length: 3000 }, (_, at) => ({ name: `t${at}`, inputSchema: {} }))
    const failure = await (await listing([...page, ...page])).tools().catch((error: unknown) => error)
    expect(isLlmError(failure) && failure.reason).toMatchObject({ _tag: "InvalidResponseError" })
    let pages = 0
    const client = {
      listTools: async () => ({ tools: page, nextCursor: `c${pages++}` }),
      callTool: async () => ({}),
    }
    const paged = await (await connectMcp({ client })).tools().catch((error: unknown) => error)
    expect(isLlmError(paged) && paged.reason).toMatchObject({ _tag: "InvalidResponseError" })
    expect(pages).toBe(2)
  })
})

describe("a schema", () => {
  it("with a pattern that never ends is told to the model, and its pattern is the server's to check", async () => {
    const schema = { type: "object", properties: { a: { type: "string", pattern: "^(a+)+$" } }, required: ["a"] }
    const { told } = await run(schema, undefined, { a: `${"a".repeat(60)}!` })
    expect(told).toBe("ok")
    expect((await run(schema, undefined, { a: 1 })).told).toContain("do not fit")
    expect((await run(schema)).told).toContain("do not fit")
  })

  it("keeps what its patterns allow", async () => {
    const schema = { type: "object", patternProperties: { "^x-": { type: "string" } }, additionalProperties: false }
    expect((await run(schema, undefined, { "x-a": "1" })).told).toBe("ok")
  })

  it.each([
    ["doubles at every step", 40],
    ["is nested too deep", 3000],
  ])("that %s is a failure as data", async (_, count) => {
    const doubling = Object.fromEntries(
      Array.from({ length: count + 1 }, (_, at) => [
        `d${at}`,
        at === count ? {} : { anyOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
      ]),
    )
    const deep = Array.from({ length: count }).reduce<object>((a) => ({ type: "object", properties: { a } }), {})
    const schema = count === 40 ? { type: "object", properties: { a: { $ref: "#/$defs/d0" } }, $defs: doubling } : deep
    expect((await run(schema, undefined, { a: null })).response).toMatchObject({ errorType: "InvalidRequestError" })
  })
})

describe("a result", () => {
  const deep = (() => {
    let value: unknown = 1
    for (let depth = 0; depth < 20_000; depth++) value = [value]
    return value
  })()
  const circle: { self?: unknown } = {}
  circle.self = circle

  it.each<readonly [string, unknown, unknown]>([
    ["a structure without end", { structuredContent: deep }, expect.stringContaining("cannot be read")],
    ["a circle", { content: [circle] }, expect.stringContaining("cannot be read")],
    ["a number that JSON cannot hold", { structuredContent: 10n }, expect.stringContaining("cannot be read")],
    [
      "a picture of a kind that is none",
      { content: [{ type: "image", data: "AAAA", mimeType: "text/html" }] },
      expect.stringContaining("text/html"),
    ],
    [
      "a picture of nothing",
      { content: [{ type: "image", data: "", mimeType: "image/png" }] },
      expect.stringContaining("image/png"),
    ],
    [
      "a picture that is no base64",
      { content: [{ type: "image", data: "!!!", mimeType: "image/png" }] },
      expect.stringContaining("image/png"),
    ],
    ["nothing", null, expect.stringContaining("cannot be read")],
  ])("of %s is told to the model", async (_, result, wanted) => {
    const { response, told } = await run({ type: "object" }, result)
    expect(response).toMatchObject({ text: "done" })
    expect(told).toEqual(wanted)
  })

  it("with a picture stays a picture", async () => {
    const { told } = await run(
      { type: "object" },
      { content: [{ type: "image", data: "iVBORw0K", mimeType: "image/png" }] },
    )
    expect(told).toEqual([{ type: "image", data: "iVBORw0K", mediaType: "image/png" }])
  })
})
