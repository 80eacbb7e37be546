/** An MCP server over stdio. `paged` lists its tools two at a time, `endless` names the same page for ever. */
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio"
import { mcpServer } from "../McpUpstream.ts"

const server = mcpServer()
const [mode] = process.argv.slice(2)

const tool = (name: string) => ({ name, inputSchema: { type: "object" as const } })

if (mode !== undefined) {
  server.server.setRequestHandler("tools/list", ({ params }) => {
    const at = Number(params?.cursor ?? 0)
    const tools = [tool(`t${at}`), tool(`t${at + 1}`)]
    if (mode === "endless") return { tools: [tool(`t${at}`)], nextCursor: at === 0 ? "1" : "0" }
    return at < 4 ? { tools, nextCursor: String(at + 2) } : { tools }
  })
}
await server.connect(new StdioServerTransport())
