/** What `Tool` holds for tools of promises: results of texts, pictures and files. */
export { content, type ToolContent, type ToolContext, type ToolResult } from "../tools/Tool.ts"
