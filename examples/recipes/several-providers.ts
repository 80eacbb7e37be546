import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({
  provider: "openai",
  model: "gpt-5-mini",
  providers: {
    openai: { apiKey: process.env["TEAM_OPENAI_KEY"], apiBase: process.env["OPENAI_API_BASE"] },
    anthropic: { apiKey: process.env["TEAM_ANTHROPIC_KEY"], apiBase: process.env["ANTHROPIC_API_BASE"] },
  },
  // Asked in this order where the one before cannot answer. What a fallback leaves open comes from `providers`.
  fallbacks: [{ provider: "anthropic", model: "claude-sonnet-5" }],
  fallbackText: "Nobody can answer at the moment.",
  timeout: "1 minute",
})

const response = await llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })

if ("error" in response) console.error(response.error)
else if (response.metadata.degraded) console.log(response.text, "(no model wrote this)")
else console.log(`${response.metadata.provider}: ${response.text}`)
for (const { errorType, provider, status } of response.metadata.attempts) {
  console.log(`asked ${provider}:`, errorType ?? status)
}
