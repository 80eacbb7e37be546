import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({ provider: "anthropic", model: "claude-sonnet-5" })

const handbook = "Rule 1: … ".repeat(2000)

for (const question of ["May I park here?", "May I swim here?"]) {
  const response = await llm.generate({
    messages: [
      // What stays the same comes first, and the mark says: everything up to here comes again.
      { role: "system", content: handbook, cache: true },
      { role: "user", content: question },
    ],
  })
  const { cachedInputTokens = 0, cacheWriteTokens = 0, inputTokens = 0 } = response.metadata.usage
  console.log(`${inputTokens} tokens read, ${cachedInputTokens} from the cache, ${cacheWriteTokens} written to it`)
}
