/** Makes calls that fail and log, and says on stdout that it is still there. */
import { LLMInterface } from "@wiseflow/llm"

const apiBase = "http://127.0.0.1:1"
const llm = new LLMInterface({
  provider: "openai",
  apiKey: "sk-1",
  model: "m",
  apiBase,
  maxRetries: 0,
  logLevel: "debug",
})
for (let call = 0; call < 5; call++) {
  const response = await llm.generate({ messages: [{ role: "user", content: "Hi" }] })
  console.log("errorType" in response ? response.errorType : response.text)
  await new Promise((resolve) => setTimeout(resolve, 40))
}
await llm.dispose()
console.log("still here")
