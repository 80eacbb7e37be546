import { LLMInterface } from "@wiseflow/llm"

const llm = new LLMInterface({
  provider: "openai", // the wire, not the company
  apiBase: process.env["MY_SERVICE_BASE"] ?? "https://llm.example.com/v1",
  apiKey: process.env["MY_SERVICE_KEY"] ?? "none",
  model: "my-model",
})

const response = await llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
console.log("error" in response ? response.error : response.text)
