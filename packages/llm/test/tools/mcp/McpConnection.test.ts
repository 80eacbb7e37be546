/** The tools of true MCP servers, over stdio and streamable HTTP, in runs of both audiences. */
import { readFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { isLlmError, LLMInterface, ToolLoop } from "../../../src/index.ts"
import { connect, connectMcp, type McpOptions } from "../../../src/promises/mcp/Mcp.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { serveModern, serveSession, stdioProgram } from "./McpUpstream.ts"

const stdio = (...args: ReadonlyArray<string>) =>
  ({ command: process.execPath, args: [stdioProgram, ...args], stderr: "ignore", name: "upstream" }) as const

type Call = { readonly name: string; readonly arguments?: unknown }

/** A model that makes these calls in one turn, and then answers. */
const script = (...toolCalls: ReadonlyArray<Call>) =>
  Scripted.layer([{ toolCalls: toolCalls.map((call) => ({ arguments: {}, ...call })) }, "done"])

/** What the model was told of each call, run by promises. */
const told = async (options: McpOptions, ...calls: ReadonlyArray<Call>) => {
  await using server = await connectMcp(options)
  await using llm = LLMInterface.fromLayer(script(...calls), { logger: false })
  const tools = await server.tools()
  const run = await llm.runTools({ messages: [{ role: "user", content: "Go." }], tools })
  expect(run).toMatchObject({ text: "done" })
  const results = run.messages.flatMap((message) => (message.role === "tool" ? message.content : []))
  return results.map(({ content, isError }) => (isError === true ? { failed: content } : content))
}

const everyCall: ReadonlyArray<Call> = [
  { name: "add", arguments: { a: 1, b: 2 } },
  { name: "files_read" },
  { name: "picture" },
  { name: "weather" },
  { name: "fails" },
  { name: "throws" },
  { name: "add", arguments: { a: "one" } },
]

const everyResult = [
  "3",
  [
    { type: "text", text: "the text of a" },
    { type: "file", data: "JVBERi0=", mediaType: "application/pdf", filename: "b.pdf" },
    { type: "image", data: "iVBORw0K", mediaType: "image/png" },
    { type: "text", text: '{"name":"d","uri":"file:///d.txt","type":"resource_link"}' },
  ],
  [
    { type: "text", text: "Here:" },
    { type: "image", data: "iVBORw0K", mediaType: "image/png" },
    { type: "file", data: "UklGRg==", mediaType: "audio/wav" },
  ],
  '{"celsius":21}',
  { failed: "The tool failed: the disk is full" },
  { failed: "The tool failed: out of order" },
  { failed: expect.stringContaining("The arguments do not fit the tool's schema") },
]

describe("over stdio", () => {
  it("a run gets the results of a server's tools: texts, pictures, files, structures and failures", async () => {
    expect(await told(stdio(), ...everyCall)).toEqual(everyResult)
  })

  it("a call waits no longer than its timeout, and the server hears that nobody waits", async () => {
    await using server = await connectMcp({ ...stdio(), timeout: "1 second" })
    const tools = await server.tools()
    expect(await askedOf(tools, "waits")).toEqual(["The tool failed: it took longer than 1s"])
    while (!(await askedOf(tools, "notes")).join().includes('"aborted":1')) await sleep(5)
  })

  it("a server that dies is a failure of the tool that the model is told, and so is every call after", async () => {
    await using server = await connectMcp(stdio())
    const llm = Scripted.layer([
      { toolCalls: [{ name: "dies", arguments: {} }] },
      { toolCalls: [{ name: "add", arguments: { a: 1, b: 1 } }] },
      "done",
    ])
    await using promises = LLMInterface.fromLayer(llm, { logger: false })
    const run = await promises.runTools({ messages: [{ role: "user", content: "Go." }], tools: await server.tools() })
    expect(run).toMatchObject({ text: "done" })
    const results = run.messages.flatMap((message) => (message.role === "tool" ? message.content : []))
    expect(results).toMatchObject([
      { isError: true, content: expect.stringContaining("the MCP server upstream did not answer the call") },
      { isError: true, content: expect.stringContaining("the MCP server upstream did not answer the call") },
    ])
  })

  it("an abort of the run reaches the server's tool", async () => {
    await using server = await connectMcp(stdio())
    const tools = await server.tools()
    const abort = new AbortController()
    await using llm = LLMInterface.fromLayer(script({ name: "waits" }), { logger: false })
    const run = llm.runTools({ messages: [{ role: "user", content: "Go." }], tools, signal: abort.signal })
    // Not before the server has the call: on a busy machine an abort may come first, of which it has nothing to hear.
    while (!(await askedOf(tools, "notes")).join().includes('"waits"')) await sleep(5)
    abort.abort(new Error("enough"))
    await expect(run).rejects.toThrow("enough")
    while (!(await askedOf(tools, "notes")).join().includes('"aborted":1')) await sleep(5)
  })

  it("lists every page of tools", async () => {
    await using server = await connectMcp(stdio("paged"))
    const tools = await server.tools()
    expect(tools.map(({ name }) => name)).toEqual(["t0", "t1", "t2", "t3", "t4", "t5"])
  })

  it("does not follow a list that never ends", async () => {
    await using server = await connectMcp({ ...stdio("endless"), connectTimeout: "20 seconds" })
    const error = await server.tools().catch((error: unknown) => error)
    expect(isLlmError(error) && error.reason._tag).toMatch(/^(ConnectionError|InvalidResponseError)$/)
  })

  it("lists the tools again once the server has said that they changed, and not before", async () => {
    const changes: Array<string> = []
    await using server = await connectMcp({ ...stdio(), onToolsChanged: () => changes.push("changed") })
    const before = await server.tools()
    expect(await server.tools()).toBe(before)
    expect(before.map(({ name }) => name)).not.toContain("grown")
    await using llm = LLMInterface.fromLayer(
      Scripted.layer([
        { toolCalls: [{ name: "grows", arguments: {} }] },
        { toolCalls: [{ name: "grown", arguments: {} }] },
        "done",
      ]),
      { logger: false },
    )
    const run = await llm.runTools({
      messages: [{ role: "user", content: "Go." }],
      tools: before,
      prepareStep: async ({ steps }) => {
        while (steps.length > 0 && changes.length === 0) await sleep(5)
        return { tools: await server.tools() }
      },
    })
    const results = run.messages.flatMap((message) => (message.role === "tool" ? message.content : []))
    expect(results.map(({ content }) => content)).toEqual(["grown", "I am new"])
  })

  it("tells how the server wants to be used", async () => {
    await using server = await connectMcp(stdio())
    expect(server.instructions).toBe("Add before you ask.")
    expect(server.name).toBe("upstream")
  })

  it("a program that is not there is a ConnectionError", async () => {
    const error = await connectMcp({ command: "/nowhere/mcp-server" }).catch((error: unknown) => error)
    expect(isLlmError(error) && error.reason).toMatchObject({ _tag: "ConnectionError" })
    expect(String(error)).toContain("/nowhere/mcp-server")
  })

  it("a program that says nothing is a TimeoutError", async () => {
    const options = { command: process.execPath, args: ["-e", "setInterval(() => {}, 1000)"], name: "mute" }
    const error = await connectMcp({ ...options, connectTimeout: "300 millis" }).catch((error: unknown) => error)
    expect(isLlmError(error) && error.reason).toMatchObject({ _tag: "TimeoutError", limitMs: 300 })
  })
})

/** Runs one tool alone. */
const askedOf = async (tools: Awaited<ReturnType<Awaited<ReturnType<typeof connectMcp>>["tools"]>>, name: string) => {
  await using llm = LLMInterface.fromLayer(script({ name }), { logger: false })
  const run = await llm.runTools({ messages: [{ role: "user", content: "Go." }], tools })
  return run.messages
    .flatMap((message) => (message.role === "tool" ? message.content : []))
    .map(({ content }) => content)
}

describe.each([
  { name: "streamable HTTP, today's revision", serve: serveModern, sessions: false },
  { name: "streamable HTTP with sessions", serve: serveSession, sessions: true },
])("over $name", ({ serve, sessions }) => {
  it("a run gets the results of a server's tools", async () => {
    await using upstream = await serve()
    expect(await told({ url: upstream.url }, ...everyCall)).toEqual(everyResult)
    if (sessions) expect(upstream.methods).toContain("DELETE")
  })

  it("sends the headers with every request, and tells none of their words", async () => {
    await using upstream = await serve()
    const headers = { authorization: "Bearer canary-0123456789" }
    await told({ url: new URL(upstream.url), headers }, { name: "add", arguments: { a: 1, b: 2 } })
    expect(new Set(upstream.keys)).toEqual(new Set(["Bearer canary-0123456789"]))
    const answer = () => Promise.resolve(new Response("bad key canary-0123456789", { status: 500 }))
    const error = await connectMcp({ url: upstream.url, headers, fetch: answer }).catch((error: unknown) => error)
    expect(isLlmError(error) && error.reason._tag).toBe("ConnectionError")
    expect(JSON.stringify(error)).not.toContain("canary")
  })

  it("a server that goes away is a failure of the tool that the model is told", async () => {
    const upstream = await serve()
    await using server = await connectMcp({ url: upstream.url, timeout: "1 second" })
    const tools = await server.tools()
    const asked = askedOf(tools, "waits")
    while (upstream.notes.calls.length === 0) await sleep(5)
    await upstream[Symbol.asyncDispose]()
    const expected = expect.stringMatching(/^The tool failed: (the MCP server|it took longer)/)
    expect(await asked).toEqual([expected])
    expect(await askedOf(tools, "notes")).toEqual([expected])
  })

  it("an abort closes the call's connection", async () => {
    await using upstream = await serve()
    await using server = await connectMcp({ url: upstream.url })
    const abort = new AbortController()
    await using llm = LLMInterface.fromLayer(script({ name: "waits" }), { logger: false })
    const run = llm.runTools({
      messages: [{ role: "user", content: "Go." }],
      tools: await server.tools(),
      signal: abort.signal,
    })
    while (upstream.notes.calls.length === 0) await sleep(5)
    abort.abort(new Error("enough"))
    await expect(run).rejects.toThrow("enough")
    while (upstream.notes.aborted === 0) await sleep(5)
    expect(upstream.notes).toMatchObject({ aborted: 1, calls: ["waits"] })
  })
})

describe("for programs on Effect", () => {
  it("the tools are those of a ToolLoop, for as long as the scope is open", async () => {
    await using upstream = await serveModern()
    const response = await Effect.gen(function* () {
      const { tools } = yield* connect({ url: upstream.url })
      return yield* ToolLoop.run({ messages: [{ role: "user", content: "1 + 2?" }], tools: yield* tools })
    }).pipe(Effect.scoped, Effect.provide(script({ name: "add", arguments: { a: 1, b: 2 } })), Effect.runPromise)
    expect(response.text).toBe("done")
    expect(upstream.notes.calls).toEqual(["add 1 2"])
  })
})

it("says who asks, with the version of this package", async () => {
  const bodies: Array<string> = []
  const answer = (_: string | URL, init?: RequestInit) => {
    bodies.push(String(init?.body))
    return Promise.resolve(new Response(null, { status: 500 }))
  }
  await expect(connectMcp({ url: "http://127.0.0.1:1/mcp", fetch: answer })).rejects.toSatisfy(isLlmError)
  const manifest = await readFile(new URL("../../../package.json", import.meta.url), "utf8")
  const { name, version }: { readonly name: string; readonly version: string } = JSON.parse(manifest)
  expect(bodies[0]).toContain(`{"name":"${name}","version":"${version}"}`)
})

describe("the options", () => {
  const listed = { name: "add", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }
  const client = (tools: ReadonlyArray<object>, pages: ReadonlyArray<ReadonlyArray<object>> = [tools]) => ({
    listTools: async (params: { cursor: string } | undefined) => {
      const at = Number(params?.cursor ?? 0)
      return { tools: pages[at] ?? [], ...(at + 1 < pages.length ? { nextCursor: String(at + 1) } : {}) }
    },
    callTool: async () => ({ content: [] }),
  })

  it("take a client of the official package that the program has connected, and closes itself", async () => {
    await using upstream = await serveModern()
    const own = new Client({ name: "own", version: "1.0.0" })
    await own.connect(new StreamableHTTPClientTransport(new URL(upstream.url)))
    for (const _ of [1, 2]) {
      const results = await told({ client: own }, { name: "add", arguments: { a: 1, b: 2 } })
      expect(results).toEqual(["3"])
    }
    await own.close()
  })

  it("take a client that is connected already, whose pages may come one by one", async () => {
    const pages = [[listed], [{ ...listed, name: "sub" }]]
    await using server = await connectMcp({ client: client([], pages) })
    expect((await server.tools()).map(({ name }) => name)).toEqual(["add", "sub"])
    expect(await askedOf(await server.tools(), "sub")).toEqual(["null"])
  })

  it("give every tool a name of its own that providers accept", async () => {
    const long = "x".repeat(70)
    const names = ["a.b", "a/b", "a_b", long, `${long}y`]
    const tools = names.map((name) => ({ ...listed, name }))
    await using server = await connectMcp({ client: client(tools), prefix: "s_" })
    const given = (await server.tools()).map(({ name }) => name)
    expect(given).toEqual(["s_a_b", "s_a_b_2", "s_a_b_3", `s_${"x".repeat(62)}`, `s_${"x".repeat(60)}_2`])
  })

  it("choose tools, and which of them need approval", async () => {
    const tools = [
      listed,
      { ...listed, name: "drop", annotations: { destructiveHint: true } },
      { ...listed, name: "no" },
    ]
    await using server = await connectMcp({
      client: client(tools),
      include: ({ name }) => name !== "no",
      needsApproval: ({ annotations }) => annotations?.readOnlyHint !== true,
    })
    const made = await server.tools()
    expect(made.map(({ name, needsApproval }) => [name, needsApproval])).toEqual([
      ["add", false],
      ["drop", true],
    ])
  })

  it.each([
    { options: {}, setting: "mcp" },
    { options: { command: "x", url: "http://127.0.0.1:1" }, setting: "mcp" },
    { options: { url: "nonsense" }, setting: "url" },
    { options: { client: {} }, setting: "client" },
    { options: { client: client([]), timeout: "soon" }, setting: "timeout" },
    { options: { url: "http://127.0.0.1:1", connectTimeout: "soon" }, setting: "connectTimeout" },
  ])("that make no sense are a ConfigurationError: $setting", async ({ options, setting }) => {
    const error = await connectMcp(options as never).catch((error: unknown) => error)
    expect(isLlmError(error) && error.reason).toMatchObject({ _tag: "ConfigurationError", setting })
  })

  it("an unreadable list of tools is an InvalidResponseError", async () => {
    await using server = await connectMcp({ client: client([{ name: 1 }]) })
    const error = await server.tools().catch((error: unknown) => error)
    expect(isLlmError(error) && error.reason._tag).toBe("InvalidResponseError")
  })
})
