/** A true MCP server with a tool for each way in which a call can end, over stdio or on a loopback port. */
import { randomUUID } from "node:crypto"
import { createServer, type Server } from "node:http"
import { type AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node"
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server"
import * as zod from "zod"

const Nothing = zod.object({})
const says = (text: string) => ({ content: [{ type: "text" as const, text }] })

/** What happened at the server. */
export interface McpNotes {
  aborted: number
  calls: Array<string>
}

/** A server with all its tools. */
export const mcpServer = (notes: McpNotes = { aborted: 0, calls: [] }): McpServer => {
  const server = new McpServer({ name: "upstream", version: "1.0.0" }, { instructions: "Add before you ask." })
  const Numbers = zod.object({ a: zod.number(), b: zod.number() })
  server.registerTool("add", { description: "Adds two numbers", inputSchema: Numbers }, ({ a, b }) => {
    notes.calls.push(`add ${a} ${b}`)
    return says(String(a + b))
  })
  server.registerTool("files.read", { inputSchema: Nothing }, () => ({
    content: [
      { type: "resource", resource: { uri: "file:///a.txt", mimeType: "text/plain", text: "the text of a" } },
      { type: "resource", resource: { uri: "file:///dir/b.pdf?x=1", mimeType: "application/pdf", blob: "JVBERi0=" } },
      { type: "resource", resource: { uri: "file:///c.png", mimeType: "image/png", blob: "iVBORw0K" } },
      { type: "resource_link", uri: "file:///d.txt", name: "d" },
    ],
  }))
  server.registerTool("picture", { inputSchema: Nothing }, () => ({
    content: [
      { type: "text", text: "Here:" },
      { type: "image", data: "iVBORw0K", mimeType: "image/png" },
      { type: "audio", data: "UklGRg==", mimeType: "audio/wav" },
    ],
  }))
  server.registerTool("weather", { inputSchema: Nothing, outputSchema: zod.object({ celsius: zod.number() }) }, () => ({
    content: [],
    structuredContent: { celsius: 21 },
  }))
  server.registerTool("fails", { inputSchema: Nothing, annotations: { destructiveHint: true } }, () => ({
    ...says("the disk is full"),
    isError: true,
  }))
  server.registerTool("throws", { inputSchema: Nothing }, () => {
    throw new Error("out of order")
  })
  server.registerTool("waits", { inputSchema: Nothing }, (_, { mcpReq }) => {
    notes.calls.push("waits")
    return new Promise((resolve) => {
      mcpReq.signal.addEventListener("abort", () => {
        notes.aborted++
        resolve(says("aborted"))
      })
    })
  })
  server.registerTool("notes", { inputSchema: Nothing }, () => says(JSON.stringify(notes)))
  server.registerTool("dies", { inputSchema: Nothing }, () => process.exit(3))
  server.registerTool("grows", { inputSchema: Nothing }, () => {
    server.registerTool("grown", { inputSchema: Nothing }, () => says("I am new"))
    return says("grown")
  })
  return server
}

/** The program that serves `mcpServer` over stdio. */
export const stdioProgram = fileURLToPath(new URL("programs/stdio.ts", import.meta.url))

export interface McpUpstream extends AsyncDisposable {
  readonly url: string
  readonly notes: McpNotes
  /** The `authorization` header of each request. */
  readonly keys: ReadonlyArray<string | undefined>
  readonly methods: ReadonlyArray<string | undefined>
}

const listening = async (server: Server, notes: McpNotes): Promise<McpUpstream> => {
  const keys: Array<string | undefined> = []
  const methods: Array<string | undefined> = []
  server.prependListener("request", ({ headers, method }) => {
    keys.push(headers.authorization)
    methods.push(method)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    notes,
    keys,
    methods,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A server of today's revision, without sessions. */
export const serveModern = (): Promise<McpUpstream> => {
  const notes: McpNotes = { aborted: 0, calls: [] }
  const handler = toNodeHandler(createMcpHandler(() => mcpServer(notes)))
  return listening(
    createServer(
      (request, response) =>
        void handler(Object.assign(request, { method: request.method ?? "GET", url: request.url ?? "/" }), response),
    ),
    notes,
  )
}

/** A server of the revision before, with a session. */
export const serveSession = async (): Promise<McpUpstream> => {
  const notes: McpNotes = { aborted: 0, calls: [] }
  const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID() })
  await mcpServer(notes).connect(transport)
  return listening(
    createServer((request, response) => void transport.handleRequest(request, response)),
    notes,
  )
}
