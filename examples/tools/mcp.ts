import { runTools } from "@wiseflow/llm"
import { connectMcp } from "@wiseflow/llm/mcp"

// A program that speaks MCP over its standard input and output; { url, headers } reaches a server over HTTP.
const [command = "npx", ...args] = process.argv.slice(2)

await using server = await connectMcp({ command, args, stderr: "ignore", prefix: "calculator_" })

const response = await runTools({
  tools: await server.tools(),
  prompt: "What is 20 and 22?",
})

console.log("error" in response ? response.error : response.text)
