import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({
  provider: "openai",
  model: "gpt-5-mini",
  wireApi: "responses", // reasoning comes back here, and can be sent back; Chat Completions shows only its tokens
})

const stream = llm.stream({
  messages: [{ role: "user", content: "Is 1,000,003 a prime?" }],
  reasoning: { effort: "high", summary: "auto" },
  maxTokens: 20_000, // reasoning counts
})

for await (const event of stream) {
  if (event.type === "reasoning-delta") process.stderr.write(event.delta)
  if (event.type === "text-delta") process.stdout.write(event.delta)
}

const response = await stream.response
console.log("\nthought:", response.metadata.usage.reasoningTokens ?? "unknown", "tokens")
