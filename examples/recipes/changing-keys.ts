import { readFile } from "node:fs/promises"
import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({
  provider: "openai",
  model: "gpt-5-mini",
  // Asked before each request, and once more where the service refuses what it gave.
  apiKey: () => readFile(process.env["KEY_FILE"] ?? "/run/secrets/openai", "utf8"),
})

const response = await llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
console.log("error" in response ? response.error : response.text)
