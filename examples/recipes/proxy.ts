import { LLMInterface } from "@wiseflow/llm"

// Without this option Node follows HTTPS_PROXY, HTTP_PROXY and NO_PROXY. `false` goes past them.
await using llm = new LLMInterface({
  provider: "openai",
  model: "gpt-5-mini",
  proxy: process.env["COMPANY_PROXY"] ?? "http://user:password@proxy.example.com:3128",
})

const response = await llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
console.log("error" in response ? response.error : response.text)
