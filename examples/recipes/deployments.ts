import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({
  model: "gpt-5-mini",
  deployments: [
    { name: "team", provider: "openai", apiKeyVariable: "TEAM_KEY", weight: 3, rpm: 500, tpm: 200_000 },
    { name: "shared", provider: "openai", apiKeyVariable: "SHARED_KEY", concurrency: 5 },
  ],
  balance: { strategy: "least-in-flight" },
})

const { metadata, text } = await llm.generate({ prompt: "Hello, world!", stickyKey: "conversation-17" })
const [attempt] = metadata.attempts
console.log(text, attempt?.chosenBy, attempt?.deployment === undefined ? "nowhere" : "at a deployment")
