/** `@wiseflow/llm/mcp`: the tools of MCP servers, for programs on promises (`connectMcp`) and on Effect (`connect`). */
export { connect, type McpConnection } from "../../tools/mcp/McpConnection.ts"
export type {
  McpClientLike,
  McpGiven,
  McpHttp,
  McpOptions,
  McpRequestOptions,
  McpSettings,
  McpStdio,
} from "../../tools/mcp/McpOptions.ts"
export type { McpTool } from "../../tools/mcp/McpTool.ts"
export { connectMcp, type McpSession } from "./McpSession.ts"
