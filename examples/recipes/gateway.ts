import { LLMInterface } from "@wiseflow/llm"

// LLM_PROVIDER=litellm with LLM_API_BASE and LLM_API_KEY says the same.
await using llm = new LLMInterface({
  provider: "litellm",
  apiBase: process.env["GATEWAY_BASE"] ?? "http://localhost:4000",
  apiKey: process.env["GATEWAY_KEY"],
  model: "anthropic/claude-sonnet-5", // the gateway's own name for it
})

const response = await llm.generate({
  messages: [{ role: "user", content: "Hello, world!" }],
  user: "reader-4711", // whose budget it is
  providerOptions: { litellm: { metadata: { tags: ["culture"] } } }, // fields of the gateway's own, sent as they are
})
console.log("error" in response ? response.error : response.text)
console.log("cost:", response.metadata.costUsd) // the gateway's own figure where it sends one
