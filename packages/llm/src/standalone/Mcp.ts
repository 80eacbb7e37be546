/** The tools of MCP servers for programs on `@wiseflow/llm/promise`: `@wiseflow/llm/promise/mcp`. It shares that entry's code. */
export type {
  McpClientLike,
  McpGiven,
  McpHttp,
  McpOptions,
  McpRequestOptions,
  McpSettings,
  McpStdio,
} from "../tools/mcp/McpOptions.ts"
export type { McpTool } from "../tools/mcp/McpTool.ts"
export { connectMcp, type McpSession } from "../promises/mcp/McpSession.ts"
