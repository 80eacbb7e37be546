import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({ provider: "anthropic", model: "claude-sonnet-5" })

const handbook = "Rule 1: … ".repeat(2000)

for (const question of ["May I park here?", "May I swim here?"]) {
  const response = await llm.generate({
    messages: [
      { role: "system", content: handbook }, // what stays the same comes first
      { role: "user", content: question },
    ],
    // Anthropic caches what it is asked to, here up to the last block; OpenAI caches long beginnings by itself.
    providerOptions: { anthropic: { cache_control: { type: "ephemeral" } } },
  })
  const { cachedInputTokens = 0, cacheWriteTokens = 0, inputTokens = 0 } = response.metadata.usage
  console.log(`${inputTokens} tokens read, ${cachedInputTokens} from the cache, ${cacheWriteTokens} written to it`)
}
